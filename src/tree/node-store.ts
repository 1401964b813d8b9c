import { invariant } from '../base/errors.ts'
import { nodeTail } from '../model/node-record.ts'
import { digestChange, digestOfRecord, digestedStat } from './node-digest.ts'
import { PathIndex, hashPath } from './path-index.ts'
import { RecordSegments } from './record-segments.ts'

/**
 * Znodes in columns: one entry a znode that says where its record stands and which znode is its parent; everything else stays in the
 * record and is read and changed there.
 *
 * Membership of children follows ZooKeeper, which keeps a map of all paths and a set of names in each node. They can disagree while a
 * fuzzy snapshot settles: when a parent is deleted before its children, these stay in the map, and a new parent of the same path does
 * not have them. Here a znode is a child of P exactly when its parent column names P's entry; the entry of a deleted parent stays
 * reserved (`nodeDead`) until the last orphan that names it is gone, so that an entry is never taken for another.
 */
export class NodeStore {
  readonly records = new RecordSegments()
  readonly index: PathIndex
  readonly #seed: number

  /** Columns. An entry is live, dead (deleted, but named by orphans) or free. */
  segment = new Uint16Array(columnLengthMin)
  offset = new Uint32Array(columnLengthMin)
  /** Entry of the parent; -1 for the root. In free entries: the next free one. */
  parent = new Int32Array(columnLengthMin)
  /** Znodes that name this entry as their parent, dead entries included. */
  childCount = new Uint32Array(columnLengthMin)
  flags = new Uint8Array(columnLengthMin)
  /** Digest of each znode; only while `digestActive`. */
  digests = new Uint32Array(0)

  /** Entries in use or free: every entry is below this. */
  entryCount = 0
  nodeCount = 0
  root = -1
  digestActive = false
  /** Sum of the digests modulo 2^64, both halves unsigned. */
  digestHi = 0
  digestLo = 0
  #freeEntry = -1

  constructor(options: { seed: number; expectedNodes: number }) {
    this.#seed = options.seed
    this.index = new PathIndex(options.expectedNodes)
    if (options.expectedNodes > columnLengthMin) this.#growColumns(options.expectedNodes)
  }

  hash(bytes: Uint8Array, start: number, end: number): number {
    return hashPath(bytes, start, end, this.#seed)
  }

  /** Entry of the path bytes[start..end) with this hash, or -1. The root is the empty path. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const { slots, size } = this.index
    let at = this.index.home(hash)
    // Ends: the table always has empty slots.
    for (;;) {
      const stored = slots[2 * at]
      if (stored === 0) return -1
      if (slots[2 * at + 1] === hash && this.hasPath(stored - 1, bytes, start, end)) return stored - 1
      at = at + 1 === size ? 0 : at + 1
    }
  }

  hasPath(node: number, bytes: Uint8Array, start: number, end: number): boolean {
    const segment = this.segment[node]
    const at = this.offset[node]
    if (this.records.views[segment].getInt32(at) !== end - start) return false
    const own = this.records.segments[segment]
    const shift = at + 4 - start
    for (let i = end - 1; i >= start; i--) if (own[i + shift] !== bytes[i]) return false
    return true
  }

  /** Whether a znode hangs in the child set of its live parent (the root always does). */
  isLinked(node: number): boolean {
    const parent = this.parent[node]
    return parent < 0 ? node === this.root : (this.flags[parent] & nodeLive) !== 0
  }

  viewOf(node: number): DataView {
    return this.records.views[this.segment[node]]
  }

  bytesOf(node: number): Uint8Array {
    return this.records.segments[this.segment[node]]
  }

  /** Offset of the ACL key and stat in the node's segment: the place that `nodeTail` counts from. */
  tailOf(node: number): number {
    const view = this.records.views[this.segment[node]]
    const at = this.offset[node]
    const pathEnd = at + 4 + view.getInt32(at)
    const dataLength = view.getInt32(pathEnd)
    return pathEnd + 4 + (dataLength > 0 ? dataLength : 0)
  }

  /** Adds an entry for a record that stands in a segment. The path is not there yet. @param parent -1 for the root. */
  add(parent: number, segment: number, offset: number, hash: number, flags: number): number {
    let node = this.#freeEntry
    if (node >= 0) {
      this.#freeEntry = this.parent[node]
    } else {
      node = this.entryCount
      if (node === this.parent.length) this.#growColumns(2 * node)
      this.entryCount++
    }
    this.segment[node] = segment
    this.offset[node] = offset
    this.parent[node] = parent
    this.childCount[node] = 0
    this.flags[node] = flags | nodeLive
    if (parent >= 0) this.childCount[parent]++
    else this.root = node
    this.index.insert(node, hash)
    this.nodeCount++
    if (this.digestActive) this.#countDigest(node)
    return node
  }

  /** Removes a znode: from the map, and from its parent's children when it is linked. Its own children become orphans. */
  remove(node: number, hash: number): void {
    const segment = this.segment[node]
    const at = this.offset[node]
    if (this.digestActive) this.#addDigest(-this.digests[node])
    this.index.remove(node, hash)
    this.records.release(segment, at, this.tailOf(node) + nodeTail.length - at)
    this.nodeCount--
    const parent = this.parent[node]
    this.flags[node] = nodeDead
    if (this.childCount[node] === 0) this.#freeNode(node)
    if (parent >= 0 && --this.childCount[parent] === 0 && this.flags[parent] === nodeDead) this.#freeNode(parent)
  }

  #freeNode(node: number): void {
    this.flags[node] = 0
    this.parent[node] = this.#freeEntry
    this.#freeEntry = node
  }

