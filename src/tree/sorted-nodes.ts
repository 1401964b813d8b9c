import type { NodeStore } from './node-store.ts'

/**
 * All znodes that hang in the tree, in tree order: preorder, siblings bytewise, so that every subtree is one range. Orphans, which a
 * tree has only while it settles, are left out, as a server's snapshot leaves them out.
 */
export function sortNodes(nodes: NodeStore): Uint32Array {
  const sorted = new Uint32Array(nodes.nodeCount)
  if (nodes.root < 0) return sorted.subarray(0, 0)
  const { starts, children } = childrenByParent(nodes)
  const paths = new NamePaths(nodes)
  for (let node = 0; node < nodes.entryCount; node++) {
    if (starts[node + 1] - starts[node] > 1) sortSiblings(paths, children, starts[node], starts[node + 1])
  }
  // Preorder without recursion: one frame a level; `next` is the child to visit, `end` the end of its siblings.
  let count = 0
  sorted[count++] = nodes.root
  const next: number[] = [starts[nodes.root]]
  const ends: number[] = [starts[nodes.root + 1]]
  let depth = 0
  while (depth >= 0) {
    if (next[depth] === ends[depth]) {
      depth--
      continue
    }
    const node = children[next[depth]++]
    sorted[count++] = node
    const first = starts[node]
    const end = starts[node + 1]
    if (first !== end) {
      depth++
      next[depth] = first
      ends[depth] = end
    }
  }
  return sorted.subarray(0, count)
}

/** Counting sort of linked znodes by parent: the children of P are children[starts[P] .. starts[P + 1]). */
function childrenByParent(nodes: NodeStore): { starts: Uint32Array; children: Uint32Array } {
  const { entryCount } = nodes
  const starts = new Uint32Array(entryCount + 2)
  // Shifted by one entry while filling, so that no second array of positions is needed.
  for (let node = 0, sum = 0; node < entryCount; node++) {
    starts[node + 1] = sum
    if (nodes.isLive(node)) sum += nodes.childCountOf(node)
    starts[node + 2] = sum
  }
  const children = new Uint32Array(starts[entryCount + 1])
  for (let node = 0; node < entryCount; node++) {
    const above = nodes.parentOf(node)
    if (nodes.isLive(node) && above >= 0 && nodes.isLive(above)) children[starts[above + 1]++] = node
  }
  return { starts, children }
}

/** The paths of znodes, for comparing siblings. */
class NamePaths {
  readonly #nodes: NodeStore

  constructor(nodes: NodeStore) {
    this.#nodes = nodes
  }

  /** Bytewise order of two siblings, whose parents' paths are equal. */
  compare(a: number, b: number): number {
    const nodes = this.#nodes
    const aBytes = nodes.bytesOf(a)
    const bBytes = nodes.bytesOf(b)
    const aStart = nodes.offsetOf(a) + 4
    const bStart = nodes.offsetOf(b) + 4
    const aLength = nodes.viewOf(a).getInt32(aStart - 4)
    const bLength = nodes.viewOf(b).getInt32(bStart - 4)
    const common = aLength < bLength ? aLength : bLength
    for (let i = 0; i < common; i++) {
      const difference = aBytes[aStart + i] - bBytes[bStart + i]
      if (difference !== 0) return difference
    }
    return aLength - bLength
  }
}

/** Up to here insertion beats the sort of the engine, which calls back for each comparison. */
const insertionMax = 12

function sortSiblings(paths: NamePaths, children: Uint32Array, start: number, end: number): void {
  if (end - start <= insertionMax) {
    for (let i = start + 1; i < end; i++) {
      const node = children[i]
      let at = i
      for (; at > start && paths.compare(children[at - 1], node) > 0; at--) children[at] = children[at - 1]
      children[at] = node
    }
    return
  }
  for (let i = start + 1; i < end; i++) {
    if (paths.compare(children[i - 1], children[i]) > 0) {
      children.subarray(start, end).sort((a, b) => paths.compare(a, b))
      return
    }
  }
}
