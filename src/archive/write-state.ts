import { sha256 } from '../base/checksum.ts'
import { invariant } from '../base/errors.ts'
import { isConfigRecord, neutralConfig, type ConfigRecord } from './config-znode.ts'
import { hashPath } from './path-hash.ts'
import { KnownLeaves, type KnownLeaf, type TouchNotes } from './known-leaves.ts'
import { LeafWriter } from './leaf-writer.ts'
import { levelsMax, nodeCuts, sessionsCutModulus, sessionsMax } from './state-format.ts'
import { stateRootOf, type ChunkSink, type StateRef } from './state-ref.ts'
import {
  compareUnsigned,
  encodeSessionList,
  encodeSessions,
  encodeTreeNode,
  type ChildEntry,
  type SessionChunk,
  type SessionEntry,
} from './tree-nodes.ts'

/** What `writeState` needs of a DataTree. */
export interface StateSource extends Partial<TouchNotes> {
  sortedNodes(): Uint32Array
  segmentOf(index: number): Uint8Array
  startOf(index: number): number
  aclBytes(keyHi: number, keyLo: number): Uint8Array | undefined
  sessions(): Iterable<{ id: bigint; timeoutMs: number }>
}

/** Of each tree that was written, until it is gone. The leaves follow from the tree alone, so that nobody has to hand them around. */
const knownLeaves = new WeakMap<StateSource, KnownLeaves>()

/**
 * Writes a whole state as a Merkle tree of content-defined chunks (docs/formats/archive.md, "State tree"). The shape depends on the set
 * of paths alone, so equal states of different servers have equal roots and a changed value changes one chunk a level.
 * Where the same tree was written before and tells what changed since, only those leaves are made again; the result is the same.
 */
export async function writeState(sink: ChunkSink, tree: StateSource): Promise<StateRef> {
  const nodes = tree.sortedNodes()
  invariant(nodes.length > 0, 'a state has at least the root znode')
  const leafWriter = new LeafWriter(
    (hi, lo) => tree.aclBytes(hi, lo),
    (piece) => sink.putChunk(piece),
  )
  const levels = new LevelBuilder()
  const touches = touchNotesOf(tree)
  const known = touches === undefined ? undefined : knownLeaves.get(tree)
  const usable = touches !== undefined && known?.holdsFor(touches) === true ? { touches, known } : undefined
  const leaves: KnownLeaf[] = []
  const starts: number[] = []
  let config: ConfigRecord | undefined
  let configOfLeaf: ConfigRecord | undefined
  for (let i = 0; i < nodes.length; i++) {
    if (leafWriter.count === 0) {
      const leaf = usable?.known.find(usable.touches, nodes, i)
      if (leaf !== undefined && sink.hasChunk(leaf.entry.id)) {
        starts.push(i)
        leaves.push(leaf)
        levels.add(1, leaf.entry, leaf.hash)
        config ??= leaf.config
        leafWriter.skip()
        i += leaf.entry.znodes - 1
        continue
      }
      starts.push(i)
    }
    const segment = tree.segmentOf(nodes[i])
    const start = tree.startOf(nodes[i])
    let isFull: boolean
    if (isConfigRecord(segment, start)) {
      config = neutralConfig(segment, start)
      configOfLeaf = config
      isFull = leafWriter.add(config.record, 0)
    } else isFull = leafWriter.add(segment, start)
    if (!isFull && i + 1 < nodes.length) continue
    const place = { first: leafWriter.firstPath(), znodes: leafWriter.count, dataBytes: leafWriter.dataBytes }
    const hash = leafWriter.lastHash
    const entry = { ...place, id: sink.putChunk(leafWriter.encode()) }
    levels.add(1, entry, hash)
    leaves.push({ entry, hash, end: isFull ? 'cut' : 'last', config: configOfLeaf })
    configOfLeaf = undefined
    if (sink.full) await sink.flush()
  }
  const root = await levels.finish(sink)
  const { sessionsRoot, sessions } = writeSessions(sink, tree)
  await sink.flush()
  const { aclKeyFloor } = leafWriter
  // A dangling ACL key shows only in the leaf that is written.
  if (touches !== undefined && aclKeyFloor === 0n) knownLeaves.set(tree, new KnownLeaves(touches.noteTouches(), nodes, starts, leaves))
  return {
    treeRoot: root.id,
    sessionsRoot,
    stateRoot: stateRootOf(root.id, sessionsRoot),
    znodes: root.znodes,
    sessions,
    dataBytes: root.dataBytes,
    leaves: leaves.length,
    configMtime: config?.mtime ?? null,
    configData: config?.data ?? null,
    aclKeyFloor,
  }
}

