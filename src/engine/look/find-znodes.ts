import { encodePath } from '../../model/znode-path.ts'
import { requireZnode } from './list-children.ts'
import { NamePattern } from './name-pattern.ts'
import { type StateView, type WalkedZnode, type ZnodeKind, nameStart, znodeKind } from './state-view.ts'

export interface FindOptions {
  /** Pattern of the name, or of the whole path when it begins with `/`. */
  readonly match?: string
  readonly kind?: ZnodeKind
  readonly depth?: number
  readonly limit?: number
}

/**
 * Hands every znode at `path` and below it that fits to `found`, in tree order; a promise from it holds the walk up.
 * @returns how many fitted. @throws BAD_PATH, ZNODE_NOT_FOUND
 */
export async function findZnodes(
  view: StateView,
  path: string,
  options: FindOptions,
  found: (znode: WalkedZnode) => undefined | Promise<void>,
): Promise<number> {
  const pattern = options.match === undefined ? undefined : new NamePattern(options.match)
  const limit = options.limit ?? Infinity
  let count = 0
  let seen = false
  const walk = options.depth === undefined ? {} : { depthMax: options.depth }
  await view.walk(encodePath(path), walk, (znode) => {
    seen = true
    const { bytes, pathStart, pathEnd } = znode
    if (options.kind !== undefined && znodeKind(znode.ownerHi, znode.ownerLo) !== options.kind) return undefined
    if (pattern !== undefined) {
      const from = pattern.matchesPath ? pathStart : nameStart(bytes, pathStart, pathEnd)
      if (!pattern.matches(bytes, from, pathEnd)) return undefined
    }
    count++
    const written = found(znode)
    return count >= limit ? 'stop' : written
  })
  if (!seen) await requireZnode(view, path)
  return count
}
