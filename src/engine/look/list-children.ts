import { ZooArkError } from '../../base/errors.ts'
import type { Stat } from '../../model/stat.ts'
import { encodePath } from '../../model/znode-path.ts'
import { type StateView, type ZnodeView, pathDepth } from './state-view.ts'

/** One line of a listing. */
export interface ListedZnode {
  readonly path: Uint8Array
  readonly stat: Stat
  /** -1 for null. */
  readonly dataLength: number
  readonly childCount: number
}

export interface Listing {
  readonly children: readonly ListedZnode[]
  /** Children that `limit` left out. */
  readonly leftOut: number
}

/** The znode at `path`. @throws BAD_PATH, ZNODE_NOT_FOUND with the place that was looked at */
export async function requireZnode(view: StateView, path: string): Promise<ZnodeView> {
  const znode = await view.lookup(encodePath(path))
  if (znode === undefined) {
    throw new ZooArkError('ZNODE_NOT_FOUND', `there is no such znode in ${view.description}`, { place: { path } })
  }
  return znode
}

/** The children of a znode in tree order, each with the number of its own. @throws as `requireZnode` */
export async function listChildren(view: StateView, path: string, options: { readonly limit?: number } = {}): Promise<Listing> {
  const parent = encodePath(path)
  const childDepth = pathDepth(parent, 0, parent.length) + 1
  const limit = options.limit ?? Infinity
  const children: { path: Uint8Array; stat: Stat; dataLength: number; childCount: number }[] = []
  let found = false
  let count = 0
  await view.walk(parent, { depthMax: 2 }, (znode) => {
    found = true
    const depth = pathDepth(znode.bytes, znode.pathStart, znode.pathEnd)
    if (depth < childDepth) return undefined
    if (depth === childDepth) {
      count++
      if (count > limit) return undefined
      const { bytes, pathStart, pathEnd, dataLength } = znode
      children.push({ path: bytes.slice(pathStart, pathEnd), stat: znode.stat(), dataLength, childCount: 0 })
    } else if (count <= limit) {
      const last = children.at(-1)
      // A grandchild comes after its parent in tree order.
      if (last !== undefined) last.childCount++
    }
    return undefined
  })
  if (!found) await requireZnode(view, path)
  return { children, leftOut: Math.max(0, count - children.length) }
}
