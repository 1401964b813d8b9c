/** The head object: one commit. docs/formats/repository.md, "Head". */
import { utf8Bytes } from '../base/bytes.ts'
import { sha256 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts'
import type { Zstd } from '../base/zstd.ts'
import { compressBatch } from './block-compressor.ts'
import { damagedObject, decodeBlock, decodeEnvelope, type Envelope, EnvelopeWriter } from './envelope.ts'
import { CHUNK_BYTES_MAX } from './limits.ts'
import type { Commit, ObjectRef } from './types.ts'

const HEAD_PREFIX = 'head/'
const SEQ_DIGITS = 10
const TIMELINE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
/** `pack/<sha256>` or `<kind>/<name>.<sha256>`. */
const REF_KEY = /^(?:pack\/|[a-z0-9-]+\/[a-z0-9-]+\.)[0-9a-f]{64}$/

/** Throws USAGE on a name that cannot be a timeline's: lower-case letters, digits and `-`, up to 64. */
export function checkTimelineName(timeline: string): void {
  if (!TIMELINE_NAME.test(timeline)) throw new ZooArkError('USAGE', `not a timeline name: ${JSON.stringify(timeline.slice(0, 80))}`)
}

export const headPrefix = (timeline: string): string => `${HEAD_PREFIX}${timeline}/`

export function headKey(timeline: string, seq: number): string {
  return headPrefix(timeline) + String(seq).padStart(SEQ_DIGITS, '0')
}

/** Timeline and number of a key below `head/`. REPOSITORY_DAMAGED when the key is no head's. */
export function parseHeadKey(key: string): { timeline: string; seq: number } {
  const [prefix, timeline, digits, ...rest] = key.split('/')
  if (
    `${prefix}/` !== HEAD_PREFIX ||
    timeline === undefined ||
    !TIMELINE_NAME.test(timeline) ||
    rest.length > 0 ||
    !/^\d{10}$/.test(digits ?? '')
  ) {
    throw damagedObject(key, 'its name is no head’s')
  }
  return { timeline, seq: Number(digits) }
}

/** The SHA-256 that an object's key ends in, lower-case hex. */
export const hashOfKey = (key: string): string => key.slice(-64)

export type CommitContent = Omit<Commit, 'hash'>

export function encodeHead(zstd: Zstd, commit: CommitContent): Envelope {
  const { body, ...header } = commit
  const plain = utf8Bytes(JSON.stringify(body)) as Uint8Array<ArrayBuffer>
  if (plain.length > CHUNK_BYTES_MAX)
    throw new ZooArkError('LIMIT_EXCEEDED', `a commit of ${plain.length} bytes; at most ${CHUNK_BYTES_MAX}`)
  const { stored, hashes } = compressBatch(zstd, { plain, ends: Uint32Array.of(plain.length), hash: 'sha256' })
  const writer = new EnvelopeWriter('head', 'sha256')
  writer.addBlock(stored, plain.length, new Uint8Array(0), hashes)
  const refs = (list: readonly ObjectRef[]) => list.map(({ key, sizeBytes, tailBytes }) => ({ key, sizeBytes, tailBytes }))
  return writer.finish({ ...header, packs: refs(header.packs), blobs: refs(header.blobs) })
}

/** The commit in the head object of that key. Its link to the commit before it is the caller's to check. */
export function decodeHead(zstd: Zstd, bytes: Uint8Array, key: string): Commit {
  const { timeline, seq } = parseHeadKey(key)
  const index = decodeEnvelope(bytes, key, 'head')
  const { header } = index
  const fail = (what: string) => damagedObject(key, `its ${what} is not what a head says`)
  if (header['timeline'] !== timeline || header['seq'] !== seq) throw fail('name')
  const previous = header['previous']
  if (seq === 1 ? previous !== null : typeof previous !== 'string' || !/^[0-9a-f]{64}$/.test(previous)) throw fail('link')
  if (index.blockCount !== 1) throw fail('number of blocks')
  const plain = decodeBlock(zstd, index, 0, bytes.subarray(index.offsets[0], index.offsets[1]), key)
  let body: JsonValue
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain)) as JsonValue
  } catch (cause) {
    throw damagedObject(key, 'its body is not JSON', cause)
  }
  return {
    timeline,
    seq,
    hash: toHex(sha256(bytes)),
    previous: previous as string | null,
    time: textOf(header, 'time') ?? raise(fail('time')),
    writer: textOf(header, 'writer') ?? raise(fail('writer')),
    packs: refsOf(header['packs']) ?? raise(fail('list of packs')),
    blobs: refsOf(header['blobs']) ?? raise(fail('list of blobs')),
    body,
  }
}

/**
 * Checks that `next` follows `last` (undefined: that it is the first). A head's own hashes vouch for the link in it, so where the link does
 * not hold it is the head before it that is not what it was.
 */
export function checkLink(last: Commit | undefined, next: Commit): void {
  const seq = last?.seq ?? 0
  if (next.seq !== seq + 1) throw damagedObject(headKey(next.timeline, seq + 1), 'the head is missing and a later one is there')
  if (next.previous !== (last?.hash ?? null))
    throw damagedObject(headKey(next.timeline, seq), 'it is not the head that the next one follows')
}

function textOf(header: JsonObject, name: string): string | undefined {
  const value = header[name]
  return typeof value === 'string' ? value : undefined
}

function refsOf(value: JsonValue | undefined): ObjectRef[] | undefined {
  if (!Array.isArray(value)) return undefined
  const refs: ObjectRef[] = []
  for (const item of value as readonly JsonValue[]) {
    if (!isJsonObject(item)) return undefined
    const { key, sizeBytes, tailBytes } = item
    if (typeof key !== 'string' || !REF_KEY.test(key) || !isSize(sizeBytes) || !isSize(tailBytes) || tailBytes > sizeBytes) return undefined
    refs.push({ key, sizeBytes, tailBytes })
  }
  return refs
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

function raise(error: Error): never {
  throw error
}
