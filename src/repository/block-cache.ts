/** Decoded blocks, the least recently used let go first, bounded in bytes. */
export class BlockCache {
  readonly #bytesMax: number
  readonly #blocks = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Uint8Array | undefined {
    const plain = this.#blocks.get(key)
    if (plain === undefined) return undefined
    // A Map keeps the order of insertion: the last used goes to its end.
    this.#blocks.delete(key)
    this.#blocks.set(key, plain)
    return plain
  }

  /** Keeps plain (adopts it) unless it is too large to be worth the rest. */
  add(key: string, plain: Uint8Array): void {
    if (plain.length > this.#bytesMax / 4 || this.#blocks.has(key)) return
    this.#blocks.set(key, plain)
    this.#bytes += plain.length
    for (const [oldest, bytes] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) break
      this.#blocks.delete(oldest)
      this.#bytes -= bytes.length
    }
  }
}
