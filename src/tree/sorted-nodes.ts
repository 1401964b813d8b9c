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
/** Bytes of a name that are sorted by at once: with the place among 500 million siblings below them they fit the exact integers of a double. */
const keyBytes = 3

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
  sortByInsertion(nodes, children, start, end, skip)
}

function sortByInsertion(nodes: NodeStore, children: Uint32Array, start: number, end: number, skip: number): void {
  for (let at = start + 1; at < end; at++) {
    const node = children[at]
    let to = at
    for (; to > start && compareNames(nodes, children[to - 1], node, skip) > 0; to--) children[to] = children[to - 1]
    children[to] = node
  }
}

/**
 * Sorts by a few bytes at a time: each znode as one number, those bytes above and its place among the siblings below, which the engine
 * sorts without calling back. Those that agree so far are sorted by the bytes behind what they share.
 */
function sortByKeys(nodes: NodeStore, siblings: Uint32Array, skip: number): void {
  const keys = new Float64Array(siblings.length)
  const before = new Uint32Array(siblings.length)
  // Runs still to be sorted, and how many bytes the paths of each share for sure. Every step splits its run, for names differ.
  const runs = [{ start: 0, end: siblings.length, skip }]
  for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
    const { start, end } = run
    if (end - start <= insertionMax) {
      sortByInsertion(nodes, siblings, start, end, run.skip)
      continue
    }
    const count = end - start
    const part = siblings.subarray(start, end)
    const shared = sharedLength(nodes, part, run.skip)
    const own = keys.subarray(0, count)
    for (let i = 0; i < count; i++) own[i] = keyOf(nodes, part[i], shared) * count + i
    before.set(part)
    own.sort()
    let first = 0
    let group = -1
    for (let i = 0; i < count; i++) {
      const place = own[i] % count
      part[i] = before[place]
      if (own[i] - place === group) continue
      if (i - first > 1) runs.push({ start: start + first, end: start + i, skip: shared })
      first = i
      group = own[i] - place
    }
    if (count - first > 1) runs.push({ start: start + first, end, skip: shared })
  }
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

/** `keyBytes` bytes of the path from `from` on as a number that orders as they do; the end of a path comes before every byte. */
function keyOf(nodes: NodeStore, node: number, from: number): number {
  const bytes = nodes.bytesOf(node)
  const start = nodes.offsetOf(node) + 4
  const length = nodes.viewOf(node).getInt32(start - 4)
  let key = 0
  for (let i = from; i < from + keyBytes; i++) key = key * 257 + (i < length ? bytes[start + i] + 1 : 0)
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
