import { compareTreeOrder } from '../model/znode-path.ts'
import { NodeCursor, type DataOption, type StateNode } from './node-cursor.ts'
import { expandLevel, readLeafEntries, readTop, type RangeFilter } from './state-reader.ts'
import type { ChunkSource, StateRef } from './state-ref.ts'

export interface WalkOptions {
  /** Levels below `path`: 0 for the znode alone, 1 with its children. Unlimited when absent. */
  readonly depthMax?: number
  /** Default `all`. */
  readonly data?: DataOption
}

export interface SubtreeSize {
  readonly znodes: number
  readonly dataBytes: number
}

const slash = 0x2f

/** The znode at `path` (empty for the root) or undefined. Reads one chunk a level. */
export async function lookupNode(
  source: ChunkSource,
  ref: StateRef,
  path: Uint8Array,
  data: DataOption = 'all',
): Promise<StateNode | undefined> {
  const holds: RangeFilter = (first, next) => compareTreeOrder(first, path) <= 0 && (next === undefined || compareTreeOrder(path, next) < 0)
  const cursor = new NodeCursor(source, ref, await readLeafEntries(source, ref, holds))
  if (!(await cursor.nextLeaf())) return undefined
  do {
    if (compareTreeOrder(cursor.path, path) === 0) return cursor.node(data)
  } while (cursor.step())
  return undefined
}

/**
 * The znode at `path` and everything below it, in tree order; nothing when there is no such znode. Reads only chunks that may hold some of
 * it, and with `depthMax` not those that hold deeper znodes alone.
 */
export async function* walkSubtree(
  source: ChunkSource,
  ref: StateRef,
  path: Uint8Array,
  options: WalkOptions = {},
): AsyncIterable<StateNode> {
  const deepest = options.depthMax === undefined ? Infinity : depthOf(path) + options.depthMax
  const keeps: RangeFilter = (first, next) => overlaps(path, first, next) && (next === undefined || sharedDepth(first, next) <= deepest)
  const cursor = new NodeCursor(source, ref, await readLeafEntries(source, ref, keeps))
  while (await cursor.nextLeaf()) {
    do {
      if (isInSubtree(path, cursor.path) && depthOf(cursor.path) <= deepest) yield await cursor.node(options.data ?? 'all')
    } while (cursor.step())
  }
}

/** Number of znodes and of their data bytes at `path` and below; reads only the edges of the subtree. Zero when there is no such znode. */
export async function sizeOfSubtree(source: ChunkSource, ref: StateRef, path: Uint8Array): Promise<SubtreeSize> {
  let znodes = 0
  let dataBytes = 0
  let run = await readTop(source, ref)
  for (;;) {
    const { level, entries } = run
    const open = entries.filter((entry, i) => {
      const next = entries[i + 1]?.first
      const isInside = isInSubtree(path, entry.first) && (path.length === 0 || (next !== undefined && isInSubtree(path, next)))
      if (!isInside) return overlaps(path, entry.first, next)
      znodes += entry.znodes
      dataBytes += entry.dataBytes
      return false
    })
    if (level > 0) {
      run = await expandLevel(source, { level, entries: open })
      continue
    }
    const cursor = new NodeCursor(source, ref, open)
    while (await cursor.nextLeaf()) {
      do {
        if (!isInSubtree(path, cursor.path)) continue
        znodes++
        dataBytes += Math.max(cursor.columns.dataLengths[cursor.index], 0)
      } while (cursor.step())
    }
    return { znodes, dataBytes }
  }
}

/** Whether paths of [first, next) can be at or below `path`. */
function overlaps(path: Uint8Array, first: Uint8Array, next: Uint8Array | undefined): boolean {
  if (next !== undefined && compareTreeOrder(next, path) <= 0) return false
  return compareTreeOrder(first, path) <= 0 || isInSubtree(path, first)
}

function isInSubtree(path: Uint8Array, candidate: Uint8Array): boolean {
  if (candidate.length < path.length) return false
  for (let i = 0; i < path.length; i++) if (path[i] !== candidate[i]) return false
  return candidate.length === path.length || candidate[path.length] === slash
}

function depthOf(path: Uint8Array): number {
  return slashesIn(path, path.length)
}

/** Every path of [first, next) begins with what both share, so none is less deep than that. */
function sharedDepth(first: Uint8Array, next: Uint8Array): number {
  let shared = 0
  while (shared < first.length && shared < next.length && first[shared] === next[shared]) shared++
  return slashesIn(first, shared)
}

function slashesIn(bytes: Uint8Array, end: number): number {
  let slashes = 0
  for (let i = 0; i < end; i++) if (bytes[i] === slash) slashes++
  return slashes
}
