import { nodeRecordLengthMin } from '../../model/node-record.ts'
import { encodePath } from '../../model/znode-path.ts'
import { requireZnode } from './list-children.ts'
import { type StateView, pathDepth, znodeKind } from './state-view.ts'

/** What stands at a path and below it. */
export interface UsageEntry {
  readonly path: Uint8Array
  /** Levels below the path asked for. */
  readonly level: number
  znodes: number
  ephemerals: number
  dataBytes: number
  /** Bytes of the node records as they stand in a snapshot. */
  bytes: number
}

/**
 * Counts of the znode at `path` and of everything below it, one entry for each znode down to `depth` levels below, each with all
 * that is below it. The path itself comes first, then the largest first within each parent. @throws BAD_PATH, ZNODE_NOT_FOUND
 */
export async function diskUsage(view: StateView, path: string, options: { readonly depth: number }): Promise<UsageEntry[]> {
  const top = encodePath(path)
  const topDepth = pathDepth(top, 0, top.length)
  const roots: Branch[] = []
  const open: Branch[] = []
  await view.walk(top, {}, ({ bytes, pathStart, pathEnd, dataLength, ownerHi, ownerLo }) => {
    const level = pathDepth(bytes, pathStart, pathEnd) - topDepth
    if (level <= options.depth) {
      const entry = { path: bytes.slice(pathStart, pathEnd), level, znodes: 0, ephemerals: 0, dataBytes: 0, bytes: 0 }
      const branch: Branch = { entry, below: [] }
      open.length = level
      if (level === 0) roots.push(branch)
      else open[level - 1].below.push(branch)
      open.push(branch)
    }
    const data = dataLength > 0 ? dataLength : 0
    const isEphemeral = znodeKind(ownerHi, ownerLo) === 'ephemeral'
    // A deeper znode counts for every open branch that it is below; all of them are its ancestors in tree order.
    for (let i = 0; i < open.length; i++) {
      const { entry } = open[i]
      entry.znodes++
      entry.dataBytes += data
      entry.bytes += nodeRecordLengthMin + pathEnd - pathStart + data
      if (isEphemeral) entry.ephemerals++
    }
    return undefined
  })
  if (roots.length === 0) await requireZnode(view, path)
  return inOrder(roots)
}

interface Branch {
  readonly entry: UsageEntry
  readonly below: Branch[]
}

/** Parents before children, the largest first; without recursion, because paths nest as deep as they like. */
function inOrder(roots: readonly Branch[]): UsageEntry[] {
  const entries: UsageEntry[] = []
  const stack = [...roots]
  for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
    entries.push(branch.entry)
    branch.below.sort((a, b) => a.entry.bytes - b.entry.bytes)
    for (const child of branch.below) stack.push(child)
  }
  return entries
}
