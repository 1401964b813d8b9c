import { ZooArkError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { int32At, joinLong, putInt32 } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { formatZxid, toZxid, type Zxid } from '../model/zxid.ts'
import { ColumnReader, ColumnWriter } from './column-bytes.ts'

/** Txn segments (docs/formats/archive.md, "Txn segment"): plain bytes are a ZooKeeper log file without padding, in blocks. */

export const segmentBlobKind = 'segment'
export const segmentVersion = 1
/** A block ends before the record that would make it longer; a longer record is a block of its own. */
export const blockPlainBytesMax = 64 * 1024
/** A segment ends before the block that would make it longer. */
export const segmentPlainBytesMax = 16 * 1024 * 1024
export const blockMetaVersion = 1
/** Most hashes of a block. Only a block of one huge txn touches more; it counts as opaque instead, so that its meta stays small. */
export const blockHashesMax = 64 * 1024

/** `ZKLG`, version 2, dbId 0: the header of a ZooKeeper log file. */
export const logFileHeader: Uint8Array = Uint8Array.from([0x5a, 0x4b, 0x4c, 0x47, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0])
/** checksum (8) and length (4) before a payload, 0x42 after it. */
export const recordHeadLength = 12
export const recordEndMark = 0x42

/** A contiguous run of txns: all txns of the timeline in (after, last]. Times are those of the txns, ms. */
export interface SegmentHeader {
  readonly timeline: string
  readonly after: Zxid
  readonly first: Zxid
  readonly last: Zxid
  readonly firstTimeMs: number
  readonly lastTimeMs: number
  /** The largest; later than the last where a clock stepped back. */
  readonly maxTimeMs: number
  readonly count: number
  /** sha256 of the segment before in the same run; null for the first of a run. */
  readonly previous: string | null
  /** ZooKeeper's digest (version 2) before the first and after the last txn, as `0x…`, where known. */
  readonly digestBefore: string | null
  readonly digestAfter: string | null
}

export function formatSegmentHeader(header: SegmentHeader): JsonObject {
  const { after, first, last } = header
  return { version: segmentVersion, ...header, after: formatZxid(after), first: formatZxid(first), last: formatZxid(last) }
}

export interface BlockMeta {
  readonly count: number
  readonly first: Zxid
  readonly last: Zxid
  readonly maxTimeMs: number
  /** Some paths cannot be told: every path may be touched. */
  readonly isOpaque: boolean
  /** Path hashes, ascending; also the hashes of the 8 id bytes of sessions closed. */
  readonly hashes: Uint32Array
}

export interface BlockMetaParts {
  readonly count: number
  readonly firstHi: number
  readonly firstLo: number
  readonly lastHi: number
  readonly lastLo: number
  readonly maxTimeMs: number
  readonly isOpaque: boolean
  readonly hashes: Uint32Array
}

export function encodeBlockMeta(meta: BlockMetaParts): Uint8Array {
  const out = new ColumnWriter(64 + meta.hashes.length * 5)
  out.reserveVarints(8 + meta.hashes.length)
  out.byte(blockMetaVersion)
  out.byte(meta.isOpaque ? 1 : 0)
  out.varint(meta.count)
  putInt32(out.bytes, out.length, meta.firstHi)
  putInt32(out.bytes, out.length + 4, meta.firstLo)
  putInt32(out.bytes, out.length + 8, meta.lastHi)
  putInt32(out.bytes, out.length + 12, meta.lastLo)
  out.length += 16
  out.zigzag64(Math.floor(meta.maxTimeMs / 2 ** 32), meta.maxTimeMs | 0)
  out.varint(meta.hashes.length)
  let previous = 0
  for (const hash of meta.hashes) {
    out.varint(hash - previous)
    previous = hash
  }
  return out.view()
}

/** @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function decodeBlockMeta(bytes: Uint8Array): BlockMeta {
  const reader = new ColumnReader(bytes)
  const version = reader.byte('the version')
  if (version > blockMetaVersion) throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `the meta of a txn block has version ${version}`)
  const flags = reader.byte('the flags')
  if (version !== blockMetaVersion || flags > 1) throw reader.damaged('it is no meta of a txn block')
  const count = reader.varint('the number of txns')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = reader.span('the zxids', 16)
  const [first, last] = [toZxid(view.getBigInt64(at)), toZxid(view.getBigInt64(at + 8))]
  reader.zigzag64('the time')
  const maxTimeMs = saturatedMs(reader.hi, reader.lo)
  const hashes = new Uint32Array(reader.count('the number of hashes', blockHashesMax))
  let previous = 0
  for (let i = 0; i < hashes.length; i++) {
    previous += reader.varint('a hash')
    if (previous > 0xffffffff) throw reader.damaged('a hash does not fit 32 bits')
    hashes[i] = previous
  }
  reader.end()
  return { count, first, last, maxTimeMs, isOpaque: flags === 1, hashes }
}

/** Whether the block may touch what has this hash. */
export function mayTouch(meta: BlockMeta, hash: number): boolean {
  if (meta.isOpaque) return true
  let low = 0
  let high = meta.hashes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (meta.hashes[middle] < hash) low = middle + 1
    else high = middle
  }
  return meta.hashes[low] === hash
}

/** A time in halves as a number; beyond 2^53 (which no clock shows) the nearest whole number that JSON can carry. */
export function saturatedMs(hi: number, lo: number): number {
  const value = hi * 2 ** 32 + (lo >>> 0)
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

export function payloadZxid(payload: Uint8Array, start: number): Zxid {
  const at = start + txnLayout.zxid
  return toZxid(joinLong(int32At(payload, at), int32At(payload, at + 4)))
}

export function payloadTimeMs(payload: Uint8Array, start: number): number {
  const at = start + txnLayout.time
  return saturatedMs(int32At(payload, at), int32At(payload, at + 4))
}

/** The sha256 in the key of a blob. */
export function nameOfSegment(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1)
}
