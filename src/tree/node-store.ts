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

  /**
   * Four numbers an entry, side by side since they are needed together: offset of the record in its segment, entry of the parent (-1 for the
   * root; in free entries the next free one), number of znodes that name this entry as their parent, and segment with flags.
   */
  #cells = new Int32Array(cellLength * entriesMin)
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
    if (options.expectedNodes > entriesMin) this.#grow(options.expectedNodes)
  }

  /** Makes room for so many entries in all; more are welcome. */
  reserve(entries: number): void {
    this.index.reserve(entries)
    if (cellLength * entries > this.#cells.length) this.#grow(entries)
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
    const segment = this.segmentOf(node)
    const at = this.offsetOf(node)
    if (this.records.views[segment].getInt32(at) !== end - start) return false
    const own = this.records.segments[segment]
    const shift = at + 4 - start
    for (let i = start; i < end; i++) if (own[i + shift] !== bytes[i]) return false
    return true
  }

  /** Offset of the record in its segment. */
  offsetOf(node: number): number {
    return this.#cells[cellLength * node] >>> 0
  }

  /** Entry of the parent, live or dead; -1 for the root. */
  parentOf(node: number): number {
    return this.#cells[cellLength * node + 1]
  }

  /** Znodes that name this entry as their parent; for a dead entry its orphans. */
  childCountOf(node: number): number {
    return this.#cells[cellLength * node + 2]
  }

  isLive(node: number): boolean {
    return (this.#cells[cellLength * node + 3] & nodeLive) !== 0
  }

  isDigested(node: number): boolean {
    return (this.#cells[cellLength * node + 3] & nodeUndigested) === 0
  }

  segmentOf(node: number): number {
    return this.#cells[cellLength * node + 3] & segmentMask
  }

  viewOf(node: number): DataView {
    return this.records.views[this.segmentOf(node)]
  }

  bytesOf(node: number): Uint8Array {
    return this.records.segments[this.segmentOf(node)]
  }

  /** Offset of the ACL key and stat in the node's segment: the place that `nodeTail` counts from. */
  tailOf(node: number): number {
    const view = this.records.views[this.segmentOf(node)]
    const at = this.offsetOf(node)
    const pathEnd = at + 4 + view.getInt32(at)
    const dataLength = view.getInt32(pathEnd)
    return pathEnd + 4 + (dataLength > 0 ? dataLength : 0)
  }

  /** Adds an entry for a record that stands in a segment. The path is not there yet. @param parent -1 for the root. @param flags 0 or `nodeUndigested` */
  add(parent: number, segment: number, offset: number, hash: number, flags: number): number {
    let node = this.#freeEntry
    if (node >= 0) {
      this.#freeEntry = this.parentOf(node)
    } else {
      node = this.entryCount
      if (cellLength * node === this.#cells.length) this.#grow(Math.ceil(entryGrowth * node))
      this.entryCount++
    }
    const cells = this.#cells
    const cell = cellLength * node
    cells[cell] = offset
    cells[cell + 1] = parent
    cells[cell + 2] = 0
    cells[cell + 3] = segment | flags | nodeLive | nodeTouched
    if (parent >= 0) cells[cellLength * parent + 2]++
    else this.root = node
    this.index.insert(node, hash)
    this.nodeCount++
    if (this.digestActive) this.#countDigest(node)
    return node
  }

  /** Removes a znode: from the map, and from its parent's children when it is linked. Its own children become orphans. */
  remove(node: number, hash: number): void {
    const cells = this.#cells
    const cell = cellLength * node
    const at = this.offsetOf(node)
    if (this.digestActive) this.#addDigest(-this.digests[node])
    this.index.remove(node, hash)
    this.records.release(this.segmentOf(node), at, this.tailOf(node) + nodeTail.length - at)
    this.nodeCount--
    const parent = cells[cell + 1]
    cells[cell + 3] = nodeDead
    if (cells[cell + 2] === 0) this.#freeNode(node)
    if (parent < 0) return
    const above = cellLength * parent
    if (--cells[above + 2] === 0 && cells[above + 3] === nodeDead) this.#freeNode(parent)
  }

  #freeNode(node: number): void {
    this.#cells[cellLength * node + 3] = 0
    this.#cells[cellLength * node + 1] = this.#freeEntry
    this.#freeEntry = node
  }

  /** Notes that the record of a znode changes. `replaceData` and `setStat` do it by themselves, and a new entry counts as touched. */
  touch(node: number): void {
    this.#cells[cellLength * node + 3] |= nodeTouched
  }

  isTouched(node: number): boolean {
    return (this.#cells[cellLength * node + 3] & nodeTouched) !== 0
  }

  /** From now on only what changes after this counts as touched. */
  forgetTouches(): void {
    const end = cellLength * this.entryCount
    for (let at = 3; at < end; at += cellLength) this.#cells[at] &= ~nodeTouched
  }

  /** Puts other data into a record; `dataLength` -1 is null. The stat stays as it is, and the digest is not brought up to date. */
  replaceData(node: number, from: Uint8Array, fromView: DataView, start: number, dataLength: number): void {
    const { records } = this
    this.touch(node)
    const segment = this.segmentOf(node)
    const at = this.offsetOf(node)
    const bytes = records.segments[segment]
    const view = records.views[segment]
    const dataStart = at + 8 + view.getInt32(at)
    const oldData = view.getInt32(dataStart - 4)
    const tail = dataStart + (oldData > 0 ? oldData : 0)
    const newTail = dataStart + (dataLength > 0 ? dataLength : 0)
    const oldLength = tail + nodeTail.length - at
    const newLength = newTail + nodeTail.length - at
    if (records.fitsInPlace(segment, oldLength, newLength)) {
      if (newTail !== tail) bytes.copyWithin(newTail, tail, tail + nodeTail.length)
      view.setInt32(dataStart - 4, dataLength)
      if (dataLength > 0) copyBytes(from, fromView, start, dataLength, bytes, view, dataStart)
      return
    }
    records.allocate(newLength)
    const { segment: newSegment, offset: newAt } = records
    const to = records.segments[newSegment]
    const toView = records.views[newSegment]
    const shift = newAt - at
    copyBytes(bytes, view, at, dataStart - 4 - at, to, toView, newAt)
    toView.setInt32(dataStart - 4 + shift, dataLength)
    if (dataLength > 0) copyBytes(from, fromView, start, dataLength, to, toView, dataStart + shift)
    copyBytes(bytes, view, tail, nodeTail.length, to, toView, newTail + shift)
    records.release(segment, at, oldLength)
    const cell = cellLength * node
    this.#cells[cell] = newAt
    this.#cells[cell + 3] = (this.#cells[cell + 3] & ~segmentMask) | newSegment
  }

  /** Writes four bytes of the stat. @param field offset in `nodeTail` @param position the same field in `digestedStat` */
  setStat(node: number, view: DataView, tail: number, field: number, position: number, value: number): void {
    this.touch(node)
    if (this.digestActive && this.isDigested(node)) {
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
    this.digests = new Uint32Array(this.#cells.length / cellLength)
    this.digestHi = 0
    this.digestLo = 0
    this.digestActive = true
    for (let node = 0; node < this.entryCount; node++) if (this.isLive(node)) this.#countDigest(node)
  }

  deactivateDigest(): void {
    this.digestActive = false
    this.digests = new Uint32Array(0)
  }

  #countDigest(node: number): void {
    if (!this.isDigested(node)) {
      this.digests[node] = 0
      return
    }
    const segment = this.segmentOf(node)
    const digest = digestOfRecord(this.records.segments[segment], this.records.views[segment], this.offsetOf(node))
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

  /** Bytes of the typed arrays. */
  get indexBytes(): number {
    return this.#cells.byteLength + this.digests.byteLength + this.index.slots.byteLength
  }

  #grow(entries: number): void {
    invariant(entries <= entriesMax, 'more znodes than the path index can number')
    const cells = new Int32Array(cellLength * entries)
    cells.set(this.#cells)
    this.#cells = cells
    if (!this.digestActive) return
    const digests = new Uint32Array(entries)
    digests.set(this.digests)
    this.digests = digests
  }
}

const cellLength = 4
const segmentMask = 0xffff
/** Flags stand above the segment number. */
const nodeLive = 1 << 16
/** Deleted while znodes named it as their parent. */
const nodeDead = 1 << 17
/** Below /zookeeper/: the digest leaves it out. */
export const nodeUndigested = 1 << 18
/** Its record was changed since the last `forgetTouches`. */
const nodeTouched = 1 << 19

const entriesMin = 1024
/** Less than double: at ten million znodes the difference is 100 MB. */
const entryGrowth = 1.5
/** Twice a slot's number of the path index must fit in 31 bits. */
const entriesMax = 2 ** 29
const two32 = 2 ** 32

/** Shorter copies are faster word by word than through a subarray, which also makes garbage. */
const copyByWordsMax = 512

/** Copies length bytes of `from` at `start` to `to` at `at`; the views are of the same spans. Not within one array. */
export function copyBytes(
  from: Uint8Array,
  fromView: DataView,
  start: number,
  length: number,
  to: Uint8Array,
  toView: DataView,
  at: number,
): void {
  if (length > copyByWordsMax) {
    to.set(from.subarray(start, start + length), at)
    return
  }
  const words = length & ~3
  for (let i = 0; i < words; i += 4) toView.setInt32(at + i, fromView.getInt32(start + i, true), true)
  for (let i = words; i < length; i++) to[at + i] = from[start + i]
}
