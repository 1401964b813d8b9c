/**
 * A whole recovery point out of a local repository, written from docs/formats/repository.md and archive.md alone: no code of ZooArk, only
 * node and whatever zstd decoder is handed in. It proves that data outlive the tool, and that the pages say enough.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface MiniNode {
  path: string
  data: Uint8Array | null
  /** The jute vector; null where the ACL key dangles. */
  acl: Uint8Array | null
  danglingKey: bigint | null
  /** czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner. */
  stat: bigint[]
}

export interface MiniState {
  zxid: string
  nodes: MiniNode[]
  sessions: { id: bigint; timeoutMs: bigint }[]
}

interface Body {
  points: {
    zxid: string
    state: { treeRoot: string; sessionsRoot: string; stateRoot: string; configMtime: string | null; configData: string | null }
  }[]
}

/** Any zstd decoder: one frame in, the plain bytes out. */
export type Decode = (frame: Uint8Array, plainLength: number) => Uint8Array

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not as the page says: ${what}`)
}

/** The blocks of an object with their metas: preamble (16 bytes), blocks, index, footer (64 bytes). */
function readObject(file: Buffer, decode: Decode): { header: string; blocks: { plain: Buffer; meta: Buffer }[] } {
  const indexAt = Number(file.readBigUInt64BE(file.length - 64))
  const index = file.subarray(indexAt, indexAt + file.readUInt32BE(file.length - 56))
  check(
    file[8] === 1 && file[11] === 0 && sha256(index) === file.toString('hex', file.length - 48, file.length - 16),
    'version, encryption or index',
  )
  const hashLength = file[12] * 32
  const headerEnd = 20 + index.readUInt32BE(16)
  const blocks = []
  let at = headerEnd + 4
  let offset = 16
  for (let left = index.readUInt32BE(headerEnd); left > 0; left--) {
    const [storedLength, plainLength, metaLength] = [0, 4, 8].map((field) => index.readUInt32BE(at + field))
    const stored = file.subarray(offset, offset + storedLength)
    const plain = storedLength === plainLength ? stored : Buffer.from(decode(stored, plainLength))
    check(hashLength === 0 || sha256(plain) === index.toString('hex', at + 12, at + 44), 'block hash')
    const metaAt = at + 12 + hashLength
    blocks.push({ plain, meta: index.subarray(metaAt, metaAt + metaLength) })
    offset += storedLength
    at = metaAt + metaLength
  }
  return { header: index.toString('utf8', 20, headerEnd), blocks }
}

/** Columns of a chunk, after its version and kind. */
class Columns {
  readonly bytes: Buffer
  at = 2

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes.readUInt8(this.at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }

  zigzag(): bigint {
    const value = this.varint()
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
  }

  many<T>(count: number, read: (i: number) => T): T[] {
    return Array.from({ length: count }, (_, i) => read(i))
  }

  /** Each to the one before. */
  deltas(count: number): bigint[] {
    let value = 0n
    return this.many(count, () => (value = BigInt.asIntN(64, value + this.zigzag())))
  }

  deltasTo(base: bigint[]): bigint[] {
    return base.map((value) => BigInt.asIntN(64, value + this.zigzag()))
  }

  take(length: number): Buffer {
    check(this.at + length <= this.bytes.length, 'length of a chunk')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  paths(count: number): Buffer[] {
    const shared = this.many(count, () => Number(this.varint()))
    const lengths = this.many(count, () => Number(this.varint()))
    let path = Buffer.alloc(0)
    return shared.map((length, i) => (path = Buffer.concat([path.subarray(0, length), this.take(lengths[i])])))
  }
}

/** The last recovery point of a timeline. */
export function readLastPoint(directory: string, timeline: string, decode: Decode): MiniState {
  const chunks = new Map<string, Buffer>()
  let last: Body['points'][number] | undefined
  for (const name of readdirSync(join(directory, 'head', timeline)).sort()) {
    const head = readObject(readFileSync(join(directory, 'head', timeline, name)), decode)
    const header = JSON.parse(head.header) as { packs: { key: string }[] }
    for (const { key } of header.packs) readPack(readFileSync(join(directory, key)), chunks, decode)
    const body = JSON.parse(Buffer.concat(head.blocks.map(({ plain }) => plain)).toString('utf8')) as Body
    last = body.points.at(-1) ?? last
  }
  if (last === undefined) throw new Error('no recovery point')
  const { treeRoot, sessionsRoot, stateRoot, configMtime, configData } = last.state
  check(sha256(Buffer.concat([Buffer.from('zooark state 1\n'), Buffer.from(treeRoot + sessionsRoot, 'hex')])) === stateRoot, 'state root')
  const nodes = readTree(treeRoot, chunks)
  const config = nodes.find(({ path }) => path === '/zookeeper/config')
  if (config !== undefined) {
    config.stat[4] = BigInt(configMtime ?? 0)
    if (configData !== null) config.data = Buffer.from(configData, 'hex')
  }
  return { zxid: last.zxid, nodes, sessions: readSessions(sessionsRoot, chunks) }
}

function readPack(file: Buffer, chunks: Map<string, Buffer>, decode: Decode): void {
  for (const { plain, meta } of readObject(file, decode).blocks) {
    for (let entry = 0, at = 0; entry < meta.length; entry += 20) {
      const chunk = plain.subarray(at, (at += meta.readUInt32BE(entry + 16)))
      chunks.set(sha256(chunk), chunk)
    }
  }
}

function chunkOf(id: string, kind: number, chunks: Map<string, Buffer>): Columns {
  const bytes = chunks.get(id)
  if (bytes === undefined) throw new Error(`chunk ${id} is missing`)
  check(bytes[0] === 1 && (kind === 0 || bytes[1] === kind), 'version or kind of a chunk')
  return new Columns(bytes)
}

function readTree(id: string, chunks: Map<string, Buffer>): MiniNode[] {
  const columns = chunkOf(id, 0, chunks)
  if (columns.bytes[1] === 1) return readLeaf(columns, chunks)
  columns.take(1)
  const count = Number(columns.varint())
  columns.paths(count)
  columns.many(count * 2, () => columns.varint())
  return columns.many(count, () => columns.take(32).toString('hex')).flatMap((child) => readTree(child, chunks))
}

function readLeaf(columns: Columns, chunks: Map<string, Buffer>): MiniNode[] {
  const count = Number(columns.varint())
  const acls = columns.many(Number(columns.varint()), () => {
    const length = Number(columns.varint())
    return length === 0 ? { acl: null, danglingKey: columns.take(8).readBigInt64BE() } : { acl: columns.take(length), danglingKey: null }
  })
  const paths = columns.paths(count)
  const aclIndexes = columns.many(count, () => Number(columns.varint()))
  const dataLengths = columns.many(count, () => Number(columns.varint()) - 1)
  const czxids = columns.deltas(count)
  const mzxids = columns.deltasTo(czxids)
  const pzxids = columns.deltasTo(czxids)
  const ctimes = columns.deltas(count)
  const mtimes = columns.deltasTo(ctimes)
  const others = columns.many(4, () => columns.many(count, () => columns.zigzag()))
  const nodes = paths.map((path, i) => ({
    path: path.toString('utf8'),
    data: dataLengths[i] < 0 ? null : readData(columns, dataLengths[i], chunks),
    ...acls[aclIndexes[i]],
    stat: [czxids[i], mzxids[i], pzxids[i], ctimes[i], mtimes[i], ...others.map((column) => column[i])],
  }))
  check(columns.at === columns.bytes.length, 'end of a leaf')
  return nodes
}

function readData(columns: Columns, length: number, chunks: Map<string, Buffer>): Buffer {
  if (length <= 16384) return columns.take(length)
  const pieces = columns.many(Math.ceil(length / 1048576), () => chunks.get(columns.take(32).toString('hex')) ?? Buffer.alloc(0))
  check(Buffer.concat(pieces).length === length, 'length of data')
  return Buffer.concat(pieces)
}

function readSessions(id: string, chunks: Map<string, Buffer>): MiniState['sessions'] {
  const list = chunkOf(id, 4, chunks)
  const counts = list.many(Number(list.varint()), () => Number(list.varint()))
  return counts.flatMap(() => {
    const columns = chunkOf(list.take(32).toString('hex'), 3, chunks)
    const ids = columns.deltas(Number(columns.varint()))
    return ids.map((session) => ({ id: session, timeoutMs: columns.zigzag() }))
  })
}
