import type { Zxid } from '../model/zxid.ts'

/**
 * Decides from which zxid on the state replayed from a fuzzy snapshot is the true one.
 *
 * A snapshot named by zxid S was written while later txns were applied, so some of their effects may be in it already. Replaying the log over it leads
 * to the true state at some point; until then txns find themselves already applied. Page: docs/formats/zookeeper-snapshot.md, "Fuzzy".
 *
 * - A snapshot whose digest equals the loaded tree, or that shows nothing later than S, counts as true at S.
 * - Else the first txn whose digest equals the replayed one proves the state (servers from 3.6 on); where the servers write no digests, the state
 *   counts as true from the largest zxid that the snapshot shows.
 * - A later txn that still finds itself applied moves the point on to itself: the digest leaves out sessions and ACLs, and setACL leaves no zxid.
 *   So does, where no digest has proved the state, a txn whose znode or parent is missing: the snapshot was written after its deletion, and a deletion
 *   leaves no trace. That can only be while the snapshot was being written, hence before the server began the next one.
 * - A digest that differs before the first one has matched shows that it was not true yet. One that differs later is a contradiction.
 */
export type SettleStep =
  /** Not true yet, or no longer held to be. */
  | 'unsettled'
  /** The state after this txn is the first true one known so far: whatever was kept before must go. */
  | 'settled-here'
  | 'settled'
  | 'contradiction'

export interface Observation {
  readonly verdict: 'applied' | 'settling' | 'unexpected'
  /** Of `tree/txn-outcome.ts`. */
  readonly reason: string
  readonly digest: 'none' | 'match' | 'mismatch'
}

/** What a deletion that the snapshot was written after looks like. */
const tracesOfDeletion: ReadonlySet<string> = new Set(['node-missing', 'parent-missing'])

export class Settling {
  #settled: boolean
  #proved: boolean
  readonly #maxZxidSeen: Zxid
  readonly #isKnown: boolean
  readonly #writtenBefore: Zxid | undefined
  #hasDigests: boolean

  /**
   * @param start.isProved the tree equals a digest of its source at this zxid
   * @param start.hasDigests the source is known to write digests: then only they settle a fuzzy snapshot
   * @param start.writtenBefore zxid of the next snapshot of the same server: this one was whole by then
   * @param start.from `known-state`: not a snapshot but a true state; then nothing may find itself applied, and no digest may differ
   */
  constructor(start: {
    readonly zxid: Zxid
    readonly maxZxidSeen: Zxid
    readonly isProved: boolean
    readonly hasDigests: boolean
    readonly writtenBefore?: Zxid | undefined
    readonly from?: 'snapshot' | 'known-state'
  }) {
    this.#writtenBefore = start.writtenBefore
    this.#isKnown = start.from === 'known-state'
    this.#maxZxidSeen = start.maxZxidSeen
    this.#hasDigests = start.hasDigests
    this.#proved = start.isProved
    this.#settled = start.isProved || start.maxZxidSeen <= start.zxid
  }

  get isSettled(): boolean {
    return this.#settled
  }

  /** Whether a digest has proved the state that is held to be true, at its zxid or by a txn after it. */
  get isProved(): boolean {
    return this.#settled && this.#proved
  }

  /** The common case, without a 64-bit value: an ordinary txn in a settled state, which `observe` need not see. */
  passes(seen: Observation): boolean {
    return this.#settled && seen.verdict === 'applied' && (seen.digest === 'none' || (seen.digest === 'match' && this.#proved))
  }

  /** To be called after each txn that does not pass, in order. */
  observe(zxid: Zxid, seen: Observation): SettleStep {
    if (seen.digest !== 'none') this.#hasDigests = true
    if (seen.digest === 'mismatch') return this.#differ()
    if (seen.digest === 'match') this.#proved = true
    if (this.#settled) {
      if (seen.verdict === 'unexpected') return this.#mayBeDeletion(zxid, seen) ? 'settled-here' : 'contradiction'
      if (this.#isKnown && seen.verdict === 'settling') return 'contradiction'
      return seen.verdict === 'settling' ? 'settled-here' : 'settled'
    }
    const isTrue = seen.digest === 'match' || (!this.#hasDigests && zxid >= this.#maxZxidSeen)
    if (!isTrue) return 'unsettled'
    this.#settled = true
    return 'settled-here'
  }

  #mayBeDeletion(zxid: Zxid, { reason }: Observation): boolean {
    const isWithin = this.#writtenBefore === undefined || zxid <= this.#writtenBefore
    return !this.#isKnown && !this.#proved && isWithin && tracesOfDeletion.has(reason)
  }

  #differ(): SettleStep {
    if (this.#settled && (this.#proved || this.#isKnown)) return 'contradiction'
    this.#settled = false
    return 'unsettled'
  }
}
