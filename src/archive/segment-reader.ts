import { adler32 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { isJsonObject } from '../base/json.ts'
import { highOf, int32At, joinLong, lowOf } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { follows, formatZxid, toZxid, type Zxid } from '../model/zxid.ts'
import type { BlobReader, ObjectRef } from '../repository/types.ts'
import {
  decodeBlockMeta,
  formatSegmentHeader,
  logFileHeader,
  payloadZxid,
  recordEndMark,
  recordHeadLength,
  segmentVersion,
  type BlockMeta,
} from './segment-format.ts'
import type { StoredSegment } from './segment-writer.ts'

/** Where blobs come from: a repository. */
export interface BlobSource {
  blob(ref: ObjectRef): Promise<BlobReader>
}

/** Payloads of txns: the i-th is window[starts[i]..ends[i]). The window is the sink's to read until it returns (or its promise resolves). */
export interface TxnSink {
  txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void | Promise<void>
}

export interface TxnRange {
  /** Exclusive. */
  readonly after?: Zxid
  /** Inclusive. */
  readonly through?: Zxid
}

/** Blocks read at once: 4 MiB of plain bytes. */
const blocksPerRead = 64
/** Header, checksum, length, mark and the header of the txn itself. */
const recordLengthMin = recordHeadLength + txnLayout.body + 1

/** One stored segment, open: its blocks can be chosen by what their metas say. */
export class OpenSegment {
  readonly segment: StoredSegment
  readonly metas: readonly BlockMeta[]
  readonly #blob: BlobReader

  constructor(segment: StoredSegment, blob: BlobReader, metas: readonly BlockMeta[]) {
    this.segment = segment
    this.#blob = blob
    this.metas = metas
  }

  /** Txns of blocks [first, end) within the range and the usable part of the segment, in order. */
  async read(first: number, end: number, wanted: TxnRange, sink: TxnSink): Promise<void> {
    const range = narrowed(wanted, this.segment.usable)
    for (let at = first; at < end; at += blocksPerRead) {
      const blocks = await this.#blob.blocks(at, Math.min(at + blocksPerRead, end))
      for (const [i, plain] of blocks.entries()) await this.#readBlock(at + i, plain, range, sink)
    }
  }

  async #readBlock(index: number, plain: Uint8Array, range: TxnRange, sink: TxnSink): Promise<void> {
    const meta = this.metas[index]
    const { starts, ends } = this.#split(index, plain, meta)
    let from = 0
    let to = meta.count
    if (range.after !== undefined && meta.first <= range.after) while (from < to && payloadZxid(plain, starts[from]) <= range.after) from++
    if (range.through !== undefined && meta.last > range.through)
      while (to > from && payloadZxid(plain, starts[to - 1]) > range.through) to--
    if (to > from) await sink.txns(plain, starts.subarray(from, to), ends.subarray(from, to), to - from)
  }

  /** Finds and checks every record of a block. */
  #split(index: number, plain: Uint8Array, meta: BlockMeta): { starts: Uint32Array; ends: Uint32Array } {
    const place = { object: this.segment.object.key }
    const damaged = (what: string, offset: number): ZooArkError =>
      new ZooArkError('REPOSITORY_DAMAGED', `not a block of txns: ${what}`, { place: { ...place, offset } })
    if (meta.count > plain.length / recordLengthMin) throw damaged('it holds fewer txns than its meta says', 0)
    const starts = new Uint32Array(meta.count)
    const ends = new Uint32Array(meta.count)
    let at = index === 0 ? logFileHeader.length : 0
    if (index === 0) for (let i = 0; i < at; i++) if (plain[i] !== logFileHeader[i]) throw damaged('the header of a log file is missing', i)
    const before = index === 0 ? this.segment.after : this.metas[index - 1].last
    let hi = highOf(before)
    let lo = lowOf(before)
    for (let i = 0; i < meta.count; i++) {
      const length = plain.length - at < recordLengthMin ? -1 : int32At(plain, at + 8)
      if (length < txnLayout.body || length > plain.length - at - recordHeadLength - 1) throw damaged('a record does not fit', at)
      const start = at + recordHeadLength
      const end = start + length
      if (int32At(plain, at) !== 0 || int32At(plain, at + 4) !== (adler32(plain, start, end) | 0)) throw damaged('a checksum is wrong', at)
      if (plain[end] !== recordEndMark) throw damaged('a record has no end mark', end)
      const nextHi = int32At(plain, start + txnLayout.zxid)
      const nextLo = int32At(plain, start + txnLayout.zxid + 4)
      const isNext = nextHi === hi && nextLo === ((lo + 1) | 0) && nextLo !== 0
      if (!isNext && !follows(toZxid(joinLong(hi, lo)), payloadZxid(plain, start)))
        throw damaged('a txn does not follow the one before', start)
      hi = nextHi
      lo = nextLo
      starts[i] = start
      ends[i] = end
      at = end + 1
    }
    if (at !== plain.length) throw damaged('bytes are left over', at)
    const isAsSaid = meta.count > 0 && payloadZxid(plain, starts[0]) === meta.first && toZxid(joinLong(hi, lo)) === meta.last
    if (!isAsSaid) throw damaged('it is not what its meta says', 0)
    return { starts, ends }
  }
}

