import type { NodeStore } from './node-store.ts'

/**
 * All znodes that hang in the tree, in tree order: preorder, siblings bytewise, so that every subtree is one range. Orphans, which a
 * tree has only while it settles, are left out, as a server's snapshot leaves them out.
 */
export function sortNodes(nodes: NodeStore): Uint32Array {
  const sorted = new Uint32Array(nodes.nodeCount)
  if (nodes.root < 0) return sorted.subarray(0, 0)
  const { starts, children } = childrenByParent(nodes)
  for (let node = 0; node < nodes.entryCount; node++) {
    if (starts[node + 1] - starts[node] > 1) sortSiblings(nodes, node, children, starts[node], starts[node + 1])
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

/** Up to here insertion beats the sort of the engine, which calls back for each comparison. */
const insertionMax = 24
/** So many bytes of a name fit in the exact integers of a double. */
const keyBytes = 6

function sortSiblings(nodes: NodeStore, parent: number, children: Uint32Array, start: number, end: number): void {
  // Siblings differ behind the path of their parent and a slash.
  const skip = nodes.viewOf(parent).getInt32(nodes.offsetOf(parent)) + 1
  let at = start + 1
  while (at < end && compareNames(nodes, children[at - 1], children[at], skip) < 0) at++
  if (at === end) return
  if (end - start > insertionMax) {
    sortByKeys(nodes, children.subarray(start, end), skip)
    return
  }
  for (; at < end; at++) {
    const node = children[at]
    let to = at
    for (; to > start && compareNames(nodes, children[to - 1], node, skip) > 0; to--) children[to] = children[to - 1]
    children[to] = node
  }
}

/** Compares a few bytes of each name behind what all names share, and whole names only where those are equal. */
function sortByKeys(nodes: NodeStore, siblings: Uint32Array, skip: number): void {
  const shared = sharedLength(nodes, siblings, skip)
  const keys = new Map<number, number>()
  for (const node of siblings) keys.set(node, keyOf(nodes, node, shared))
  siblings.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0) || compareNames(nodes, a, b, skip))
}

/** Length of the paths' beginning that all these siblings share; at least `skip`. */
function sharedLength(nodes: NodeStore, siblings: Uint32Array, skip: number): number {
  const first = siblings[0]
  const bytes = nodes.bytesOf(first)
  const at = nodes.offsetOf(first) + 4
  let shared = nodes.viewOf(first).getInt32(at - 4)
  for (const node of siblings) {
    const others = nodes.bytesOf(node)
    const start = nodes.offsetOf(node) + 4
    const length = Math.min(shared, nodes.viewOf(node).getInt32(start - 4))
    let i = skip
    while (i < length && bytes[at + i] === others[start + i]) i++
    shared = i
  }
  return shared
}

/** The bytes of the path from `from` on as a number that orders as they do; missing ones count as 0, which no path contains. */
function keyOf(nodes: NodeStore, node: number, from: number): number {
  const bytes = nodes.bytesOf(node)
  const start = nodes.offsetOf(node) + 4
  const length = nodes.viewOf(node).getInt32(start - 4)
  let key = 0
  for (let i = from; i < from + keyBytes; i++) key = key * 256 + (i < length ? bytes[start + i] : 0)
  return key
}

/** Bytewise order of two siblings. @param skip how many bytes of their paths are the same for sure */
function compareNames(nodes: NodeStore, a: number, b: number, skip: number): number {
  const aBytes = nodes.bytesOf(a)
  const bBytes = nodes.bytesOf(b)
  const aStart = nodes.offsetOf(a) + 4
  const bStart = nodes.offsetOf(b) + 4
  const aLength = nodes.viewOf(a).getInt32(aStart - 4)
  const bLength = nodes.viewOf(b).getInt32(bStart - 4)
  const common = aLength < bLength ? aLength : bLength
  for (let i = skip; i < common; i++) {
    const difference = aBytes[aStart + i] - bBytes[bStart + i]
    if (difference !== 0) return difference
  }
  return aLength - bLength
}
