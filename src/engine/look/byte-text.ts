import { formatText } from '../../model/znode-path.ts'

/**
 * Text written as bytes into one buffer that is used again, for dumps of millions of records: no string, BigInt or object is made
 * for a value unless it is rare (text that is not ASCII, a time beyond 2^53 ms).
 */

/** What is collected before it is handed on; large enough that a write costs nothing beside the work of filling it. */
const capacityDefault = 1024 * 1024
/** Bytes of the longest number or time that is written without asking for room first. */
const scalarBytesMax = 32
/** Base64 is written in pieces of this many source bytes (a multiple of 3), so that data of any length fit the buffer. */
const base64PieceBytes = 3 * 64 * 1024

const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** Two letters for every 12 bits. */
const base64Pairs = new Uint16Array(4096)
for (let i = 0; i < 4096; i++) base64Pairs[i] = (base64Letters.charCodeAt(i >> 6) << 8) | base64Letters.charCodeAt(i & 63)

const hexDigits = new TextEncoder().encode('0123456789abcdef')
const encoder = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const dayMs = 86_400_000
/** `2026-11-20T03:00:00.000Z` */
const timeTextLength = 24
/** Times beyond this (year 9999) are written as their number: no calendar date means anything there. */
const isoTimeMsMax = 253_402_300_799_999
const twoTo32 = 2 ** 32
/** A high half in this range makes a number that a double holds exactly. */
const safeHighLimit = 1 << 21

/** Text as constant bytes, to be written with `ascii`. */
export function textBytes(text: string): Uint8Array {
  return encoder.encode(text)
}

/**
 * Takes what was written. Either the bytes are used up when it returns, or it keeps their buffer and returns another one to write into.
 */
export type DrainBytes = (bytes: Uint8Array) => Uint8Array | void

export class ByteText {
  #bytes: Uint8Array
  #length = 0
  readonly #drain: DrainBytes
  /** The time written last and its text: znodes that were never changed have it twice, and transactions come many in a millisecond. */
  #timeHi = -1
  #timeLo = -1
  readonly #timeText = new Uint8Array(timeTextLength)

  constructor(drain: DrainBytes, capacity = capacityDefault) {
    this.#bytes = new Uint8Array(Math.max(capacity, 4 * scalarBytesMax))
    this.#drain = drain
  }

  /** Hands on what is left. */
  flush(): void {
    if (this.#length === 0) return
    const length = this.#length
    this.#length = 0
    const other = this.#drain(this.#bytes.subarray(0, length))
    if (other !== undefined) this.#bytes = other
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = value
  }

  /** Bytes as they are; short ones, such as names of fields. */
  ascii(text: Uint8Array): void {
    const length = text.length
    this.#room(length)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = 0; i < length; i++) bytes[at++] = text[i]
    this.#length = at
  }

  text(text: string): void {
    this.ascii(encoder.encode(text))
  }

  /** A whole number of at most 2^53. */
  number(value: number): void {
    this.#room(scalarBytesMax)
    let rest = value
    if (rest < 0) {
      this.#bytes[this.#length++] = 0x2d
      rest = -rest
    }
    let digits = 1
    for (let limit = 10; rest >= limit && digits < 17; limit *= 10) digits++
    let at = this.#length + digits
    this.#length = at
    while (rest > 0x7fffffff) {
      const quotient = Math.floor(rest / 10)
      this.#bytes[--at] = 0x30 + (rest - quotient * 10)
      rest = quotient
    }
    let small = rest | 0
    do {
      const quotient = (small / 10) | 0
      this.#bytes[--at] = 0x30 + (small - quotient * 10)
      small = quotient
    } while (small > 0)
  }

  /** A signed 64-bit number in halves. */
  long(hi: number, lo: number): void {
    if (hi >= -safeHighLimit && hi < safeHighLimit) this.number(hi * twoTo32 + (lo >>> 0))
    else this.text(((BigInt(hi) << 32n) | BigInt(lo >>> 0)).toString())
  }

  /** `0x` and the digits of an unsigned 64-bit number without leading zeros. */
  hex(hi: number, lo: number): void {
    this.#room(scalarBytesMax)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at++] = 0x30
    bytes[at++] = 0x78
    let shift = hi !== 0 ? 28 : -4
    if (hi !== 0) {
      while (shift > 0 && hi >>> shift === 0) shift -= 4
      for (; shift >= 0; shift -= 4) bytes[at++] = hexDigits[(hi >>> shift) & 15]
      shift = 28
    } else {
      shift = 28
      while (shift > 0 && lo >>> shift === 0) shift -= 4
    }
    for (; shift >= 0; shift -= 4) bytes[at++] = hexDigits[(lo >>> shift) & 15]
    this.#length = at
  }

  /** Milliseconds since 1970 as `2026-11-20T03:00:00.000Z`; before 1970 or after 9999 the number itself. */
  time(hi: number, lo: number): void {
    const ms = hi * twoTo32 + (lo >>> 0)
    if (hi < 0 || hi >= safeHighLimit || ms > isoTimeMsMax) {
      this.long(hi, lo)
      return
    }
    this.#room(scalarBytesMax)
    const start = this.#length
    if (hi !== this.#timeHi || lo !== this.#timeLo) {
      const days = Math.floor(ms / dayMs)
      this.#date(days)
      this.#clock(ms - days * dayMs)
      for (let i = 0; i < timeTextLength; i++) this.#timeText[i] = this.#bytes[start + i]
      this.#timeHi = hi
      this.#timeLo = lo
      return
    }
    for (let i = 0; i < timeTextLength; i++) this.#bytes[start + i] = this.#timeText[i]
    this.#length = start + timeTextLength
  }

  /** Base64 with padding. */
  base64(source: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += base64PieceBytes) this.#base64Piece(source, at, Math.min(end, at + base64PieceBytes))
  }

