import { int32At } from '../../jute/long.ts'
import { nodePathEnd, nodePathOffset, nodeTail, nodeTailOf } from '../../model/node-record.ts'
import { compareTreeOrderAt } from '../../model/znode-path.ts'
import { isConfigPath, neutralConfig } from '../../archive/config-znode.ts'
import { equalBytes } from '../../base/bytes.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import { type Difference, changedZnode, createdZnode, deletedZnode } from './difference.ts'
import { isWithin } from './state-view.ts'
import { type TreeView, firstAtOrAfter, znodeOf } from './tree-view.ts'

const statStart = nodeTail.czxid

/**
 * What turns the tree of `a` into that of `b`, at `path` and below, in tree order: both are walked side by side and compared as bytes.
 * Of /zookeeper/config the mtime and the order of lines count for nothing, because each server of an ensemble writes its own.
 */
export function* diffTrees(a: TreeView, b: TreeView, path: Uint8Array): Generator<Difference> {
  const aSorted = a.sortedNodes()
  const bSorted = b.sortedNodes()
  const compare = new RecordComparison(a.tree, b.tree)
  let i = firstAtOrAfter(a.tree, aSorted, path)
  let j = firstAtOrAfter(b.tree, bSorted, path)
  const aEnd = subtreeEnd(a.tree, aSorted, i, path)
  const bEnd = subtreeEnd(b.tree, bSorted, j, path)
  while (i < aEnd || j < bEnd) {
    const order = i === aEnd ? 1 : j === bEnd ? -1 : comparePaths(a.tree, aSorted[i], b.tree, bSorted[j])
    if (order < 0) {
      const before = znodeOf(a.tree, aSorted[i++])
      yield deletedZnode(before.path, before)
    } else if (order > 0) {
      const after = znodeOf(b.tree, bSorted[j++])
      yield createdZnode(after.path, after)
    } else {
      if (!compare.areSame(aSorted[i], bSorted[j])) {
        const before = znodeOf(a.tree, aSorted[i])
        yield changedZnode(before.path, before, znodeOf(b.tree, bSorted[j]))
      }
      i++
      j++
    }
  }
}

/** Place of the first entry from `start` on that is not in the subtree any more. */
function subtreeEnd(tree: DataTree, sorted: Uint32Array, start: number, path: Uint8Array): number {
  let low = start
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const bytes = tree.segmentOf(sorted[middle])
    const at = tree.startOf(sorted[middle])
    if (isWithin(bytes, at + nodePathOffset, nodePathEnd(bytes, at), path)) low = middle + 1
    else high = middle
  }
  return low
}

function comparePaths(a: DataTree, i: number, b: DataTree, j: number): number {
  const aBytes = a.segmentOf(i)
  const bBytes = b.segmentOf(j)
  const aStart = a.startOf(i)
  const bStart = b.startOf(j)
  return compareTreeOrderAt(
    aBytes,
    aStart + nodePathOffset,
    nodePathEnd(aBytes, aStart),
    bBytes,
    bStart + nodePathOffset,
    nodePathEnd(bBytes, bStart),
  )
}

/** Compares records of the same path; ACLs by value, because keys are a server's own numbering. */
class RecordComparison {
  readonly #a: DataTree
  readonly #b: DataTree
  /** The pair of ACL keys compared last, and whether their lists are the same: most znodes share one. */
  readonly #keys = new Int32Array(4)
  #sameAcl: boolean | undefined

  constructor(a: DataTree, b: DataTree) {
    this.#a = a
    this.#b = b
  }

  areSame(i: number, j: number): boolean {
    const a = this.#a.segmentOf(i)
    const b = this.#b.segmentOf(j)
    const aStart = this.#a.startOf(i)
    const bStart = this.#b.startOf(j)
    const pathEnd = nodePathEnd(a, aStart)
    const aData = pathEnd
    const bData = nodePathEnd(b, bStart)
    const length = int32At(a, aData)
    if (length !== int32At(b, bData)) return false
    const aTail = aData + 4 + Math.max(length, 0)
    const bTail = bData + 4 + Math.max(length, 0)
    if (isConfigPath(a, aStart + nodePathOffset, pathEnd)) return this.#isSameConfig(i, j)
    for (let k = statStart; k < nodeTail.length; k++) if (a[aTail + k] !== b[bTail + k]) return false
    for (let k = 0; k < length; k++) if (a[aData + 4 + k] !== b[bData + 4 + k]) return false
    return this.#haveSameAcl(a, aTail, b, bTail)
  }

  /** As it counts in a state root: without the time and the order of lines that each server writes for itself. */
  #isSameConfig(i: number, j: number): boolean {
    const [aBytes, bBytes] = [this.#a.segmentOf(i), this.#b.segmentOf(j)]
    const a = neutralConfig(aBytes, this.#a.startOf(i)).record
    const b = neutralConfig(bBytes, this.#b.startOf(j)).record
    const [aTail, bTail] = [nodeTailOf(a, 0), nodeTailOf(b, 0)]
    if (!this.#haveSameAcl(a, aTail, b, bTail)) return false
    a.fill(0, aTail, aTail + nodeTail.czxid)
    b.fill(0, bTail, bTail + nodeTail.czxid)
    return equalBytes(a, b)
  }

  #haveSameAcl(a: Uint8Array, aTail: number, b: Uint8Array, bTail: number): boolean {
    const keys = this.#keys
    const aHi = int32At(a, aTail)
    const aLo = int32At(a, aTail + 4)
    const bHi = int32At(b, bTail)
    const bLo = int32At(b, bTail + 4)
    if (this.#sameAcl !== undefined && aLo === keys[1] && bLo === keys[3] && aHi === keys[0] && bHi === keys[2]) return this.#sameAcl
    keys[0] = aHi
    keys[1] = aLo
    keys[2] = bHi
    keys[3] = bLo
    const aList = this.#a.aclBytes(aHi, aLo)
    const bList = this.#b.aclBytes(bHi, bLo)
    // Two keys without a list are the same only as keys: nothing else is known of them.
    this.#sameAcl =
      aList === undefined || bList === undefined
        ? aList === bList && aHi === bHi && aLo === bLo
        : aList.length === bList.length && isPath(aList, 0, bList)
    return this.#sameAcl
  }
}

function isPath(bytes: Uint8Array, start: number, path: Uint8Array): boolean {
  for (let k = 0; k < path.length; k++) if (bytes[start + k] !== path[k]) return false
  return true
}
