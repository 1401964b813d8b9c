import { equalBytes } from '../base/bytes.ts'
import { ZooArkError } from '../base/errors.ts'
import { highOf, lowOf, putLong } from '../jute/long.ts'
import { nodePathOffset, nodeTail } from '../model/node-record.ts'
import { compareTreeOrder } from '../model/znode-path.ts'
import type { Zxid } from '../model/zxid.ts'
import { isConfigPath, sortedLines } from './config-znode.ts'
import { LeafColumns, type Longs } from './leaf-reader.ts'
import { chunkIdLength, dataPieceBytesMax, dataPieces, openAclVector } from './state-format.ts'
import { readSessions } from './read-sessions.ts'
import { contradiction, placed, readLeafEntries } from './state-reader.ts'
import { checkStateRef, type ChunkSource, type StateRef } from './state-ref.ts'
import type { ChildEntry } from './tree-nodes.ts'

/** What `loadState` needs of an empty DataTree. */
export interface StateTarget {
  addSession(idHi: number, idLo: number, timeoutMs: number): void
  addAcl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void
  adoptRecords(window: Uint8Array, starts: Uint32Array, count: number): void
  finishLoad(zxid: Zxid): void
}

/** Size of the windows that records are handed over in; a leaf that is longer gets a window of its own. */
const windowBytes = 16 * 1024 * 1024
/** Leaves and bytes asked for at once: bounds the memory beside the tree. */
const batchLeavesMax = 2048
const batchBytesMax = 16 * 1024 * 1024
/** Bytes of a leaf per znode beside the data, for sizing a batch. */
const leafBytesPerZnode = 64
const recordBytesMin = nodePathOffset + 4 + nodeTail.length

/**
 * Loads a whole state into an empty tree, in tree order. Every chunk is proved by its id and the ids by the state root, so that what is
 * loaded is what was written. @throws REPOSITORY_DAMAGED, OBJECT_NOT_FOUND
 */
export async function loadState<T extends StateTarget>(source: ChunkSource, ref: StateRef, tree: T, zxid: Zxid): Promise<T> {
  checkStateRef(ref)
  const leaves = await readLeafEntries(source, ref, () => true)
  const loader = new RecordLoader(source, ref, tree)
  let next = readBatch(source, leaves, 0)
  for (let at = 0; at < leaves.length; ) {
    const { end, chunks } = await next
    // Errors of the read ahead surface when it is awaited; without this it would count as unhandled in between.
    next = readBatch(source, leaves, end)
    next.catch(() => undefined)
    for (let i = at; i < end; i++) loader.addLeaf(leaves[i], chunks[i - at])
    await loader.endBatch()
    at = end
  }
  loader.finish()
  for (const { idHi, idLo, timeoutMs } of await readSessions(source, ref)) tree.addSession(idHi, idLo, timeoutMs)
  tree.finishLoad(zxid)
  return tree
}

async function readBatch(
  source: ChunkSource,
  leaves: readonly ChildEntry[],
  start: number,
): Promise<{ end: number; chunks: Uint8Array[] }> {
  let end = start
  for (let bytes = 0; end < leaves.length && end - start < batchLeavesMax && (end === start || bytes < batchBytesMax); end++) {
    bytes += leaves[end].dataBytes + leaves[end].znodes * leafBytesPerZnode
  }
  return { end, chunks: await source.chunks(leaves.slice(start, end).map((leaf) => leaf.id)) }
}

interface PendingData {
  readonly window: Uint8Array
  readonly at: number
  readonly id: Uint8Array
  readonly length: number
}

interface PlacedConfig {
  readonly window: Uint8Array
  readonly tail: number
  readonly dataLength: number
}

interface FullWindow {
  readonly window: Uint8Array
  readonly starts: Uint32Array
  readonly count: number
}