function touchNotesOf(tree: StateSource): TouchNotes | undefined {
  return tree.noteTouches === undefined ? undefined : (tree as StateSource & TouchNotes)
}

interface OpenNode {
  children: ChildEntry[]
  lastPathHash: number
}

/** Inner nodes, level by level. A node is closed when its next sibling comes, so that the root is the first entry that stands alone. */
class LevelBuilder {
  /** The open node of each level; index 0 is level 1. */
  readonly #open: OpenNode[] = []
  /** Closed nodes by level. They go to the sink after all leaves, so that they lie together: readers want nodes first, and few leaves. */
  readonly #closed: Uint8Array[][] = []

  add(level: number, entry: ChildEntry, lastPathHash: number): void {
    invariant(level <= levelsMax, 'the state tree grows too deep')
    if (this.#open.length < level) this.#open.push({ children: [], lastPathHash: 0 })
    const node = this.#open[level - 1]
    if (nodeCuts(level, node.children.length, node.lastPathHash)) this.#close(level)
    node.children.push(entry)
    node.lastPathHash = lastPathHash
  }

  /** Stores the nodes, the lowest level first; the root is what is left. */
  async finish(sink: ChunkSink): Promise<ChildEntry> {
    const root = this.#finishLevels()
    for (const nodes of this.#closed) {
      for (const bytes of nodes) {
        sink.putChunk(bytes, 'scattered')
        if (sink.full) await sink.flush()
      }
    }
    return root
  }

  #finishLevels(): ChildEntry {
    for (let level = 1; ; level++) {
      const { children } = this.#open[level - 1]
      if (level === this.#open.length && children.length === 1) return children[0]
      this.#close(level)
    }
  }

  #close(level: number): void {
    const node = this.#open[level - 1]
    const { children } = node
    node.children = []
    const bytes = encodeTreeNode({ level, children })
    const id = sha256(bytes)
    if (this.#closed.length < level) this.#closed.push([])
    this.#closed[level - 1].push(bytes)
    let znodes = 0
    let dataBytes = 0
    for (const child of children) {
      znodes += child.znodes
      dataBytes += child.dataBytes
    }
    this.add(level + 1, { first: children[0].first, id, znodes, dataBytes }, node.lastPathHash)
  }
}

function writeSessions(sink: ChunkSink, tree: StateSource): { sessionsRoot: Uint8Array; sessions: number } {
  const all: SessionEntry[] = []
  for (const { id, timeoutMs } of tree.sessions()) {
    all.push({ idHi: Number(BigInt.asIntN(32, id >> 32n)), idLo: Number(BigInt.asIntN(32, id)), timeoutMs })
  }
  all.sort((a, b) => compareUnsigned(a.idHi, a.idLo, b.idHi, b.idLo))
  const chunks: SessionChunk[] = []
  let start = 0
  for (const [i, session] of all.entries()) {
    const isEnd = i + 1 === all.length || i + 1 - start === sessionsMax || hashSession(session) % sessionsCutModulus === 0
    if (!isEnd) continue
    const entries = all.slice(start, i + 1)
    chunks.push({ id: sink.putChunk(encodeSessions(entries)), sessions: entries.length })
    start = i + 1
  }
  return { sessionsRoot: sink.putChunk(encodeSessionList(chunks)), sessions: all.length }
}

/** Path hash of the 8 big-endian bytes of the id. */
function hashSession({ idHi, idLo }: SessionEntry): number {
  const bytes = new Uint8Array(8)
  for (let i = 0; i < 4; i++) {
    bytes[i] = idHi >>> (24 - 8 * i)
    bytes[4 + i] = idLo >>> (24 - 8 * i)
  }
  return hashPath(bytes)
}
