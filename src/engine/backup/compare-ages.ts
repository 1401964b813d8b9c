import { type Zxid, zeroZxid } from '../../model/zxid.ts'
import type { DataTree } from '../../tree/data-tree.ts'

export interface Ages {
  /** Some znode that both have shows an older change than before: the later state does not come after the known one. */
  readonly isTakenBack: boolean
  /** The newest change that the later state shows below its own zxid: where the two have parted at the latest. */
  readonly newest: Zxid
}

/**
 * Whether the state `found`, which stands at a later zxid, can have come out of the state `known`. Changes only ever raise mzxid, pzxid and aversion of a
 * znode; one that shows less than before was taken back, by a restore or by hand. Looks at every znode; for the rare case that no txn tells.
 */
export function compareAges(known: DataTree, found: DataTree): Ages {
  let newest: Zxid = zeroZxid
  let isTakenBack = false
  for (const index of found.sortedNodes()) {
    const { path, stat } = found.node(index)
    for (const zxid of [stat.czxid, stat.mzxid, stat.pzxid]) if (zxid > newest && zxid < found.lastZxid) newest = zxid
    const before = known.find(path)
    if (before < 0) continue
    const { stat: old } = known.node(before)
    const isSame = old.czxid === stat.czxid
    if (isSame && (stat.mzxid < old.mzxid || stat.pzxid < old.pzxid || stat.aversion < old.aversion)) isTakenBack = true
  }
  return { isTakenBack, newest }
}