/** Turns leaves back into node records. Makes no object per znode, except where data stand out of line. */
class RecordLoader {
  readonly #source: ChunkSource
  readonly #ref: StateRef
  readonly #tree: StateTarget
  readonly #leaf = new LeafColumns()
  #window = new Uint8Array(0)
  #view = new DataView(this.#window.buffer)
  #starts = new Uint32Array(1)
  #count = 0
  #position = 0
  #znodes = 0
  /** Windows that wait for data out of line. */
  #full: FullWindow[] = []
  #pending: PendingData[] = []
  #config: PlacedConfig | undefined
  /** Key of each ACL vector, by its bytes as latin1 text. */
  readonly #keys = new Map<string, bigint>([[latin1(openAclVector, 0, openAclVector.length), -1n]])
  #lastKey: bigint
  readonly #leafKeysHi: number[] = []
  readonly #leafKeysLo: number[] = []
  #lastPath: Uint8Array | undefined

  constructor(source: ChunkSource, ref: StateRef, tree: StateTarget) {
    this.#source = source
    this.#ref = ref
    this.#tree = tree
    this.#lastKey = ref.aclKeyFloor
  }

  addLeaf(entry: ChildEntry, bytes: Uint8Array): void {
    const leaf = this.#leaf
    placed(entry.id, () => {
      leaf.decode(bytes)
    })
    if (leaf.count !== entry.znodes || leaf.dataBytes !== entry.dataBytes) throw contradiction(entry.id)
    this.#makeRoom(leaf.pathBytes + leaf.dataBytes + leaf.count * recordBytesMin, leaf.count)
    this.#readAcls(entry)
    const first = this.#position + nodePathOffset
    placed(entry.id, () => {
      this.#writeRecords(leaf)
    })
    this.#checkOrder(entry, this.#window.subarray(first, first + leaf.pathLengths[0]))
    this.#znodes += leaf.count
  }

