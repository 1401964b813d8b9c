import { adler32 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { highOf, int32At, joinLong, lowOf, putInt32 } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { follows, formatZxid, toZxid, type Zxid } from '../model/zxid.ts'
import type { Draft, ObjectRef } from '../repository/types.ts'
import {
  blockHashesMax,
  blockPlainBytesMax,
  encodeBlockMeta,
  formatSegmentHeader,
  logFileHeader,
  nameOfSegment,
  payloadTimeMs,
  recordEndMark,
  recordHeadLength,
  segmentBlobKind,
  segmentPlainBytesMax,
  type SegmentHeader,
} from './segment-format.ts'
import { TouchedPaths } from './txn-paths.ts'

/** A segment in the store. */
export interface StoredSegment extends SegmentHeader {
  readonly object: ObjectRef
  /** The part that a timeline or a path uses, after exclusive: readers hand out nothing outside. Absent: all of it. Never stored. */
  readonly usable?: { readonly after: Zxid; readonly through: Zxid }
}

export interface SegmentWriterOptions {
  readonly timeline: string
  /** The run holds all txns after this one. */
  readonly after: Zxid
  /** The segment that ends at `after`, when this run carries on from it. */
  readonly previous?: StoredSegment
  /**
   * ZooKeeper's digest of the state after the txn appended last, or null. Asked when a segment opens or closes, which happens within
   * `append` before the new txn counts: so append each txn first, then apply it.
   */
  readonly digest?: () => bigint | null
  /** For tests: a smaller segment. */
  readonly segmentBytesMax?: number
  readonly blockBytesMax?: number
}

const noHashes = new Uint32Array(0)

interface Block {
  readonly plain: Uint8Array
  readonly meta: Uint8Array
}

interface ClosedSegment {
  readonly header: Omit<SegmentHeader, 'previous'>
  readonly blocks: readonly Block[]
}

/**
 * Turns txn payloads into segments, in order. `append` only collects; whenever `full` is true, await `flush`. Refuses a txn that does
 * not follow the one before. Keeps nothing of the windows.
 */
export class SegmentWriter {
  readonly #draft: Draft
  readonly #options: SegmentWriterOptions
  readonly #blockBytesMax: number
  readonly #segmentBytesMax: number
  readonly #touched = new TouchedPaths()
  readonly #stored: StoredSegment[] = []
  #previousName: string | null
  #lastHi: number
  #lastLo: number

  #block: Uint8Array
  #blockLength = 0
  #blockCount = 0
  #blockFirstHi = 0
  #blockFirstLo = 0
  #blockMaxTimeMs = 0

  #blocks: Block[] = []
  #segmentBytes = 0
  #segmentCount = 0
  #segmentFirst: Zxid
  #segmentAfter: Zxid
  #firstTimeMs = 0
  #lastTimeMs = 0
  #maxTimeMs = 0
  #digestBefore: string | null = null
  #closed: ClosedSegment[] = []

  constructor(draft: Draft, options: SegmentWriterOptions) {
    const { after, previous } = options
    if (previous !== undefined && previous.last !== after) {
      throw new ZooArkError(
        'BUG',
        `a run after ${formatZxid(after)} cannot carry on from a segment that ends at ${formatZxid(previous.last)}`,
      )
    }
    this.#draft = draft
    this.#options = options
    this.#blockBytesMax = options.blockBytesMax ?? blockPlainBytesMax
    this.#segmentBytesMax = options.segmentBytesMax ?? segmentPlainBytesMax
    this.#block = new Uint8Array(this.#blockBytesMax)
    this.#previousName = previous === undefined ? null : nameOfSegment(previous.object.key)
    this.#lastHi = highOf(after)
    this.#lastLo = lowOf(after)
    this.#segmentAfter = after
    this.#segmentFirst = after
  }

  /** A segment waits to be stored. */
  get full(): boolean {
    return this.#closed.length > 0
  }

  /** Segments of this run that are in the store. */
  get storedCount(): number {
    return this.#stored.length
  }

  /** zxid of the txn appended last, or the one that the run starts after. */
  get last(): Zxid {
    return toZxid(joinLong(this.#lastHi, this.#lastLo))
  }

  /**
   * Whether appending a payload of this length opens or closes a segment, so that `digest` will be asked: a caller that must apply a txn
   * before it knows that it may append it takes the digest in between.
   */
  closesBefore(payloadLength: number): boolean {
    if (this.#segmentCount === 0) return true
    const recordLength = recordHeadLength + payloadLength + 1
    const needsBlock = this.#blockCount === 0 || this.#blockLength + recordLength > this.#blockBytesMax
    return needsBlock && this.#segmentBytes + this.#blockLength + recordLength > this.#segmentBytesMax
  }

  /** Appends the payload window[start..end). @throws REPLAY_DIVERGED when it does not follow the last. */
  append(window: Uint8Array, start: number, end: number): void {
    const hi = int32At(window, start + txnLayout.zxid)
    const lo = int32At(window, start + txnLayout.zxid + 4)
    this.#checkFollows(hi, lo)
    const recordLength = recordHeadLength + end - start + 1
    if (this.#blockCount > 0 && this.#blockLength + recordLength > this.#blockBytesMax) this.#closeBlock()
    if (this.#blockCount === 0 && this.#segmentCount > 0 && this.#segmentBytes + recordLength > this.#segmentBytesMax) this.#closeSegment()
    const timeMs = payloadTimeMs(window, start)
    if (this.#segmentCount === 0) this.#openSegment(toZxid(joinLong(hi, lo)), timeMs)
    if (this.#blockCount === 0) {
      this.#blockFirstHi = hi
      this.#blockFirstLo = lo
      this.#blockMaxTimeMs = timeMs
    }
    this.#appendRecord(window, start, end)
    this.#touched.addTxn(window, start, end)
    this.#blockMaxTimeMs = Math.max(this.#blockMaxTimeMs, timeMs)
    this.#maxTimeMs = Math.max(this.#maxTimeMs, timeMs)
    this.#lastTimeMs = timeMs
    this.#lastHi = hi
    this.#lastLo = lo
    this.#blockCount++
    this.#segmentCount++
  }

  /** The txn appended last also touched this path, for example an ephemeral that went with its session. */
  alsoTouched(path: Uint8Array): void {
    this.#touched.addPath(path, 0, path.length)
  }

  appendAll(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.append(window, starts[i], ends[i])
  }

  /** Stores the segments that are complete. */
  async flush(): Promise<void> {
    const closed = this.#closed
    this.#closed = []
    for (const { header, blocks } of closed) {
      const whole: SegmentHeader = { ...header, previous: this.#previousName }
      const name = `${zxidName(header.first)}-${zxidName(header.last)}`
      const object = await this.#draft.putBlob(segmentBlobKind, name, formatSegmentHeader(whole), blocks)
      this.#stored.push({ ...whole, object })
      this.#previousName = nameOfSegment(object.key)
    }
  }

  /** Stores the rest; all segments of the run, in order. Ask the digest for the last time: apply every txn first. */
  async finish(): Promise<readonly StoredSegment[]> {
    if (this.#blockCount > 0) this.#closeBlock()
    if (this.#segmentCount > 0) this.#closeSegment()
    await this.flush()
    return this.#stored
  }

  #checkFollows(hi: number, lo: number): void {
    const isNext = lo === ((this.#lastLo + 1) | 0) && hi === (lo === 0 ? (this.#lastHi + 1) | 0 : this.#lastHi)
    if (isNext) return
    const zxid = toZxid(joinLong(hi, lo))
    if (follows(this.last, zxid)) return
    throw new ZooArkError('REPLAY_DIVERGED', `the txn does not follow ${formatZxid(this.last)}`, { place: { zxid: formatZxid(zxid) } })
  }

  #openSegment(first: Zxid, timeMs: number): void {
    this.#segmentAfter = this.last
    this.#segmentFirst = first
    this.#firstTimeMs = timeMs
    this.#maxTimeMs = timeMs
    this.#digestBefore = this.#digestText()
    this.#block.set(logFileHeader)
    this.#blockLength = logFileHeader.length
  }

  #appendRecord(window: Uint8Array, start: number, end: number): void {
    const length = end - start
    const needed = this.#blockLength + recordHeadLength + length + 1
    if (needed > this.#block.length) {
      const grown = new Uint8Array(needed)
      grown.set(this.#block.subarray(0, this.#blockLength))
      this.#block = grown
    }
    const block = this.#block
    const at = this.#blockLength
    putInt32(block, at, 0)
    putInt32(block, at + 4, adler32(window, start, end))
    putInt32(block, at + 8, length)
    block.set(window.subarray(start, end), at + recordHeadLength)
    block[needed - 1] = recordEndMark
    this.#blockLength = needed
  }

  #closeBlock(): void {
    const hashes = this.#touched.sorted()
    const isOpaque = this.#touched.isOpaque || hashes.length > blockHashesMax
    const meta = encodeBlockMeta({
      count: this.#blockCount,
      firstHi: this.#blockFirstHi,
      firstLo: this.#blockFirstLo,
      lastHi: this.#lastHi,
      lastLo: this.#lastLo,
      maxTimeMs: this.#blockMaxTimeMs,
      isOpaque,
      hashes: isOpaque ? noHashes : hashes,
    })
    this.#blocks.push({ plain: this.#block.slice(0, this.#blockLength), meta })
    this.#segmentBytes += this.#blockLength
    if (this.#block.length > this.#blockBytesMax) this.#block = new Uint8Array(this.#blockBytesMax)
    this.#blockLength = 0
    this.#blockCount = 0
    this.#touched.clear()
  }

  #closeSegment(): void {
    const header = {
      timeline: this.#options.timeline,
      after: this.#segmentAfter,
      first: this.#segmentFirst,
      last: this.last,
      firstTimeMs: this.#firstTimeMs,
      lastTimeMs: this.#lastTimeMs,
      maxTimeMs: this.#maxTimeMs,
      count: this.#segmentCount,
      digestBefore: this.#digestBefore,
      digestAfter: this.#digestText(),
    }
    this.#closed.push({ header, blocks: this.#blocks })
    this.#blocks = []
    this.#segmentBytes = 0
    this.#segmentCount = 0
  }

  #digestText(): string | null {
    const digest = this.#options.digest?.() ?? null
    return digest === null ? null : `0x${BigInt.asUintN(64, digest).toString(16)}`
  }
}

/** 16 digits, so that names sort as zxids do. */
function zxidName(zxid: Zxid): string {
  return BigInt.asUintN(64, zxid).toString(16).padStart(16, '0')
}