  /** Puts other data into a record; `dataLength` -1 is null. The stat stays as it is, and the digest is not brought up to date. */
  replaceData(node: number, from: Uint8Array, start: number, dataLength: number): void {
    const segment = this.segment[node]
    const at = this.offset[node]
    const view = this.records.views[segment]
    const dataStart = at + 4 + view.getInt32(at) + 4
    const oldData = view.getInt32(dataStart - 4)
    const tail = dataStart + (oldData > 0 ? oldData : 0)
    const newTail = dataStart + (dataLength > 0 ? dataLength : 0)
    const oldLength = tail + nodeTail.length - at
    const newLength = newTail + nodeTail.length - at
    if (this.records.fitsInPlace(segment, oldLength, newLength)) {
      const own = this.records.segments[segment]
      if (newTail !== tail) own.copyWithin(newTail, tail, tail + nodeTail.length)
      view.setInt32(dataStart - 4, dataLength)
      if (dataLength > 0) copyBytes(from, start, start + dataLength, own, dataStart)
      return
    }
    this.records.allocate(newLength)
    const newSegment = this.records.segment
    const newAt = this.records.offset
    const to = this.records.segments[newSegment]
    const shift = newAt - at
    copyBytes(this.records.segments[segment], at, dataStart - 4, to, newAt)
    this.records.views[newSegment].setInt32(dataStart - 4 + shift, dataLength)
    if (dataLength > 0) copyBytes(from, start, start + dataLength, to, dataStart + shift)
    copyBytes(this.records.segments[segment], tail, tail + nodeTail.length, to, newTail + shift)
    this.records.release(segment, at, oldLength)
    this.segment[node] = newSegment
    this.offset[node] = newAt
  }

  /** Writes four bytes of the stat. @param field offset in `nodeTail` @param position the same field in `digestedStat` */
  setStat(node: number, view: DataView, tail: number, field: number, position: number, value: number): void {
    if (this.digestActive && (this.flags[node] & nodeUndigested) === 0) {
      const change = digestChange(view.getInt32(tail + field) ^ value, position)
      if (change !== 0) {
        const before = this.digests[node]
        const after = (before ^ change) >>> 0
        this.digests[node] = after
        this.#addDigest(after - before)
      }
    }
    view.setInt32(tail + field, value)
  }

  setPzxid(node: number, view: DataView, tail: number, hi: number, lo: number): void {
    this.setStat(node, view, tail, nodeTail.pzxid, digestedStat.pzxid, hi)
    this.setStat(node, view, tail, nodeTail.pzxid + 4, digestedStat.pzxid + 4, lo)
  }

  /** Computes a znode's digest again after its data changed. */
  refreshDigest(node: number): void {
    if (!this.digestActive) return
    this.#addDigest(-this.digests[node])
    this.#countDigest(node)
  }

  /** Computes every digest, and keeps them from now on. */
  activateDigest(): void {
    if (this.digestActive) return
    this.digests = new Uint32Array(this.parent.length)
    this.digestHi = 0
    this.digestLo = 0
    this.digestActive = true
    for (let node = 0; node < this.entryCount; node++) if ((this.flags[node] & nodeLive) !== 0) this.#countDigest(node)
  }

  deactivateDigest(): void {
    this.digestActive = false
    this.digests = new Uint32Array(0)
  }

  #countDigest(node: number): void {
    if ((this.flags[node] & nodeUndigested) !== 0) {
      this.digests[node] = 0
      return
    }
    const segment = this.segment[node]
    const digest = digestOfRecord(this.records.segments[segment], this.records.views[segment], this.offset[node])
    this.digests[node] = digest
    this.#addDigest(digest)
  }

  /** @param difference of less than 2^32 either way */
  #addDigest(difference: number): void {
    let lo = this.digestLo + difference
    if (lo >= two32) {
      lo -= two32
      this.digestHi = this.digestHi + 1 === two32 ? 0 : this.digestHi + 1
    } else if (lo < 0) {
      lo += two32
      this.digestHi = this.digestHi === 0 ? two32 - 1 : this.digestHi - 1
    }
    this.digestLo = lo
  }

  /** Columns grow one after the other, so that at most one of them exists twice. */
  #growColumns(length: number): void {
    invariant(length <= entriesMax, 'more znodes than the path index can number')
    this.segment = grown(this.segment, new Uint16Array(length))
    this.offset = grown(this.offset, new Uint32Array(length))
    this.parent = grown(this.parent, new Int32Array(length))
    this.childCount = grown(this.childCount, new Uint32Array(length))
    this.flags = grown(this.flags, new Uint8Array(length))
    if (this.digestActive) this.digests = grown(this.digests, new Uint32Array(length))
  }
}

/** Flags of an entry. */
export const nodeLive = 1
/** Deleted while znodes named it as their parent. */
export const nodeDead = 2
/** Below /zookeeper/: the digest leaves it out. */
export const nodeUndigested = 4

const columnLengthMin = 1024
/** An entry plus one must fit in 31 bits, and so must twice a slot's number. */
const entriesMax = 2 ** 29
const two32 = 2 ** 32

function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** Shorter copies are faster byte by byte than through a subarray. */
const copyByBytesMax = 48

/** Copies from[start..end) to `to` at `at`; not within one array. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start <= copyByBytesMax) {
    for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]
  } else {
    to.set(from.subarray(start, end), at)
  }
}
