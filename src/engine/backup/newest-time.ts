import { int32At } from '../../jute/long.ts'
import { nodeTail, nodeTailOf } from '../../model/node-record.ts'
import type { DataTree } from '../../tree/data-tree.ts'

/**
 * The newest change that the znodes of a state show, in ms: no later than its last txn, and all there is to tell its time when no txn is at hand.
 * Null when they show none, as those of a new server do.
 */
export function newestTimeMs(tree: DataTree): number | null {
  let newest = 0
  for (const index of tree.liveNodes()) {
    const bytes = tree.segmentOf(index)
    const tail = nodeTailOf(bytes, tree.startOf(index))
    newest = Math.max(newest, timeAt(bytes, tail + nodeTail.ctime))
    // A server writes /zookeeper/config by its own clock when it starts, with no txn.
    const isOfTxn = int32At(bytes, tail + nodeTail.mzxid) !== 0 || int32At(bytes, tail + nodeTail.mzxid + 4) !== 0
    if (isOfTxn) newest = Math.max(newest, timeAt(bytes, tail + nodeTail.mtime))
  }
  return newest === 0 ? null : newest
}

/** Times of day have no more than 53 bits; what has is no time, and is left out. */
function timeAt(bytes: Uint8Array, at: number): number {
  const ms = int32At(bytes, at) * 2 ** 32 + (int32At(bytes, at + 4) >>> 0)
  return Number.isSafeInteger(ms) ? ms : 0
}
