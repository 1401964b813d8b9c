import { compareTreeOrder } from '../model/znode-path.ts'
import { toHex } from '../base/hex.ts'
import { NodeCursor, sameNode, type DataOption, type StateNode } from './node-cursor.ts'
import { expandLevel, readTop, type LevelEntries } from './state-reader.ts'
import type { ChunkSource, StateRef } from './state-ref.ts'
import type { ChildEntry } from './tree-nodes.ts'

/** One znode that differs between two states. */
export type StateChange =
  | { readonly change: 'created'; readonly path: Uint8Array; readonly after: StateNode }
  | { readonly change: 'deleted'; readonly path: Uint8Array; readonly before: StateNode }
  | { readonly change: 'changed'; readonly path: Uint8Array; readonly before: StateNode; readonly after: StateNode }

/**
 * What turns state a into state b, in tree order. Subtrees with equal ids are never read, so it costs what differs. The mtime and
 * the order of lines of `/zookeeper/config` count for nothing here (they differ between servers of one ensemble).
 */
export async function* diffStates(source: ChunkSource, a: StateRef, b: StateRef, data: DataOption = 'all'): AsyncIterable<StateChange> {
  const [aLeaves, bLeaves] = await differingLeaves(source, a, b)
  const before = new NodeCursor(source, a, aLeaves)
  const after = new NodeCursor(source, b, bLeaves)
  let hasBefore = await before.nextLeaf()
  let hasAfter = await after.nextLeaf()
  while (hasBefore || hasAfter) {
    const order = !hasBefore ? 1 : !hasAfter ? -1 : compareTreeOrder(before.path, after.path)
    if (order < 0) yield { change: 'deleted', path: before.path, before: await before.node(data) }
    else if (order > 0) yield { change: 'created', path: after.path, after: await after.node(data) }
    else if (!sameNode(before.columns, before.index, after.columns, after.index)) {
      yield { change: 'changed', path: after.path, before: await before.node(data), after: await after.node(data) }
    }
    if (order <= 0) hasBefore = before.step() || (await before.nextLeaf())
    if (order >= 0) hasAfter = after.step() || (await after.nextLeaf())
  }
}

/** Leaves of each state that the other does not have, found level by level: a chunk that both have holds no difference. */
async function differingLeaves(source: ChunkSource, a: StateRef, b: StateRef): Promise<[readonly ChildEntry[], readonly ChildEntry[]]> {
  let runA = await readTop(source, a)
  let runB = await readTop(source, b)
  while (runA.level > 0 || runB.level > 0) {
    if (runA.level === runB.level) [runA, runB] = withoutCommon(runA, runB)
    const deeper = Math.max(runA.level, runB.level)
    if (runA.level === deeper) runA = await expandLevel(source, runA)
    if (runB.level === deeper) runB = await expandLevel(source, runB)
  }
  const [leavesA, leavesB] = withoutCommon(runA, runB)
  return [leavesA.entries, leavesB.entries]
}

function withoutCommon(a: LevelEntries, b: LevelEntries): [LevelEntries, LevelEntries] {
  const idsOfA = new Set(a.entries.map((entry) => toHex(entry.id)))
  const common = new Set<string>()
  const onlyB = b.entries.filter((entry) => {
    const id = toHex(entry.id)
    if (!idsOfA.has(id)) return true
    common.add(id)
    return false
  })
  const onlyA = common.size === 0 ? a.entries : a.entries.filter((entry) => !common.has(toHex(entry.id)))
  return [
    { level: a.level, entries: onlyA },
    { level: b.level, entries: onlyB },
  ]
}
