import { putInt32, putLong } from './long.ts'

const firstCapacity = 256

/** Writes ZooKeeper's serialization (`org.apache.jute.BinaryOutputArchive`) into a buffer that grows. */
export class JuteWriter {
  #bytes = new Uint8Array(firstCapacity)
  #length = 0

  get length(): number {
    return this.#length
  }

  writeByte(value: number): void {
    // The place first: reserving may replace the buffer.
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  writeBool(value: boolean): void {
    this.writeByte(value ? 1 : 0)
  }

  writeInt(value: number): void {
    const at = this.#reserve(4)
    putInt32(this.#bytes, at, value)
  }

  writeLong(value: bigint): void {
    const at = this.#reserve(8)
    putLong(this.#bytes, at, value)
  }

  /** A buffer or a string; null is written as length -1. */
  writeBuffer(value: Uint8Array | null): void {
    if (value === null) {
      this.writeInt(-1)
      return
    }
    this.writeInt(value.length)
    this.writeRaw(value)
  }

  /** Bytes as they are, without a length. */
  writeRaw(value: Uint8Array): void {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(length: number): number {
    const at = this.#length
    const needed = at + length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    this.#length = needed
    return at
  }
}
