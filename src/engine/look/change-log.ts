import { ChangeTracker, type ZnodeChange } from './change-tracker.ts'
import type { HistoryBounds } from './history-bounds.ts'
import type { HistoryGap, HistorySource } from './history-source.ts'
import type { ZnodeSelection } from './znode-selection.ts'

export interface ChangeLogOptions {
  readonly bounds: HistoryBounds
  /** The newest so many changes; all when absent. */
  readonly limit?: number
  /** Asked after each stretch of transactions: a promise holds the reading up while what was told is written. */
  readonly onBatch?: () => Promise<void>
}

/** Changes that are held before the oldest are cut away, whatever the limit. */
const changesKeptMin = 1000

export interface ChangeLogResult {
  readonly changes: number
  /** Older changes that the limit left out. */
  readonly leftOut: number
  /** Where changes may be missing. */
  readonly gaps: readonly HistoryGap[]
}

/**
 * Hands out every change of the selected znodes, the newest last. With a limit they are held back until the end; else they come as they are
 * found.
 */
export async function readChangeLog(
  source: HistorySource,
  selection: ZnodeSelection,
  options: ChangeLogOptions,
  emit: (change: ZnodeChange) => void,
): Promise<ChangeLogResult> {
  const { bounds, limit } = options
  const gaps: HistoryGap[] = []
  let newest: ZnodeChange[] = []
  let changes = 0
  const take = (change: ZnodeChange): void => {
    changes++
    if (limit === undefined) {
      emit(change)
      return
    }
    newest.push(change)
    // Cut in large steps, so that each change is moved but a few times.
    if (newest.length >= limit * 2 + changesKeptMin) newest = newest.slice(-limit)
  }
  const tracker = new ChangeTracker(selection, take, (zxid, timeMs) => bounds.includes(zxid, timeMs))
  await source.read(selection, bounds.zxids, {
    gap: (gap) => {
      gaps.push(gap)
      tracker.forget()
    },
    seed: (path, znode) => tracker.seed(path, znode),
    txn: (txn) => tracker.apply(txn),
    batchEnd: () => options.onBatch?.(),
    get owners() {
      return tracker.owners
    },
  })
  if (limit === undefined) return { changes, leftOut: 0, gaps }
  const shown = newest.slice(-limit)
  for (const change of shown) emit(change)
  return { changes: shown.length, leftOut: changes - shown.length, gaps }
}
