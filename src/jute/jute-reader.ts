import { ZooArkError } from '../base/errors.ts'
import { juteLengthMax } from './jute-limits.ts'
import { int32At, longAt } from './long.ts'

/**
 * Reads ZooKeeper's serialization (`org.apache.jute.BinaryInputArchive`) from a span of bytes. Every method throws RECORD_DAMAGED
 * with the offset when the value does not fit in the span or breaks a limit, and then leaves `position` where it was.
 * Buffers are views on the bytes, not copies.
 */
export class JuteReader {
  readonly bytes: Uint8Array
  readonly end: number
  /** Offset in `bytes` of the next value. */
  position: number
  readonly #offsetOfBytes: number

  /** @param offsetOfBytes where `bytes` begins in its file, so that errors name the offset in the file. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length, offsetOfBytes = 0) {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.#offsetOfBytes = offsetOfBytes
  }

  get remaining(): number {
    return this.end - this.position
  }

  readByte(): number {
    this.#need(1, 'a byte')
    return this.bytes[this.position++]
  }

  /** Only 0 and 1 are booleans here, so that what is read can be written back. */
  readBool(): boolean {
    this.#need(1, 'a boolean')
    const value = this.bytes[this.position]
    if (value > 1) throw this.damaged(`a boolean is ${value}`)
    this.position++
    return value === 1
  }

  readInt(): number {
    this.#need(4, 'an int')
    const value = int32At(this.bytes, this.position)
    this.position += 4
    return value
  }

  readLong(): bigint {
    this.#need(8, 'a long')
    const value = longAt(this.bytes, this.position)
    this.position += 8
    return value
  }

  /** A buffer or a string (the same in bytes) as a view; null when its length is -1. */
  readBuffer(): Uint8Array | null {
    this.#need(4, 'a length')
    const length = int32At(this.bytes, this.position)
    if (length === -1) {
      this.position += 4
      return null
    }
    if (length < 0 || length > juteLengthMax) throw this.damaged(`a length is ${length}`)
    if (length > this.remaining - 4) throw this.damaged(`a length is ${length} where ${this.remaining - 4} bytes are left`)
    const start = this.position + 4
    this.position = start + length
    return this.bytes.subarray(start, this.position)
  }

  /** As `readBuffer`, where null is not a value. */
  readBytes(): Uint8Array {
    const at = this.position
    const value = this.readBuffer()
    if (value !== null) return value
    this.position = at
    throw this.damaged('a value is null where none may be')
  }

  /**
   * The number of elements of a vector; -1 for a null vector.
   * @param elementLengthMin bytes of the shortest element: a count that cannot fit is refused before anything is made for it.
   * @param countMax a named limit of the caller.
   */
  readVectorLength(elementLengthMin: number, countMax: number): number {
    this.#need(4, 'a count')
    const count = int32At(this.bytes, this.position)
    if (count < -1 || count > countMax) throw this.damaged(`a count is ${count}`)
    if (count * elementLengthMin > this.remaining - 4) throw this.damaged(`a count is ${count} where ${this.remaining - 4} bytes are left`)
    this.position += 4
    return count
  }

  /** Everything that is left, as a view. */
  readRest(): Uint8Array {
    const start = this.position
    this.position = this.end
    return this.bytes.subarray(start, this.end)
  }

  /** The error for a value at the present position. */
  damaged(what: string): ZooArkError {
    return new ZooArkError('RECORD_DAMAGED', what, { place: { offset: this.#offsetOfBytes + this.position } })
  }

  #need(length: number, what: string): void {
    if (length > this.end - this.position) throw this.damaged(`${what} does not fit in the ${this.remaining} bytes that are left`)
  }
}
