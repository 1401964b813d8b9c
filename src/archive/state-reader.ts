import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { compareTreeOrder } from '../model/znode-path.ts'
import { levelsMax } from './state-format.ts'
import type { ChunkSource, StateRef } from './state-ref.ts'
import { decodeTreeNode, treeChunkKind, type ChildEntry, type TreeNode } from './tree-nodes.ts'

/**
 * Ways into a stored state without loading it whole. A reader trusts nothing but chunk ids: whatever a node claims about a child is
 * compared with the child.
 */

/** A run of children at one level, in tree order; level 0 are leaves. */
export interface LevelEntries {
  readonly level: number
  readonly entries: readonly ChildEntry[]
}

/** Most inner nodes asked for at once: about 2 MiB of chunks. */
const nodesPerRead = 1024

const rootPath = new Uint8Array(0)

/** The root as a run of one. Reads the root chunk to learn its level. */
export async function readTop(source: ChunkSource, ref: StateRef): Promise<LevelEntries> {
  const [bytes] = await source.chunks([ref.treeRoot])
  const entry: ChildEntry = { first: rootPath, id: ref.treeRoot, znodes: ref.znodes, dataBytes: ref.dataBytes }
  if (treeChunkKind(bytes) === 'leaf') return { level: 0, entries: [entry] }
  const node = placed(ref.treeRoot, () => decodeTreeNode(bytes))
  return { level: node.level, entries: [entry] }
}

/** Children of all entries, in order. @throws REPOSITORY_DAMAGED where a node is not what its parent says. */
export async function expandLevel(source: ChunkSource, { level, entries }: LevelEntries): Promise<LevelEntries> {
  const children: ChildEntry[] = []
  for (let at = 0; at < entries.length; at += nodesPerRead) {
    const batch = entries.slice(at, at + nodesPerRead)
    const chunks = await source.chunks(batch.map((entry) => entry.id))
    for (const [i, bytes] of chunks.entries()) {
      const node = placed(batch[i].id, () => decodeTreeNode(bytes))
      checkChild(batch[i], node, level)
      for (const child of node.children) children.push(child)
    }
  }
  return { level: level - 1, entries: children }
}

function checkChild(entry: ChildEntry, node: TreeNode, level: number): void {
  let znodes = 0
  let dataBytes = 0
  for (const child of node.children) {
    znodes += child.znodes
    dataBytes += child.dataBytes
  }
  const fits = node.level === level && znodes === entry.znodes && dataBytes === entry.dataBytes
  if (!fits || compareTreeOrder(node.children[0].first, entry.first) !== 0) throw contradiction(entry.id)
}

/** A chunk that is whole but not what the one above it says. */
export function contradiction(id: Uint8Array): ZooArkError {
  return new ZooArkError('REPOSITORY_DAMAGED', 'a chunk of the state tree is not what its parent says', { place: { object: toHex(id) } })
}

/** Runs a decoder and adds the chunk's id to the place of its error. */
export function placed<T>(id: Uint8Array, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    throw new ZooArkError(error.code, error.message, { place: { ...error.place, object: toHex(id) }, cause: error })
  }
}

/** Keeps of a run only what may hold paths that `range` asks for. `next` is the first path after the run, undefined at the end. */
export type RangeFilter = (first: Uint8Array, next: Uint8Array | undefined) => boolean

/** The leaves that the filter keeps, in order. Reads inner nodes only, each level in one go. */
export async function readLeafEntries(source: ChunkSource, ref: StateRef, keeps: RangeFilter): Promise<ChildEntry[]> {
  let run = await readTop(source, ref)
  if (run.level > levelsMax) throw contradiction(ref.treeRoot)
  while (run.level > 0) {
    run = await expandLevel(source, run)
    const { entries } = run
    // The filter sees neighbours of the kept run only; a wider gap than the true one is harmless, for it keeps more.
    run = { level: run.level, entries: entries.filter((entry, i) => keeps(entry.first, entries[i + 1]?.first)) }
  }
  return [...run.entries]
}
