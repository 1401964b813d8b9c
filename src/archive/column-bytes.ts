import { ZooArkError } from '../base/errors.ts'

/**
 * Bytes of the archive's own chunks: LEB128 varints and zigzag numbers (docs/formats/archive.md, "Numbers").
 * 64-bit values stand as pairs of signed 32-bit halves.
 */

/** Most bytes of a varint of 64 bits. */
const varintBytesMax = 10
const twoTo28 = 2 ** 28
const twoTo32 = 2 ** 32

/** Appends to one growing buffer that is used again for every chunk. Callers reserve before a column, then write without checks. */
export class ColumnWriter {
  bytes: Uint8Array
  length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity)
  }

  clear(): void {
    this.length = 0
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /** Room for `count` varints. */
  reserveVarints(count: number): void {
    this.reserve(count * varintBytesMax)
  }

  byte(value: number): void {
    this.bytes[this.length++] = value
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    const bytes = this.bytes
    let at = this.length
    let rest = value
    while (rest >= twoTo28) {
      bytes[at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.length = at
  }

  /** A signed 32-bit number, zigzag. */
  zigzag32(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** A signed 64-bit number in halves, zigzag. */
  zigzag64(hi: number, lo: number): void {
    const sign = hi >> 31
    let high = ((hi << 1) | (lo >>> 31)) ^ sign
    let low = (lo << 1) ^ sign
    const bytes = this.bytes
    let at = this.length
    while (high !== 0 || low >>> 0 >= 0x80) {
      bytes[at++] = (low & 0x7f) | 0x80
      low = (low >>> 7) | (high << 25)
      high >>>= 7
    }
    bytes[at++] = low
    this.length = at
  }

  /** a - b as a zigzag number; every difference of two 64-bit values is exact because it wraps as they do. */
  delta64(aHi: number, aLo: number, bHi: number, bLo: number): void {
    const borrow = aLo >>> 0 < bLo >>> 0 ? 1 : 0
    this.zigzag64((aHi - bHi - borrow) | 0, (aLo - bLo) | 0)
  }

  raw(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    const at = this.length
    if (end - start > 48) this.bytes.set(source.subarray(start, end), at)
    else for (let i = start; i < end; i++) this.bytes[at + i - start] = source[i]
    this.length = at + end - start
  }

  /** What was written, valid until the next `clear`. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

/** Reads one chunk. Every method throws REPOSITORY_DAMAGED with the offset when the bytes do not hold what is asked for. */
export class ColumnReader {
  readonly bytes: Uint8Array
  position = 0
  /** Halves of the last 64-bit number read. */
  hi = 0
  lo = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  damaged(what: string): ZooArkError {
    return damagedChunk(what, Math.min(this.position, this.bytes.length))
  }

  byte(what: string): number {
    if (this.position >= this.bytes.length) throw this.damaged(`it ends before ${what}`)
    return this.bytes[this.position++]
  }

  /** A whole number of at most 2^53 - 1. */
  varint(what: string): number {
    const first = this.bytes[this.position]
    if (first < 0x80) {
      this.position++
      return first
    }
    this.#long(what)
    const value = (this.hi >>> 0) * twoTo32 + (this.lo >>> 0)
    if (value > Number.MAX_SAFE_INTEGER) throw this.damaged(`${what} is too large`)
    return value
  }

  /** A count or length of at most `max`. */
  count(what: string, max: number): number {
    const value = this.varint(what)
    if (value > max) throw this.damaged(`${what} is ${value}, more than ${max}`)
    return value
  }

  zigzag32(what: string): number {
    const value = this.varint(what)
    if (value >= twoTo32) throw this.damaged(`${what} does not fit 32 bits`)
    return (value >>> 1) ^ -(value & 1)
  }

  /** Leaves the number in `hi` and `lo`. */
  zigzag64(what: string): void {
    const first = this.bytes[this.position]
    if (first < 0x80) {
      this.position++
      this.lo = (first >>> 1) ^ -(first & 1)
      this.hi = this.lo >> 31
      return
    }
    this.#long(what)
    const sign = -(this.lo & 1)
    this.lo = ((this.lo >>> 1) | (this.hi << 31)) ^ sign
    this.hi = (this.hi >>> 1) ^ sign
  }

  /** The start of `length` bytes, which it skips. */
  span(what: string, length: number): number {
    const start = this.position
    if (length > this.bytes.length - start) throw this.damaged(`it ends within ${what}`)
    this.position = start + length
    return start
  }

  end(): void {
    if (this.position !== this.bytes.length) throw this.damaged('bytes are left over')
  }

  #long(what: string): void {
    const bytes = this.bytes
    const start = this.position
    let lo = 0
    let hi = 0
    for (let i = 0; i < varintBytesMax; i++) {
      if (start + i >= bytes.length) throw this.damaged(`it ends within ${what}`)
      const byte = bytes[start + i]
      const bits = byte & 0x7f
      if (i < 4) lo |= bits << (7 * i)
      else if (i === 4) {
        lo |= bits << 28
        hi = bits >>> 4
      } else hi |= bits << (7 * i - 32)
      if (byte < 0x80) {
        if (i === varintBytesMax - 1 && byte > 1) throw this.damaged(`${what} does not fit 64 bits`)
        this.position = start + i + 1
        this.hi = hi
        this.lo = lo
        return
      }
    }
    throw this.damaged(`${what} has no end`)
  }
}

/** The one error of a chunk whose hash is right but whose bytes are not what the format says. */
export function damagedChunk(what: string, offset: number): ZooArkError {
  return new ZooArkError('REPOSITORY_DAMAGED', `not a chunk of the state tree: ${what}`, { place: { offset } })
}
