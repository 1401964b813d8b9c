/**
 * What replaying one transaction found.
 *
 * - `applied`: it changed the tree (or was an error, which changes nothing) just as on the server.
 * - `settling`: it found itself, or something later, already in the tree, as a fuzzy snapshot causes.
 * - `unexpected`: it contradicts the tree. Where that was only a jump of a version and the txn's digest matches all the same, it is `applied`.
 */
export type Verdict = 'applied' | 'settling' | 'unexpected'

/** The first finding of the worst kind; `none` for a plain `applied`. */
export type OutcomeReason = 'none' | keyof typeof findingKinds

/**
 * How a finding is judged.
 * - `ahead`: the tree itself shows the later state; always settling.
 * - `contradiction`: settling up to the greatest zxid seen in the snapshot, since any znode may have been written (or skipped, after its
 *   deletion) later than its neighbours; after that, unexpected.
 * - `jump`: as a contradiction, unless the digest proves the tree right.
 * - `harmless`: a correct log has it too.
 * - `refused`: unexpected always; nothing was applied.
 */
export const findingKinds = {
  /** A create finds the znode, made by this txn or a later one. */
  'node-ahead': 'ahead',
  /** The parent's cversion or pzxid is already at or past this txn. */
  'parent-ahead': 'ahead',
  /** A setData finds an mzxid at or past this txn. */
  'data-ahead': 'ahead',
  /** A setACL finds an aversion at or past the txn's. */
  'acl-ahead': 'ahead',
  /** A createSession finds the session. */
  'session-ahead': 'ahead',
  /** A create finds the znode, and it is older. */
  'node-exists': 'contradiction',
  'parent-missing': 'contradiction',
  'node-missing': 'contradiction',
  /** A delete finds children; they become orphans, as on a server. */
  'children-left': 'contradiction',
  /** A closeSession lists its ephemerals, and the tree has more of that session; they are deleted too. */
  'ephemeral-not-listed': 'contradiction',
  'cversion-jump': 'jump',
  'version-jump': 'jump',
  'aversion-jump': 'jump',
  /** A closeSession finds no session: when a client's close and the expiry meet, a leader logs both. */
  'session-missing': 'harmless',
  /** No version from 3.4 to 3.9 writes this type here. */
  'unknown-type': 'refused',
  /** A multi within a multi. */
  'nested-multi': 'refused',
  /** A createTTL whose TTL no server accepts. */
  'invalid-ttl': 'refused',
} as const

/** The object is used again by the next call. */
export interface TxnOutcome {
  readonly verdict: Verdict
  readonly reason: OutcomeReason
  /** Whether the digest that the txn carries equals the tree's; `none` when it carries none, of another version, or checks are off. */
  readonly digest: 'none' | 'match' | 'mismatch'
}

/** Collects the findings of one txn. */
export class OutcomeNotes implements TxnOutcome {
  verdict: Verdict = 'applied'
  reason: OutcomeReason = 'none'
  digest: TxnOutcome['digest'] = 'none'
  #onlyJumps = true

  clear(): void {
    this.verdict = 'applied'
    this.reason = 'none'
    this.digest = 'none'
    this.#onlyJumps = true
  }

  /** @param mayBeFuzzy whether the txn is within the range that the snapshot may already show */
  note(reason: Exclude<OutcomeReason, 'none'>, range: 'fuzzy' | 'settled'): void {
    const kind = findingKinds[reason]
    const verdict =
      kind === 'harmless'
        ? 'applied'
        : kind === 'ahead'
          ? 'settling'
          : kind === 'refused' || range === 'settled'
            ? 'unexpected'
            : 'settling'
    if (verdict === 'unexpected' && kind !== 'jump') this.#onlyJumps = false
    if (this.reason === 'none' || rank[verdict] > rank[this.verdict]) {
      this.verdict = verdict
      this.reason = reason
    }
  }

  /** Takes the digest's result into account. */
  settle(digest: TxnOutcome['digest']): void {
    this.digest = digest
    if (digest === 'match' && this.verdict === 'unexpected' && this.#onlyJumps) this.verdict = 'applied'
  }
}

const rank: Record<Verdict, number> = { applied: 0, settling: 1, unexpected: 2 }
