import { concatBytes } from '../base/bytes.ts'
import { joinLong } from '../jute/long.ts'
import type { Stat } from '../model/stat.ts'
import { compareTreeOrder } from '../model/znode-path.ts'
import { toZxid } from '../model/zxid.ts'
import { isConfigPath } from './config-znode.ts'
import { LeafColumns, type Longs } from './leaf-reader.ts'
import { chunkIdLength, dataPieces, inlineDataBytesMax } from './state-format.ts'
import { contradiction, placed } from './state-reader.ts'
import type { ChunkSource, StateRef } from './state-ref.ts'
import type { ChildEntry } from './tree-nodes.ts'

/** An ACL of a stored state: by value, or the key of an ACL that the state does not define (old servers left such snapshots). */
export type StoredAcl = { readonly kind: 'vector'; readonly bytes: Uint8Array } | { readonly kind: 'dangling'; readonly key: bigint }

/** One znode of a stored state, for people. The arrays are its own. */
export interface StateNode {
  /** Empty for the root. */
  readonly path: Uint8Array
  /** Undefined where it was not asked for and stands in a chunk of its own. */
  readonly data: Uint8Array | null | undefined
  /** -1 for null. */
  readonly dataLength: number
  readonly acl: StoredAcl
  readonly stat: Stat
}

/** `inline`: do not fetch data that stand in chunks of their own. */
export type DataOption = 'all' | 'inline'

/** Leaves asked for at once: few at first, for a reader that stops early. */
const firstBatchLeaves = 8
const batchLeavesMax = 1024
const batchBytesMax = 8 * 1024 * 1024

/** Steps through the znodes of some leaves in order. `step` needs no await within a leaf. */
export class NodeCursor {
  readonly columns = new LeafColumns()
  /** Index of the current znode in `columns`. */
  index = -1
  /** Paths of the current leaf. */
  paths: Uint8Array[] = []

  readonly #source: ChunkSource
  readonly #ref: StateRef
  readonly #leaves: readonly ChildEntry[]
  #nextLeaf = 0
  #batch: Uint8Array[] = []
  #batchStart = 0
  #batchLeaves = firstBatchLeaves

  constructor(source: ChunkSource, ref: StateRef, leaves: readonly ChildEntry[]) {
    this.#source = source
    this.#ref = ref
    this.#leaves = leaves
  }

  get path(): Uint8Array {
    return this.paths[this.index]
  }

  /** Moves to the next znode of this leaf; false at its end, then `nextLeaf` is due. */
  step(): boolean {
    if (this.index + 1 >= this.paths.length) return false
    this.index++
    return true
  }

