import { payloadZxid } from '../../archive/segment-format.ts'
import type { TxnSink } from '../../archive/segment-reader.ts'
import type { StoredSegment } from '../../archive/segment-writer.ts'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid, type Zxid } from '../../model/zxid.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { TxnOutcome } from '../../tree/txn-outcome.ts'

/** Applies the txns of stored segments to a true state. The first that does not fit is REPOSITORY_DAMAGED with its zxid and segment. */
export class SegmentReplay implements TxnSink {
  /** Txns applied. */
  count = 0
  /** Digests that txns carried, all equal to those of the tree. */
  digestsChecked = 0
  /** zxid of the txn applied last; null before the first. */
  last: Zxid | null = null
  readonly #tree: DataTree
  readonly #segments: readonly StoredSegment[]
  readonly #onTxns: (done: number) => void

  /** @param segments those that are read, for the place of an error. @param onTxns called for every block of txns; may throw to end it */
  constructor(tree: DataTree, segments: readonly StoredSegment[], onTxns: (done: number) => void) {
    this.#tree = tree
    this.#segments = segments
    this.#onTxns = onTxns
  }

  txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const outcome = this.#apply(window, starts[i], ends[i])
      if (outcome.verdict !== 'applied' || outcome.digest === 'mismatch') throw this.#damaged(window, starts[i], describe(outcome))
      if (outcome.digest === 'match') this.digestsChecked++
    }
    this.count += count
    this.last = payloadZxid(window, starts[count - 1])
    this.#onTxns(this.count)
  }

  #apply(window: Uint8Array, start: number, end: number): TxnOutcome {
    try {
      return this.#tree.applyTxn(window, start, end)
    } catch (error) {
      if (!(error instanceof ZooArkError) || error.code !== 'RECORD_DAMAGED') throw error
      throw this.#damaged(window, start, `the txn cannot be decoded: ${error.message}`, error)
    }
  }

  #damaged(window: Uint8Array, start: number, what: string, cause?: unknown): ZooArkError {
    const zxid = payloadZxid(window, start)
    const segment = this.#segments.find(({ first, last }) => first <= zxid && zxid <= last)
    const place = { zxid: formatZxid(zxid), ...(segment === undefined ? {} : { object: segment.object.key }) }
    return new ZooArkError('REPOSITORY_DAMAGED', what, { place, ...(cause === undefined ? {} : { cause }), hint: damagedReplayHint })
  }
}

/** What a person can do where the bytes are whole and their history is not. */
export const damagedReplayHint = 'Points before this zxid are not concerned; `zooark verify --level replay` lists every one that is.'

function describe({ digest, reason }: TxnOutcome): string {
  if (digest === 'mismatch') return 'replayed here, the state does not have the digest that this txn carries'
  return `this txn does not fit the state that the one before it left (${reason})`
}
