import { JuteReader } from '../../jute/jute-reader.ts'
import { int32At } from '../../jute/long.ts'
import { readAcls } from '../../model/acl.ts'
import {
  decodeNodeStat,
  nodeDataLength,
  nodeDataStart,
  nodePathEnd,
  nodePathOffset,
  nodeTail,
  nodeTailOf,
} from '../../model/node-record.ts'
import { toSessionId } from '../../model/session-id.ts'
import type { Stat } from '../../model/stat.ts'
import { compareTreeOrderAt } from '../../model/znode-path.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import {
  type AclView,
  type Consistency,
  type SessionView,
  type StateView,
  type WalkOptions,
  type WalkedZnode,
  type ZnodeView,
  type ZnodeVisitor,
  isWithin,
  pathDepth,
} from './state-view.ts'

/** A loaded tree as a view. The tree must not change while it is looked at. */
export class TreeView implements StateView {
  readonly description: string
  readonly consistency: Consistency
  readonly tree: DataTree
  #sorted: Uint32Array | undefined

  constructor(tree: DataTree, about: { readonly description: string; readonly consistency: Consistency }) {
    this.tree = tree
    this.description = about.description
    this.consistency = about.consistency
  }

  get zxid(): StateView['zxid'] {
    return this.tree.lastZxid
  }

  get znodeCount(): number {
    return this.tree.nodeCount
  }

  async lookup(path: Uint8Array): Promise<ZnodeView | undefined> {
    const index = this.tree.find(path)
    return index < 0 ? undefined : znodeOf(this.tree, index)
  }

  async walk(path: Uint8Array, options: WalkOptions, visit: ZnodeVisitor): Promise<void> {
    const { tree } = this
    const depthMax = options.depthMax === undefined ? Infinity : pathDepth(path, 0, path.length) + options.depthMax
    const sorted = this.sortedNodes()
    const walked = new WalkedRecord()
    for (let i = firstAtOrAfter(tree, sorted, path); i < sorted.length; i++) {
      walked.fill(tree, sorted[i])
      if (!isWithin(walked.bytes, walked.pathStart, walked.pathEnd, path)) return
      if (depthMax !== Infinity && pathDepth(walked.bytes, walked.pathStart, walked.pathEnd) > depthMax) continue
      const answer = visit(walked)
      if (answer === 'stop') return
      if (answer !== undefined) await answer
    }
  }

  async sessions(): Promise<readonly SessionView[]> {
    const sessions = Array.from(this.tree.sessions(), (session) => ({ id: toSessionId(session.id), timeoutMs: session.timeoutMs }))
    return sessions.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  }

  /** Entries in tree order, sorted once. */
  sortedNodes(): Uint32Array {
    this.#sorted ??= this.tree.sortedNodes()
    return this.#sorted
  }
}

class WalkedRecord implements WalkedZnode {
  bytes: Uint8Array = new Uint8Array(0)
  pathStart = 0
  pathEnd = 0
  dataLength = 0
  ownerHi = 0
  ownerLo = 0
  childCount = 0
  #tail = 0

  fill(tree: DataTree, index: number): void {
    const bytes = tree.segmentOf(index)
    const start = tree.startOf(index)
    const tail = nodeTailOf(bytes, start)
    this.bytes = bytes
    this.pathStart = start + nodePathOffset
    this.pathEnd = nodePathEnd(bytes, start)
    this.dataLength = int32At(bytes, this.pathEnd)
    this.ownerHi = int32At(bytes, tail + nodeTail.ephemeralOwner)
    this.ownerLo = int32At(bytes, tail + nodeTail.ephemeralOwner + 4)
    this.childCount = tree.childCount(index)
    this.#tail = tail
  }

  stat(): Stat {
    return decodeNodeStat(this.bytes, this.#tail)
  }
}

/** Place in `sorted` of the first znode that is not before `path`. */
export function firstAtOrAfter(tree: DataTree, sorted: Uint32Array, path: Uint8Array): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const bytes = tree.segmentOf(sorted[middle])
    const start = tree.startOf(sorted[middle])
    const order = compareTreeOrderAt(bytes, start + nodePathOffset, nodePathEnd(bytes, start), path, 0, path.length)
    if (order < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The znode of an entry, as an object that stands alone. */
export function znodeOf(tree: DataTree, index: number): ZnodeView {
  const bytes = tree.segmentOf(index)
  const start = tree.startOf(index)
  const dataLength = nodeDataLength(bytes, start)
  const tail = nodeTailOf(bytes, start)
  return {
    path: bytes.slice(start + nodePathOffset, nodePathEnd(bytes, start)),
    data: dataLength < 0 ? null : bytes.slice(nodeDataStart(bytes, start), tail),
    stat: decodeNodeStat(bytes, tail),
    acl: aclOf(tree.aclBytes(int32At(bytes, tail), int32At(bytes, tail + 4))),
    childCount: tree.childCount(index),
  }
}

/** @param vector as jute; undefined for a key without a list. */
export function aclOf(vector: Uint8Array | undefined): AclView {
  return vector === undefined ? 'dangling' : readAcls(new JuteReader(vector))
}