  /** Moves to the first znode of the next leaf; false at the end. */
  async nextLeaf(): Promise<boolean> {
    if (this.#nextLeaf === this.#leaves.length) return false
    if (this.#nextLeaf === this.#batchStart + this.#batch.length) await this.#readBatch()
    const entry = this.#leaves[this.#nextLeaf]
    const bytes = this.#batch[this.#nextLeaf - this.#batchStart]
    this.#nextLeaf++
    placed(entry.id, () => {
      this.columns.decode(bytes)
      this.paths = readPaths(this.columns)
    })
    const isRight = this.columns.count === entry.znodes && this.columns.dataBytes === entry.dataBytes
    if (!isRight || compareTreeOrder(this.paths[0], entry.first) !== 0) throw contradiction(entry.id)
    this.index = 0
    return true
  }

  /** The current znode. */
  async node(data: DataOption): Promise<StateNode> {
    const { columns, index } = this
    const path = this.path
    const stat = this.#stat()
    const dataLength = columns.dataLengths[index]
    const { kind, start, end } = columns.acls[columns.aclIndexes[index]]
    const aclBytes = columns.bytes.slice(start, end)
    const acl: StoredAcl = kind === 'vector' ? { kind, bytes: aclBytes } : { kind, key: new DataView(aclBytes.buffer).getBigInt64(0) }
    return { path, dataLength, acl, stat, data: dataLength > inlineDataBytesMax && data === 'inline' ? undefined : await this.#data() }
  }

  #isConfig(): boolean {
    return isConfigPath(this.path, 0, this.path.length)
  }

  async #data(): Promise<Uint8Array | null> {
    const { columns, index } = this
    if (this.#isConfig() && this.#ref.configData !== null) return this.#ref.configData.slice()
    const length = columns.dataLengths[index]
    if (length < 0) return null
    const start = columns.dataStarts[index]
    const pieces = dataPieces(length)
    if (pieces === 0) return columns.bytes.slice(start, start + length)
    const ids = Array.from({ length: pieces }, (_, i) => columns.bytes.slice(start + i * chunkIdLength, start + (i + 1) * chunkIdLength))
    const whole = concatBytes(await this.#source.chunks(ids))
    if (whole.length !== length) throw contradiction(ids[0])
    return whole
  }

  #stat(): Stat {
    const { columns, index } = this
    return {
      czxid: toZxid(longOf(columns.czxid, index)),
      mzxid: toZxid(longOf(columns.mzxid, index)),
      ctime: longOf(columns.ctime, index),
      mtime: this.#isConfig() ? (this.#ref.configMtime ?? 0n) : longOf(columns.mtime, index),
      version: columns.version[index],
      cversion: columns.cversion[index],
      aversion: columns.aversion[index],
      ephemeralOwner: longOf(columns.ephemeralOwner, index),
      pzxid: toZxid(longOf(columns.pzxid, index)),
    }
  }

  async #readBatch(): Promise<void> {
    const start = this.#nextLeaf
    let end = start
    for (let bytes = 0; end < this.#leaves.length && end - start < this.#batchLeaves && (end === start || bytes < batchBytesMax); end++) {
      bytes += this.#leaves[end].dataBytes
    }
    this.#batch = await this.#source.chunks(this.#leaves.slice(start, end).map((leaf) => leaf.id))
    this.#batchStart = start
    this.#batchLeaves = Math.min(this.#batchLeaves * 4, batchLeavesMax)
  }
}

/** Whether two znodes of the same path are the same in every field that the state root covers. */
export function sameNode(a: LeafColumns, i: number, b: LeafColumns, j: number): boolean {
  if (a.version[i] !== b.version[j] || a.cversion[i] !== b.cversion[j] || a.aversion[i] !== b.aversion[j]) return false
  if (!sameLong(a.czxid, i, b.czxid, j) || !sameLong(a.mzxid, i, b.mzxid, j) || !sameLong(a.pzxid, i, b.pzxid, j)) return false
  if (!sameLong(a.ctime, i, b.ctime, j) || !sameLong(a.mtime, i, b.mtime, j)) return false
  if (!sameLong(a.ephemeralOwner, i, b.ephemeralOwner, j) || a.dataLengths[i] !== b.dataLengths[j]) return false
  const aAcl = a.acls[a.aclIndexes[i]]
  const bAcl = b.acls[b.aclIndexes[j]]
  if (aAcl.kind !== bAcl.kind || !sameSpan(a.bytes, aAcl.start, aAcl.end, b.bytes, bAcl.start, bAcl.end)) return false
  const length = Math.max(a.dataLengths[i], 0)
  const pieces = dataPieces(length)
  const stored = pieces === 0 ? length : pieces * chunkIdLength
  return sameSpan(a.bytes, a.dataStarts[i], a.dataStarts[i] + stored, b.bytes, b.dataStarts[j], b.dataStarts[j] + stored)
}

function sameLong(a: Longs, i: number, b: Longs, j: number): boolean {
  return a.lo[i] === b.lo[j] && a.hi[i] === b.hi[j]
}

function sameSpan(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false
  for (let i = 0; i < aEnd - aStart; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

function longOf(column: Longs, i: number): bigint {
  return joinLong(column.hi[i], column.lo[i])
}

function readPaths(leaf: LeafColumns): Uint8Array[] {
  const all = new Uint8Array(leaf.pathBytes)
  const paths: Uint8Array[] = []
  let at = 0
  let previous = 0
  for (let i = 0; i < leaf.count; i++) {
    leaf.copyPath(i, all, at, previous)
    paths.push(all.subarray(at, at + leaf.pathLengths[i]))
    previous = at
    at += leaf.pathLengths[i]
  }
  return paths
}
