/** A seeded generator for choices in tests (mulberry32): the same seed makes the same choices. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 inclusive to 1 exclusive. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** `count` different entries, in their order in `from`; all of them when there are no more. */
  sample<T>(from: readonly T[], count: number): T[] {
    const chosen = new Set<number>()
    while (chosen.size < Math.min(count, from.length)) chosen.add(Math.floor(this.next() * from.length))
    return [...chosen].sort((a, b) => a - b).map((index) => from[index]!)
  }
}
