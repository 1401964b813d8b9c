import type { Stat } from '../../model/stat.ts'
import { encodePath } from '../../model/znode-path.ts'
import { requireZnode } from './list-children.ts'
import { type StateView, pathDepth } from './state-view.ts'

/** One line of a drawn tree. */
export interface DrawnZnode {
  readonly path: Uint8Array
  /** Levels below the path asked for. */
  readonly level: number
  /** Whether a later line has the same parent. */
  hasNext: boolean
  /** Children of it that are not drawn because of the depth. */
  hidden: number
  childCount: number
  readonly stat: Stat
  readonly dataLength: number
}

export interface DrawnTree {
  readonly lines: readonly DrawnZnode[]
  /** Znodes within the depth that `limit` left out. */
  readonly leftOut: number
}

/** The znode at `path` and what is below it, in tree order, with what a drawing needs. @throws BAD_PATH, ZNODE_NOT_FOUND */
export async function drawTree(
  view: StateView,
  path: string,
  options: { readonly depth?: number; readonly limit: number },
): Promise<DrawnTree> {
  const top = encodePath(path)
  const topDepth = pathDepth(top, 0, top.length)
  const depth = options.depth ?? Infinity
  const lines: DrawnZnode[] = []
  /** The last line of each level, from the top. */
  const open: DrawnZnode[] = []
  let leftOut = 0
  // One level more than is drawn, to count what is hidden.
  const walk = depth === Infinity ? {} : { depthMax: depth + 1 }
  await view.walk(top, walk, (znode) => {
    const { bytes, pathStart, pathEnd, dataLength } = znode
    const level = pathDepth(bytes, pathStart, pathEnd) - topDepth
    const parent = open[level - 1]
    if (parent !== undefined) parent.childCount++
    if (level > depth) {
      if (parent !== undefined) parent.hidden++
      return undefined
    }
    const line = { path: bytes.slice(pathStart, pathEnd), level, hasNext: false, hidden: 0, childCount: 0, stat: znode.stat(), dataLength }
    const before = open[level]
    open.length = level
    open.push(line)
    if (lines.length < options.limit) {
      if (before !== undefined) before.hasNext = true
      lines.push(line)
    } else {
      leftOut++
    }
    return undefined
  })
  if (lines.length === 0) await requireZnode(view, path)
  return { lines, leftOut }
}
