import type { Zxid } from '../model/zxid.ts'
import type { DataTree } from './data-tree.ts'

/**
 * Ends every session, as if each closed at this zxid: its ephemerals are deleted, their parents' pzxid rises to the zxid, cversions stay
 * (a server's own deletions do not count there; what clients see as cversion falls with the number of children). Also ends owners of
 * ephemerals that have no session, which a server drops when it loads such a state. `lastZxid` rises to the zxid.
 * @param zxid above everything in the tree, so that each parent shows the change
 */
export function dropEphemerals(tree: DataTree, zxid: Zxid): { readonly sessions: number; readonly ephemerals: number } {
  const before = tree.nodeCount
  const sessions = Array.from(tree.sessions(), (session) => session.id)
  for (const id of sessions) tree.endSession(id, zxid)
  const owners = Array.from(tree.ephemeralOwners())
  for (const owner of owners) tree.endSession(owner, zxid)
  tree.raiseLastZxid(zxid)
  return { sessions: sessions.length, ephemerals: before - tree.nodeCount }
}