  /** Fetches data that stand out of line, then hands the full windows to the tree. */
  async endBatch(): Promise<void> {
    if (this.#pending.length > 0) await this.#fetchPending()
    if (this.#config !== undefined) this.#patchConfig(this.#config)
    this.#config = undefined
    for (const { window, starts, count } of this.#full) this.#tree.adoptRecords(window, starts, count)
    this.#full = []
  }

  finish(): void {
    if (this.#znodes !== this.#ref.znodes) throw contradiction(this.#ref.treeRoot)
    if (this.#count > 0) this.#tree.adoptRecords(this.#window, this.#starts, this.#count)
  }

  async #fetchPending(): Promise<void> {
    const pending = this.#pending
    for (let at = 0; at < pending.length; ) {
      let end = at
      for (let bytes = 0; end < pending.length && (end === at || bytes < batchBytesMax); end++) bytes += pending[end].length
      const batch = pending.slice(at, end)
      const pieces = await this.#source.chunks(batch.map((piece) => piece.id))
      for (const [i, bytes] of pieces.entries()) {
        if (bytes.length !== batch[i].length) throw contradiction(batch[i].id)
        batch[i].window.set(bytes, batch[i].at)
      }
      at = end
    }
    this.#pending = []
  }

  #makeRoom(bytes: number, count: number): void {
    if (this.#position + bytes <= this.#window.length && this.#count + count < this.#starts.length) return
    if (this.#count > 0) this.#full.push({ window: this.#window, starts: this.#starts, count: this.#count })
    this.#window = new Uint8Array(Math.max(bytes, windowBytes))
    this.#view = new DataView(this.#window.buffer)
    this.#starts = new Uint32Array(Math.ceil(this.#window.length / recordBytesMin) + 1)
    this.#count = 0
    this.#position = 0
  }

  /** The first path of a leaf is the one its parent names and comes after the last of the leaf before. */
  #checkOrder(entry: ChildEntry, first: Uint8Array): void {
    const last = this.#lastPath
    if (compareTreeOrder(first, entry.first) !== 0) throw contradiction(entry.id)
    if (last !== undefined && compareTreeOrder(last, first) >= 0) throw contradiction(entry.id)
    const lastStart = this.#starts[this.#count - 1] + nodePathOffset
    this.#lastPath = this.#window.subarray(lastStart, lastStart + this.#leaf.pathLengths[this.#leaf.count - 1])
  }

  #readAcls(entry: ChildEntry): void {
    const { acls, bytes } = this.#leaf
    for (const [i, acl] of acls.entries()) {
      const key = acl.kind === 'vector' ? this.#keyOf(bytes, acl.start, acl.end) : readKey(bytes, acl.start)
      if (acl.kind === 'dangling' && key > this.#ref.aclKeyFloor) throw contradiction(entry.id)
      this.#leafKeysHi[i] = highOf(key)
      this.#leafKeysLo[i] = lowOf(key)
    }
  }

  #keyOf(bytes: Uint8Array, start: number, end: number): bigint {
    const text = latin1(bytes, start, end)
    const known = this.#keys.get(text)
    if (known !== undefined) return known
    const key = this.#lastKey + 1n
    if (BigInt.asIntN(64, key) !== key) throw new ZooArkError('LIMIT_EXCEEDED', 'there is no ACL key left above the dangling ones')
    this.#lastKey = key
    this.#keys.set(text, key)
    this.#tree.addAcl(highOf(key), lowOf(key), bytes, start, end)
    return key
  }

  #writeRecords(leaf: LeafColumns): void {
    const window = this.#window
    const view = this.#view
    const starts = this.#starts
    let at = this.#position
    let previousPath = at
    for (let i = 0; i < leaf.count; i++) {
      starts[this.#count++] = at
      const pathLength = leaf.pathLengths[i]
      view.setInt32(at, pathLength)
      at += nodePathOffset
      leaf.copyPath(i, window, at, previousPath)
      previousPath = at
      at += pathLength
      view.setInt32(at, leaf.dataLengths[i])
      at = this.#writeData(i, at + 4)
      this.#writeTail(i, at)
      if (isConfigPath(window, previousPath, previousPath + pathLength)) {
        this.#config = { window, tail: at, dataLength: leaf.dataLengths[i] }
      }
      at += nodeTail.length
    }
    starts[this.#count] = at
    this.#position = at
  }

  /** Returns where the data end. */
  #writeData(i: number, at: number): number {
    const { bytes, dataLengths, dataStarts } = this.#leaf
    const length = dataLengths[i]
    if (length <= 0) return at
    const start = dataStarts[i]
    const pieces = dataPieces(length)
    if (pieces === 0) {
      const window = this.#window
      if (length > 32) window.set(bytes.subarray(start, start + length), at)
      else for (let k = 0; k < length; k++) window[at + k] = bytes[start + k]
    }
    for (let piece = 0; piece < pieces; piece++) {
      const from = piece * dataPieceBytesMax
      const idStart = start + piece * chunkIdLength
      const pieceLength = Math.min(dataPieceBytesMax, length - from)
      this.#pending.push({ window: this.#window, at: at + from, id: bytes.slice(idStart, idStart + chunkIdLength), length: pieceLength })
    }
    return at + length
  }

  #writeTail(i: number, tail: number): void {
    const view = this.#view
    const leaf = this.#leaf
    const acl = leaf.aclIndexes[i]
    view.setInt32(tail, this.#leafKeysHi[acl])
    view.setInt32(tail + 4, this.#leafKeysLo[acl])
    putColumn(view, tail + nodeTail.czxid, leaf.czxid, i)
    putColumn(view, tail + nodeTail.mzxid, leaf.mzxid, i)
    putColumn(view, tail + nodeTail.ctime, leaf.ctime, i)
    putColumn(view, tail + nodeTail.mtime, leaf.mtime, i)
    view.setInt32(tail + nodeTail.version, leaf.version[i])
    view.setInt32(tail + nodeTail.cversion, leaf.cversion[i])
    view.setInt32(tail + nodeTail.aversion, leaf.aversion[i])
    putColumn(view, tail + nodeTail.ephemeralOwner, leaf.ephemeralOwner, i)
    putColumn(view, tail + nodeTail.pzxid, leaf.pzxid, i)
  }

  /** Gives the config znode what its server had; after the data out of line, which stand in the way of nothing then. */
  #patchConfig({ window, tail, dataLength }: PlacedConfig): void {
    const { configMtime, configData, treeRoot } = this.#ref
    putLong(window, tail + nodeTail.mtime, configMtime ?? 0n)
    if (configData === null) return
    const data = window.subarray(tail - Math.max(dataLength, 0), tail)
    if (!equalBytes(sortedLines(configData), data)) throw contradiction(treeRoot)
    data.set(configData)
  }
}

function putColumn(view: DataView, at: number, column: Longs, i: number): void {
  view.setInt32(at, column.hi[i])
  view.setInt32(at + 4, column.lo[i])
}

function readKey(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigInt64(at)
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end)
}
