import { nodeTail } from '../model/node-record.ts'
import { type AclTable, readAclVector } from './acl-table.ts'
import { nodeUndigested, type NodeStore } from './node-store.ts'
import { pathHashOf } from './path-index.ts'

/** The znodes that a server makes by itself, without a txn. */
export const systemPaths = {
  root: '',
  zookeeper: '/zookeeper',
  quota: '/zookeeper/quota',
  /** From 3.5 on. */
  config: '/zookeeper/config',
} as const

const encoder = new TextEncoder()
export const configPathBytes = encoder.encode(systemPaths.config)

/**
 * Adds the znodes of a new server's empty database (ZooKeeper: `DataTree()`, `addConfigNode`): empty data, a stat of zeros, the open ACL;
 * /zookeeper/config with world:anyone:r and aversion -1. Needed where there are logs but no snapshot.
 * @param version `3.4` has no /zookeeper/config
 */
export function addSystemNodes(nodes: NodeStore, acls: AclTable, version: '3.4' | '3.5'): void {
  addOpenNode(nodes, encoder.encode(systemPaths.root))
  addOpenNode(nodes, encoder.encode(systemPaths.zookeeper))
  addOpenNode(nodes, encoder.encode(systemPaths.quota))
  if (version !== '3.4') addConfigNode(nodes, acls)
}

/**
 * Adds /zookeeper/config as a server of an ensemble does when its database comes from 3.4. @returns its entry, or -1 where
 * /zookeeper is missing.
 */
export function addConfigNode(nodes: NodeStore, acls: AclTable): number {
  const node = addOpenNode(nodes, configPathBytes)
  if (node < 0) return -1
  acls.intern(readAclVector, 0, readAclVector.length)
  const view = nodes.viewOf(node)
  const tail = nodes.tailOf(node)
  view.setInt32(tail + nodeTail.aclKey, acls.keyHi)
  view.setInt32(tail + nodeTail.aclKey + 4, acls.keyLo)
  view.setInt32(tail + nodeTail.aversion, -1)
  return node
}

function addOpenNode(nodes: NodeStore, path: Uint8Array): number {
  const hash = nodes.hash(path, 0, path.length)
  const parent = path.length === 0 ? -1 : nodes.find(path, 0, pathHashOf.lastSlash, pathHashOf.parent)
  if (parent < 0 && path.length > 0) return -1
  const length = 8 + path.length + nodeTail.length
  nodes.records.allocate(length)
  const { segment, offset } = nodes.records
  const bytes = nodes.records.segments[segment].fill(0, offset, offset + length)
  const view = nodes.records.views[segment]
  view.setInt32(offset, path.length)
  bytes.set(path, offset + 4)
  view.setInt32(offset + length - nodeTail.length + nodeTail.aclKey, -1)
  view.setInt32(offset + length - nodeTail.length + nodeTail.aclKey + 4, -1)
  const isBelow = path.length > systemPaths.zookeeper.length
  return nodes.add(parent, segment, offset, hash, isBelow ? nodeUndigested : 0)
}
