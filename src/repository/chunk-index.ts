/**
 * Which chunk lies where: open addressing over typed arrays, no object a chunk. Keyed by the first 16 bytes of the id: two chunks that share
 * them would take 2^64 hashes to make, and what is read is checked against the whole id.
 */
export const ID_LENGTH = 32
export const PREFIX_LENGTH = 16

const INITIAL_ENTRIES = 1024
const MULTIPLIER = 0x9e3779b1

export class ChunkIndex {
  #count = 0
  #prefixes = new Int32Array(4 * INITIAL_ENTRIES)
  #packs = new Uint32Array(INITIAL_ENTRIES)
  #blocks = new Uint32Array(INITIAL_ENTRIES)
  #offsets = new Uint32Array(INITIAL_ENTRIES)
  #lengths = new Uint32Array(INITIAL_ENTRIES)
  /** Entry + 1, or 0; a power of two of slots, at most half of them taken. */
  #slots = new Int32Array(2 * INITIAL_ENTRIES)

  get size(): number {
    return this.#count
  }

  /** Entry of the chunk whose prefix stands at bytes[at..], or -1. */
  find(bytes: Uint8Array, at = 0): number {
    const a = wordOf(bytes, at)
    const b = wordOf(bytes, at + 4)
    const c = wordOf(bytes, at + 8)
    const d = wordOf(bytes, at + 12)
    const mask = this.#slots.length - 1
    for (let slot = slotOf(a, mask); ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] - 1
      if (entry < 0) return -1
      const p = entry * 4
      const known = this.#prefixes
      if (known[p] === a && known[p + 1] === b && known[p + 2] === c && known[p + 3] === d) return entry
    }
  }

  /** Adds the chunk unless its prefix is known: the first place stands. */
  add(bytes: Uint8Array, at: number, pack: number, block: number, offset: number, length: number): void {
    if (this.find(bytes, at) >= 0) return
    if (this.#count === this.#packs.length) this.#grow()
    const entry = this.#count++
    for (let word = 0; word < 4; word++) this.#prefixes[entry * 4 + word] = wordOf(bytes, at + 4 * word)
    this.#packs[entry] = pack
    this.#blocks[entry] = block
    this.#offsets[entry] = offset
    this.#lengths[entry] = length
    this.#place(entry)
  }

  packOf(entry: number): number {
    return this.#packs[entry]
  }
  blockOf(entry: number): number {
    return this.#blocks[entry]
  }
  /** Within the plain bytes of the block. */
  offsetOf(entry: number): number {
    return this.#offsets[entry]
  }
  lengthOf(entry: number): number {
    return this.#lengths[entry]
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1
    let slot = slotOf(this.#prefixes[entry * 4], mask)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry + 1
  }

  #grow(): void {
    const entries = 2 * this.#packs.length
    const grown = <A extends Int32Array | Uint32Array>(bigger: A, old: A): A => {
      bigger.set(old)
      return bigger
    }
    this.#prefixes = grown(new Int32Array(4 * entries), this.#prefixes)
    this.#packs = grown(new Uint32Array(entries), this.#packs)
    this.#blocks = grown(new Uint32Array(entries), this.#blocks)
    this.#offsets = grown(new Uint32Array(entries), this.#offsets)
    this.#lengths = grown(new Uint32Array(entries), this.#lengths)
    this.#slots = new Int32Array(2 * entries)
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry)
  }
}

function wordOf(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}

const slotOf = (word: number, mask: number): number => (Math.imul(word, MULTIPLIER) >>> 7) & mask
