import { ZooArkError } from '../base/errors.ts'

/**
 * The bytes of all node records: windows adopted from a reader, and own segments that new records are written to.
 *
 * Room that a record leaves is used again. Room is counted in classes: multiples of 16 bytes up to 64 KiB, above that eight classes
 * a power of two. A block of an own segment has the room of its record's class rounded up, one of an adopted window, where records
 * stand side by side, rounded down. Free blocks of a class form a list through their own first bytes.
 */
export class RecordSegments {
  readonly segments: Uint8Array[] = []
  readonly views: DataView[] = []
  /** Where the block of the last `allocate` stands. */
  segment = -1
  offset = 0
  /** Bytes of free blocks, usable again, and of all segments. */
  freeBytes = 0
  totalBytes = 0

  readonly #own: boolean[] = []
  readonly #freeSegment = new Int32Array(classCount).fill(-1)
  readonly #freeOffset = new Uint32Array(classCount)
  #appendSegment = -1
  #appendAt = 0
  #appendEnd = 0

  /** Keeps `window`, whose records are changed in place from now on. @returns its segment number. @throws LIMIT_EXCEEDED */
  adopt(window: Uint8Array): number {
    return this.#add(window, false)
  }

  /** Whether a record may change its length from `oldLength` to `newLength` where it stands. */
  fitsInPlace(segment: number, oldLength: number, newLength: number): boolean {
    return oldLength === newLength || (this.#own[segment] && classAbove(oldLength) === classAbove(newLength))
  }

  /** Finds room for a record; `segment` and `offset` tell where. */
  allocate(length: number): void {
    const wanted = classAbove(length)
    const last = Math.min(wanted + reuseClasses, classCount)
    for (let k = wanted; k < last; k++) {
      if (this.#freeSegment[k] >= 0) {
        this.#take(k)
        return
      }
    }
    const room = roomOf(wanted)
    if (room > ownSegmentBytes >> 4) {
      this.segment = this.#add(new Uint8Array(room), true)
      this.offset = 0
      return
    }
    if (this.#appendAt + room > this.#appendEnd) {
      this.#appendSegment = this.#add(new Uint8Array(ownSegmentBytes), true)
      this.#appendAt = 0
      this.#appendEnd = ownSegmentBytes
    }
    this.segment = this.#appendSegment
    this.offset = this.#appendAt
    this.#appendAt += room
  }

  /** Gives back the room of a record of this length. */
  release(segment: number, offset: number, length: number): void {
    const k = this.#own[segment] ? classAbove(length) : classBelow(length)
    const view = this.views[segment]
    view.setInt32(offset, this.#freeSegment[k])
    view.setUint32(offset + 4, this.#freeOffset[k])
    this.#freeSegment[k] = segment
    this.#freeOffset[k] = offset
    this.freeBytes += roomOf(k)
  }

  #take(k: number): void {
    this.segment = this.#freeSegment[k]
    this.offset = this.#freeOffset[k]
    const view = this.views[this.segment]
    this.#freeSegment[k] = view.getInt32(this.offset)
    this.#freeOffset[k] = view.getUint32(this.offset + 4)
    this.freeBytes -= roomOf(k)
  }

  #add(bytes: Uint8Array, own: boolean): number {
    if (this.segments.length === segmentsMax) {
      throw new ZooArkError('LIMIT_EXCEEDED', `the state takes more than ${segmentsMax} segments of memory`, {
        hint: 'Read the snapshot in larger windows.',
      })
    }
    this.segments.push(bytes)
    this.views.push(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    this.#own.push(own)
    this.totalBytes += bytes.byteLength
    return this.segments.length - 1
  }
}

/** Segment numbers are kept in 16 bits a znode; with windows of 1 MiB and more that is 64 GiB. */
const segmentsMax = 65_535
/** Large enough that the number of segments stays small, small enough that a little state stays little. */
const ownSegmentBytes = 16 * 1024 * 1024

const stepBits = 4
const fineBytes = 64 * 1024
const fineClasses = fineBytes >> stepBits
/** Eight classes for each power of two from 2^16 to 2^31. */
const classCount = fineClasses + 8 * 16 + 1
/** Larger classes whose free blocks are taken for a smaller record, giving up at most this many steps of room. */
const reuseClasses = 4

/** The smallest class whose room holds `length` bytes. */
function classAbove(length: number): number {
  if (length <= fineBytes) return (length + (1 << stepBits) - 1) >> stepBits
  const power = 31 - Math.clz32(length - 1)
  return fineClasses + 8 * (power - 16) + (((length - 1) >>> (power - 3)) & 7) + 1
}

/** The largest class whose room is within `length` bytes. */
function classBelow(length: number): number {
  if (length <= fineBytes) return length >> stepBits
  const power = 31 - Math.clz32(length)
  return fineClasses + 8 * (power - 16) + ((length >>> (power - 3)) & 7)
}

function roomOf(k: number): number {
  if (k <= fineClasses) return k << stepBits
  const step = k - fineClasses
  return (8 + (step & 7)) * 2 ** (13 + (step >> 3))
}
