import type { Txn } from '../../model/txn.ts'
import type { Zxid } from '../../model/zxid.ts'
import type { KnownZnode } from './change-tracker.ts'
import type { ZnodeSelection } from './znode-selection.ts'

/** A stretch of zxids in which changes may be missing; both ends exclusive. */
export interface HistoryGap {
  readonly timeline?: string
  readonly after: Zxid
  readonly before: Zxid
  readonly cause: string
}

/** What a history tells, in the order of zxids. */
export interface HistorySink {
  /** What was known before no longer holds. */
  gap(gap: HistoryGap): void
  /** How a selected znode stands at the moment; comes before the transactions that follow from it. */
  seed(path: Uint8Array, znode: KnownZnode): void
  /** Every transaction that touches the selection, and perhaps others. Its bytes are valid during the call only. */
  txn(txn: Txn): void
  /** After each stretch of transactions; a promise holds the reading up. */
  batchEnd(): undefined | Promise<void>
  /** Sessions whose end would remove a selected znode. */
  readonly owners: Iterable<bigint>
}

/** The transactions of a place, looked through for some znodes. */
export interface HistorySource {
  readonly description: string
  readonly timeline?: string
  /** From the newest known state at or before `after` on, so that the first changes after it can say what they replaced. */
  read(selection: ZnodeSelection, range: { readonly after?: Zxid; readonly through?: Zxid }, sink: HistorySink): Promise<void>
}