  /**
   * A JSON string of bytes that ought to be UTF-8; where they are not, as `formatText` writes them.
   * @returns false in that case, so that the caller can give the bytes in another field.
   */
  jsonString(source: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    this.#room(length + 2)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at++] = 0x22
    for (let i = start; i < end; i++) {
      const byte = source[i]
      if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return this.#jsonStringSlow(source, start, end)
      bytes[at++] = byte
    }
    bytes[at++] = 0x22
    this.#length = at
    return true
  }

  /** Text for people: printable ASCII as it is, everything else as `printableText` writes it. */
  printable(source: Uint8Array, start: number, end: number): void {
    this.#room(end - start)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = start; i < end; i++) {
      const byte = source[i]
      if (byte < 0x20 || byte > 0x7e) {
        this.text(printableText(formatText(source.subarray(start, end))))
        return
      }
      bytes[at++] = byte
    }
    this.#length = at
  }

  #jsonStringSlow(source: Uint8Array, start: number, end: number): boolean {
    const span = source.subarray(start, end)
    let valid = true
    try {
      strictUtf8.decode(span)
    } catch {
      // Not UTF-8: the caller is told, and the text below marks each such byte.
      valid = false
    }
    this.text(JSON.stringify(formatText(span)))
    return valid
  }

  #base64Piece(source: Uint8Array, start: number, end: number): void {
    this.#room(Math.ceil((end - start) / 3) * 4)
    const bytes = this.#bytes
    let at = this.#length
    let i = start
    for (const wholeEnd = end - 2; i < wholeEnd; i += 3) {
      const bits = (source[i] << 16) | (source[i + 1] << 8) | source[i + 2]
      const first = base64Pairs[bits >>> 12]
      const second = base64Pairs[bits & 4095]
      bytes[at] = first >>> 8
      bytes[at + 1] = first
      bytes[at + 2] = second >>> 8
      bytes[at + 3] = second
      at += 4
    }
    if (i < end) {
      const bits = (source[i] << 16) | (i + 1 < end ? source[i + 1] << 8 : 0)
      const first = base64Pairs[bits >>> 12]
      bytes[at] = first >>> 8
      bytes[at + 1] = first
      bytes[at + 2] = i + 1 < end ? base64Pairs[bits & 4095] >>> 8 : 0x3d
      bytes[at + 3] = 0x3d
      at += 4
    }
    this.#length = at
  }

  /** Days since 1970 as `2026-11-20`, by the rule that years start in March, so that the leap day is the last. */
  #date(days: number): void {
    const shifted = days + 719_468
    const era = Math.floor(shifted / 146_097)
    const dayOfEra = shifted - era * 146_097
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
    )
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
    const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
    const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    this.#digits(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 1000)
    this.#bytes[this.#length++] = 0x2d
    this.#digits(month, 10)
    this.#bytes[this.#length++] = 0x2d
    this.#digits(dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1, 10)
  }

  #clock(msOfDay: number): void {
    this.#bytes[this.#length++] = 0x54
    this.#digits((msOfDay / 3_600_000) | 0, 10)
    this.#bytes[this.#length++] = 0x3a
    this.#digits(((msOfDay / 60_000) | 0) % 60, 10)
    this.#bytes[this.#length++] = 0x3a
    this.#digits(((msOfDay / 1000) | 0) % 60, 10)
    this.#bytes[this.#length++] = 0x2e
    this.#digits(msOfDay % 1000, 100)
    this.#bytes[this.#length++] = 0x5a
  }

  #digits(value: number, largestPower: number): void {
    for (let power = largestPower; power >= 1; power = (power / 10) | 0) {
      this.#bytes[this.#length++] = 0x30 + (((value / power) | 0) % 10)
    }
  }

  #room(length: number): void {
    if (this.#length + length <= this.#bytes.length) return
    this.flush()
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(length)
  }
}

/** Characters that would move the cursor, hide text or reverse it on a terminal. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]/gu

/** Text that is safe on a terminal: control characters stand as `\xNN` or `\uNNNN`. */
export function printableText(text: string): string {
  return text.replace(unprintable, (character) => {
    const unit = character.charCodeAt(0)
    return unit < 0x100 ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u${unit.toString(16).padStart(4, '0')}`
  })
}
