import type { RecordSpans } from '../formats/snapshot-writer.ts'
import type { DataTree } from '../tree/data-tree.ts'

/** The records of a tree in tree order, those that stand together in one span. Valid while the tree does not change. */
export function treeRecordSpans(tree: DataTree): RecordSpans {
  return new TreeSpans(tree, tree.sortedNodes())
}

/** A span ends here at the latest: it goes through the writer's piece, which has this length. */
const spanBytesMax = 1 << 20

class TreeSpans implements RecordSpans {
  window: Uint8Array
  start = 0
  end = 0
  readonly #tree: DataTree
  readonly #order: Uint32Array
  #next = 0

  constructor(tree: DataTree, order: Uint32Array) {
    this.#tree = tree
    this.#order = order
    this.window = new Uint8Array(0)
  }

  next(): boolean {
    const order = this.#order
    const tree = this.#tree
    if (this.#next === order.length) return false
    const first = order[this.#next++]
    this.window = tree.segmentOf(first)
    this.start = tree.startOf(first)
    this.end = tree.endOf(first)
    while (this.#next < order.length && this.end - this.start < spanBytesMax) {
      const index = order[this.#next]
      if (tree.startOf(index) !== this.end || tree.segmentOf(index) !== this.window) break
      this.end = tree.endOf(index)
      this.#next++
    }
    return true
  }
}