/**
 * Opens a segment and compares it with what the commit says of it: nothing is read but header and metas.
 * @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW, OBJECT_NOT_FOUND
 */
export async function openSegment(source: BlobSource, segment: StoredSegment): Promise<OpenSegment> {
  const blob = await source.blob(segment.object)
  const place = { object: segment.object.key }
  const { version } = blob.header
  if (typeof version === 'number' && version > segmentVersion) {
    throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `the segment has version ${version}`, { place })
  }
  const { object: _, usable: __, ...header } = segment
  const expected = formatSegmentHeader(header)
  const isSame = isJsonObject(blob.header) && Object.entries(expected).every(([name, value]) => blob.header[name] === value)
  if (!isSame) throw new ZooArkError('REPOSITORY_DAMAGED', 'a segment is not the one that the commit names', { place })
  const metas = Array.from({ length: blob.blockCount }, (_each, i) => decodeBlockMeta(blob.blockMeta(i)))
  let count = 0
  let last = segment.after
  for (const meta of metas) {
    if (!follows(last, meta.first) || meta.last < meta.first)
      throw new ZooArkError('REPOSITORY_DAMAGED', 'the blocks of a segment do not follow each other', { place })
    last = meta.last
    count += meta.count
  }
  if (count !== segment.count || last !== segment.last || metas[0]?.first !== segment.first) {
    throw new ZooArkError('REPOSITORY_DAMAGED', 'the blocks of a segment are not what its header says', { place })
  }
  return new OpenSegment(segment, blob, metas)
}

function narrowed(range: TxnRange, usable: StoredSegment['usable']): TxnRange {
  if (usable === undefined) return range
  const { after = usable.after, through = usable.through } = range
  return { after: after > usable.after ? after : usable.after, through: through < usable.through ? through : usable.through }
}

/** The txns of one segment in (after, through], in order; reads no block outside, nor outside the usable part. */
export async function readSegment(source: BlobSource, segment: StoredSegment, range: TxnRange, sink: TxnSink): Promise<void> {
  const open = await openSegment(source, segment)
  const { after, through } = narrowed(range, segment.usable)
  const first = after === undefined ? 0 : open.metas.findIndex((meta) => meta.last > after)
  if (first < 0) return
  const beyond = through === undefined ? -1 : open.metas.findIndex((meta) => meta.first > through)
  await open.read(first, beyond < 0 ? open.metas.length : beyond, range, sink)
}

/**
 * The txns of several segments, each from where the one before ends. @throws REPOSITORY_DAMAGED where one is missing between two.
 */
export async function readSegments(source: BlobSource, segments: readonly StoredSegment[], range: TxnRange, sink: TxnSink): Promise<void> {
  let { after } = range
  for (const segment of segments) {
    if (after !== undefined && segment.after > after) {
      throw new ZooArkError('REPOSITORY_DAMAGED', `the segment does not carry on from ${formatZxid(after)}`, {
        place: { object: segment.object.key },
      })
    }
    await readSegment(source, segment, { ...range, ...(after === undefined ? {} : { after }) }, sink)
    const reached = segment.usable?.through ?? segment.last
    if (after === undefined || reached > after) after = reached
  }
}
