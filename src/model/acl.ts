import { ZooArkError } from '../base/errors.ts'
import type { JuteReader } from '../jute/jute-reader.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { formatText } from './znode-path.ts'

/**
 * Access control lists (ZooKeeper: `ACL`, `Id`, `ZooDefs.Perms`).
 *
 * ```
 * vector: i32 count (-1 = null) | per entry: i32 perms | i32 length, scheme | i32 length, id
 * ```
 */
export interface Acl {
  /** Bits: read 1, write 2, create 4, delete 8, admin 16. */
  readonly perms: number
  readonly scheme: Uint8Array | null
  readonly id: Uint8Array | null
}

/** The ACL key in a snapshot that stands for world:anyone:cdrwa without an entry in the ACL cache. */
export const openAclKey = -1n

/** Entries that are believed in one list; ZooKeeper itself has no limit but the request size, which 65,536 entries exceed by far. */
export const aclEntriesMax = 65_536

const entryLengthMin = 12

const permLetters: readonly (readonly [string, number])[] = [
  ['c', 4],
  ['d', 8],
  ['r', 1],
  ['w', 2],
  ['a', 16],
]
const allPerms = 31

/** Reads a list; null when the vector is null. Scheme and id are views. @throws RECORD_DAMAGED */
export function readAcls(reader: JuteReader): readonly Acl[] | null {
  const count = reader.readVectorLength(entryLengthMin, aclEntriesMax)
  if (count < 0) return null
  const acls: Acl[] = []
  for (let i = 0; i < count; i++) acls.push({ perms: reader.readInt(), scheme: reader.readBuffer(), id: reader.readBuffer() })
  return acls
}

export function writeAcls(writer: JuteWriter, acls: readonly Acl[] | null): void {
  writer.writeInt(acls === null ? -1 : acls.length)
  for (const acl of acls ?? []) {
    writer.writeInt(acl.perms)
    writer.writeBuffer(acl.scheme)
    writer.writeBuffer(acl.id)
  }
}

/** `scheme:id:perms`, for example `world:anyone:cdrwa`; the perms as a number when they have bits that ZooKeeper does not know. */
export function formatAcl(acl: Acl): string {
  return `${formatText(acl.scheme ?? new Uint8Array(0))}:${formatText(acl.id ?? new Uint8Array(0))}:${formatPerms(acl.perms)}`
}

export function formatPerms(perms: number): string {
  if ((perms & ~allPerms) !== 0) return String(perms)
  return permLetters.map(([letter, bit]) => ((perms & bit) === 0 ? '' : letter)).join('')
}

/** Reads `scheme:id:perms`; the id may contain colons. @throws USAGE */
export function parseAcl(text: string): Acl {
  const schemeEnd = text.indexOf(':')
  const idEnd = text.lastIndexOf(':')
  const perms = schemeEnd > 0 && idEnd > schemeEnd ? parsePerms(text.slice(idEnd + 1)) : undefined
  if (perms === undefined) throw new ZooArkError('USAGE', `'${text}' is not an ACL such as world:anyone:cdrwa`)
  const encoder = new TextEncoder()
  return { perms, scheme: encoder.encode(text.slice(0, schemeEnd)), id: encoder.encode(text.slice(schemeEnd + 1, idEnd)) }
}

function parsePerms(text: string): number | undefined {
  if (/^-?\d{1,10}$/.test(text)) {
    const value = Number(text)
    return value === (value | 0) ? value : undefined
  }
  let perms = 0
  for (const letter of text) {
    const bit = permLetters.find(([known]) => known === letter)?.[1]
    if (bit === undefined || (perms & bit) !== 0) return undefined
    perms |= bit
  }
  return perms
}
