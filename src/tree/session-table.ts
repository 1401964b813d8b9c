/**
 * Sessions with their timeouts, and the ephemerals of each owner. The two are kept apart as in ZooKeeper: while a fuzzy snapshot
 * settles, there are ephemerals of sessions that are not in the table, and sessions without a table entry that end.
 * Ids are halves; few values of the upper half (server id and time) occur, so that two levels of maps stay small.
 */
export class SessionTable {
  readonly #timeouts = new Map<number, Map<number, number>>()
  readonly #ephemerals = new Map<number, Map<number, Set<number>>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @returns false when it was there already; then it has the new timeout, as in the server's map. */
  add(hi: number, lo: number, timeoutMs: number): boolean {
    let level = this.#timeouts.get(hi)
    if (level === undefined) {
      level = new Map()
      this.#timeouts.set(hi, level)
    }
    const isNew = !level.has(lo)
    level.set(lo, timeoutMs)
    if (isNew) this.#count++
    return isNew
  }

  /** @returns false when it was not there. */
  remove(hi: number, lo: number): boolean {
    const level = this.#timeouts.get(hi)
    if (level === undefined || !level.delete(lo)) return false
    if (level.size === 0) this.#timeouts.delete(hi)
    this.#count--
    return true
  }

  /** In no particular order, which may change with every change. */
  *entries(): Generator<readonly [hi: number, lo: number, timeoutMs: number]> {
    for (const [hi, level] of this.#timeouts) for (const [lo, timeoutMs] of level) yield [hi, lo, timeoutMs]
  }

  addEphemeral(hi: number, lo: number, node: number): void {
    let level = this.#ephemerals.get(hi)
    if (level === undefined) {
      level = new Map()
      this.#ephemerals.set(hi, level)
    }
    const nodes = level.get(lo)
    if (nodes === undefined) level.set(lo, new Set([node]))
    else nodes.add(node)
  }

  removeEphemeral(hi: number, lo: number, node: number): void {
    const nodes = this.#ephemerals.get(hi)?.get(lo)
    if (nodes?.delete(node) === true && nodes.size === 0) this.takeEphemerals(hi, lo)
  }

  /** Forgets the ephemerals of an owner and returns them. */
  takeEphemerals(hi: number, lo: number): Set<number> | undefined {
    const level = this.#ephemerals.get(hi)
    const nodes = level?.get(lo)
    if (level === undefined || nodes === undefined) return undefined
    level.delete(lo)
    if (level.size === 0) this.#ephemerals.delete(hi)
    return nodes
  }

  /** Owners that have ephemerals, whether or not their session is in the table. */
  *owners(): Generator<readonly [hi: number, lo: number]> {
    for (const [hi, level] of this.#ephemerals) for (const lo of level.keys()) yield [hi, lo]
  }
}
