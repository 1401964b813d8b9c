import { ZooArkError } from '../base/errors.ts'
import { highOf, joinLong, lowOf } from '../jute/long.ts'
import type { OwnerRules } from '../model/ephemeral-owner.ts'
import { decodeNodeRecord, type NodeRecord, nodeTail } from '../model/node-record.ts'
import { type Zxid, formatZxid, toZxid } from '../model/zxid.ts'
import { formatPath } from '../model/znode-path.ts'
import { AclTable } from './acl-table.ts'
import { nodeUndigested, NodeStore } from './node-store.ts'
import { pathHashOf } from './path-index.ts'
import { QuotaTracker } from './quota.ts'
import { SessionTable } from './session-table.ts'
import { sortNodes } from './sorted-nodes.ts'
import { addSystemNodes } from './system-nodes.ts'
import type { TxnOutcome } from './txn-outcome.ts'
import { TxnReplay, isBelowZookeeper, isSessionOwner } from './txn-replay.ts'

export interface DataTreeOptions {
  /** How many znodes to make room for; more are welcome. */
  readonly expectedNodes?: number
  /** Of the path hash. A fixed default, since it changes nothing but the time; hand in a random number where paths may be hostile. */
  readonly hashSeed?: number
  /** How the server told TTL znodes from ephemerals; the bytes do not say. Default: `extended`. */
  readonly ownerRules?: OwnerRules
  /** `every`: the digest is kept and compared at every txn that carries one. `none`: it is computed when asked for. Default: `every`. */
  readonly digestChecks?: 'every' | 'none'
}

export interface FinishLoadOptions {
  /**
   * `recount` for a snapshot of a server: a server counts quotas anew when it loads one. `keep` for a state that is exact.
   * Default: `keep`.
   */
  readonly quotaStats?: 'keep' | 'recount'
  /**
   * A later zxid at which the snapshot may still have been written, where the caller knows one; else the largest zxid in it counts. Up to
   * there a contradiction is `settling`: deletions leave no trace in a snapshot.
   */
  readonly fuzzyThrough?: Zxid
}

/**
 * The state of a ZooKeeper server (`DataTree`, and the sessions of `ZKDatabase`): raw node records plus typed arrays, about 32 bytes a
 * znode beside its record. Bulk calls make no object, string or bigint per znode or txn. No clock, no I/O.
 *
 * Load (sessions, ACLs and records in any order that puts parents before children), `finishLoad`, then apply txns.
 */
export class DataTree {
  readonly #nodes: NodeStore
  readonly #acls = new AclTable()
  readonly #sessions = new SessionTable()
  readonly #quotas: QuotaTracker
  readonly #replay: TxnReplay
  readonly #ownerRules: OwnerRules
  #maxZxidHi = 0
  #maxZxidLo = 0
  #isLoaded = false
  #touchNotes = 0

  constructor(options: DataTreeOptions = {}) {
    this.#ownerRules = options.ownerRules ?? 'extended'
    this.#nodes = new NodeStore({ seed: options.hashSeed ?? defaultHashSeed, expectedNodes: options.expectedNodes ?? 0 })
    this.#quotas = new QuotaTracker(this.#nodes)
    this.#replay = new TxnReplay({
      nodes: this.#nodes,
      acls: this.#acls,
      sessions: this.#sessions,
      quotas: this.#quotas,
      ownerRules: this.#ownerRules,
    })
    this.#replay.digestChecks = options.digestChecks ?? 'every'
  }

  // Load.

  /** Makes room for so many znodes at once, which is cheaper than little by little; more are welcome. */
  expectNodes(count: number): void {
    this.#nodes.reserve(count)
  }

  addSession(idHi: number, idLo: number, timeoutMs: number): void {
    this.#sessions.add(idHi, idLo, timeoutMs)
  }

  /** Copies the jute vector bytes[start..end). */
  addAcl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.#acls.add(keyHi, keyLo, bytes, start, end)
  }

  /** The key of an ACL list, a new one if need be; -1 for the null vector. For loaders whose ACLs come by value. */
  internAcl(bytes: Uint8Array, start: number, end: number): { readonly keyHi: number; readonly keyLo: number } {
    this.#acls.intern(bytes, start, end)
    return this.#acls
  }

  /**
   * Takes over node records: record i is window[starts[i] .. starts[i + 1]), bounds-checked by the reader. Keeps the window, and writes in it.
   * @throws SNAPSHOT_DAMAGED when the parent of a znode has not come before it, or a path comes twice
   */
  adoptRecords(window: Uint8Array, starts: Uint32Array, count: number): void {
    if (count === 0) return
    // While a record is in the cache its digest costs least. The first txn that carries one, or the snapshot itself, asks for all of them.
    if (this.#nodes.nodeCount === 0 && this.digestChecks === 'every') this.#nodes.activateDigest()
    const segment = this.#nodes.records.adopt(window)
    const view = this.#nodes.records.views[segment]
    let last = -1
    for (let i = 0; i < count; i++) last = this.#adoptRecord(segment, window, view, starts[i], last)
  }

  /**
   * Ends the load; the tree is at this zxid (of a fuzzy snapshot: that of its name).
   * @throws SNAPSHOT_DAMAGED when there is no root
   */
  finishLoad(zxid: Zxid, options: FinishLoadOptions = {}): void {
    if (this.#nodes.root < 0) throw new ZooArkError('SNAPSHOT_DAMAGED', 'there is no root znode', { place: { zxid: formatZxid(zxid) } })
    this.#isLoaded = true
    const replay = this.#replay
    replay.lastZxidHi = highOf(zxid)
    replay.lastZxidLo = lowOf(zxid)
    const through = [zxid, this.maxZxidLoaded, options.fuzzyThrough ?? zxid].reduce((a, b) => (a > b ? a : b))
    replay.fuzzyThroughHi = highOf(through)
    replay.fuzzyThroughLo = lowOf(through)
    this.#quotas.load(options.quotaStats ?? 'keep')
  }

  /** Starts from the empty database of a new server, at zxid 0, instead of a load. @param version `3.4` has no /zookeeper/config */
  startEmpty(version: '3.4' | '3.5'): void {
    addSystemNodes(this.#nodes, this.#acls, version)
    this.finishLoad(toZxid(0n))
  }

  // Replay.

  /**
   * Applies the transaction in window[start..end): header, record and perhaps a digest. Keeps nothing of the window.
   * @throws RECORD_DAMAGED with the offset from `start`; then nothing was applied
   */
  applyTxn(window: Uint8Array, start: number, end: number): TxnOutcome {
    return this.#replay.apply(window, start, end)
  }

  /** Ends a session and deletes its ephemerals as a closeSession at this zxid would; `lastZxid` rises to it. */
  endSession(id: bigint, zxid: Zxid): void {
    this.#replay.endSession(highOf(id), lowOf(id), highOf(zxid), lowOf(zxid))
    this.raiseLastZxid(zxid)
  }

  raiseLastZxid(zxid: Zxid): void {
    if (zxid <= this.lastZxid) return
    this.#replay.lastZxidHi = highOf(zxid)
    this.#replay.lastZxidLo = lowOf(zxid)
  }

  get digestChecks(): 'every' | 'none' {
    return this.#replay.digestChecks
  }

  /** May change between two txns; going back to `every` computes all digests once more. */
  set digestChecks(checks: 'every' | 'none') {
    this.#replay.digestChecks = checks
  }

  // State.

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  get nodeCount(): number {
    return this.#nodes.nodeCount
  }

  get sessionCount(): number {
    return this.#sessions.count
  }

  /** The largest zxid applied, or that of the load. */
  get lastZxid(): Zxid {
    return toZxid(joinLong(this.#replay.lastZxidHi, this.#replay.lastZxidLo))
  }

  /** Largest czxid, mzxid or pzxid among the loaded records: no txn after it can be in them, but deletions may have left no trace. */
  get maxZxidLoaded(): Zxid {
    return toZxid(joinLong(this.#maxZxidHi, this.#maxZxidLo))
  }

  /** Largest zxid whose outcome was `settling`; 0 when none was. */
  get largestSettlingZxid(): Zxid {
    return toZxid(joinLong(this.#replay.settlingHi, this.#replay.settlingLo))
  }

  /** Largest zxid whose outcome was `unexpected`; 0 when none was. */
  get largestUnexpectedZxid(): Zxid {
    return toZxid(joinLong(this.#replay.unexpectedHi, this.#replay.unexpectedLo))
  }

  /** ZooKeeper's tree digest (AdHash version 2), unsigned. The first call looks at every byte of the state. */
  digest(): bigint {
    this.#nodes.activateDigest()
    return (BigInt(this.#nodes.digestHi) << 32n) | BigInt(this.#nodes.digestLo)
  }

  /** Node index of a path, or -1. The root is the empty path or `/`. */
  find(path: Uint8Array): number {
    const end = path.length === 1 && path[0] === slash ? 0 : path.length
    return this.#nodes.find(path, 0, end, this.#nodes.hash(path, 0, end))
  }

  /** Indices of all znodes in tree order; a fresh array. */
  sortedNodes(): Uint32Array {
    return sortNodes(this.#nodes)
  }

  /**
   * Begins to note which znodes change. Every call ends the notes before it, whose owner sees by `touchNotes` that they are not its own any more.
   * @returns the number of these notes
   */
  noteTouches(): number {
    this.#nodes.forgetTouches()
    return ++this.#touchNotes
  }

  /** What the last `noteTouches` returned; 0 before the first. */
  get touchNotes(): number {
    return this.#touchNotes
  }

  /** Whether a znode was created or anything of it changed since the last `noteTouches`. Indices of deleted znodes may belong to new ones, which are touched. */
  isTouched(index: number): boolean {
    return this.#nodes.isTouched(index)
  }

  /** Indices of all znodes in no order that means anything, orphans too: where order does not matter it costs nothing. */
  *liveNodes(): Generator<number> {
    for (let node = 0; node < this.#nodes.entryCount; node++) if (this.#nodes.isLive(node)) yield node
  }

  /** The bytes that hold the record of a znode, from `startOf` to `endOf`; valid until the next change of the tree. */
  segmentOf(index: number): Uint8Array {
    return this.#nodes.bytesOf(index)
  }

  startOf(index: number): number {
    return this.#nodes.offsetOf(index)
  }

  endOf(index: number): number {
    return this.#nodes.tailOf(index) + nodeTail.length
  }

  childCount(index: number): number {
    return this.#nodes.childCountOf(index)
  }

  /** A znode as an object, for people; path and data are views, valid until the next change of the tree. */
  node(index: number): NodeRecord {
    return decodeNodeRecord(this.segmentOf(index), this.startOf(index), this.endOf(index))
  }

  /** -1 for the root. */
  parentOf(index: number): number {
    return this.#nodes.parentOf(index)
  }

  /** Children in no particular order; looks at every znode unless there are none. */
  children(index: number): Uint32Array {
    const nodes = this.#nodes
    const found = new Uint32Array(nodes.childCountOf(index))
    let count = 0
    for (let node = 0; node < nodes.entryCount && count < found.length; node++) {
      if (nodes.parentOf(node) === index && nodes.isLive(node)) found[count++] = node
    }
    return found.subarray(0, count)
  }

  /** The ACL list of a key as a jute vector, not to be changed; undefined for a dangling key. */
  aclBytes(keyHi: number, keyLo: number): Uint8Array | undefined {
    return this.#acls.get(keyHi, keyLo)
  }

  /** The ACL lists that znodes refer to, by rising key, as a snapshot holds them. Looks at every znode where a list is not in use. */
  aclEntries(): { readonly key: bigint; readonly bytes: Uint8Array }[] {
    const used = this.#acls.marks()
    for (let node = 0; node < this.#nodes.entryCount; node++) {
      if (!this.#nodes.isLive(node)) continue
      const view = this.#nodes.viewOf(node)
      const tail = this.#nodes.tailOf(node)
      if (!used.mark(view.getInt32(tail), view.getInt32(tail + 4))) break
    }
    return used.entries()
  }

  /** Indices of znodes whose ACL key has no list, which old servers left in fuzzy snapshots (ZOOKEEPER-4689). Looks at every znode. */
  danglingAcls(): number[] {
    const found: number[] = []
    for (let node = 0; node < this.#nodes.entryCount; node++) {
      if (!this.#nodes.isLive(node)) continue
      const view = this.#nodes.viewOf(node)
      const tail = this.#nodes.tailOf(node)
      if (this.#acls.get(view.getInt32(tail), view.getInt32(tail + 4)) === undefined) found.push(node)
    }
    return found
  }

  /** Ordered by unsigned id. */
  *sessions(): Generator<{ readonly id: bigint; readonly timeoutMs: number }> {
    const sorted = [...this.#sessions.entries()].sort((a, b) => compareUnsigned(a[0], b[0]) || compareUnsigned(a[1], b[1]))
    for (const [hi, lo, timeoutMs] of sorted) yield { id: joinLong(hi, lo), timeoutMs }
  }

  /** Sessions that own ephemerals, whether or not they are in `sessions()`; in no particular order. */
  *ephemeralOwners(): Generator<bigint> {
    for (const [hi, lo] of this.#sessions.owners()) yield joinLong(hi, lo)
  }

  /** Bytes of all records, of room in them that is free again, and of the typed arrays. */
  memoryUse(): { readonly recordBytes: number; readonly freeBytes: number; readonly indexBytes: number } {
    const { records, indexBytes } = this.#nodes
    return { recordBytes: records.totalBytes, freeBytes: records.freeBytes, indexBytes }
  }

  #adoptRecord(segment: number, window: Uint8Array, view: DataView, offset: number, last: number): number {
    const nodes = this.#nodes
    const start = offset + 4
    const end = start + view.getInt32(offset)
    const hash = nodes.hash(window, start, end)
    const lastSlash = pathHashOf.lastSlash
    const parentHash = pathHashOf.parent
    let parent = -1
    if (end > start) {
      parent = lastSlash < 0 ? -1 : this.#findParent(window, start, lastSlash, parentHash, last)
      if (parent < 0 || window[start] !== slash) throw this.#misplaced('its parent has not come before it', window, start, end)
    }
    if (nodes.find(window, start, end, hash) >= 0) throw this.#misplaced('it comes twice', window, start, end)
    const node = nodes.add(parent, segment, offset, hash, isBelowZookeeper(window, start, end) ? nodeUndigested : 0)
    const dataLength = view.getInt32(end)
    const tail = end + 4 + (dataLength > 0 ? dataLength : 0)
    this.#acls.noteKey(view.getInt32(tail), view.getInt32(tail + 4))
    this.#noteZxid(view, tail + nodeTail.czxid)
    this.#noteZxid(view, tail + nodeTail.mzxid)
    this.#noteZxid(view, tail + nodeTail.pzxid)
    const ownerHi = view.getInt32(tail + nodeTail.ephemeralOwner)
    const ownerLo = view.getInt32(tail + nodeTail.ephemeralOwner + 4)
    if (isSessionOwner(ownerHi, ownerLo, this.#ownerRules)) this.#sessions.addEphemeral(ownerHi, ownerLo, node)
    return node
  }

  /** In a snapshot the parent is the record before or above it, which needs no look into the index. */
  #findParent(window: Uint8Array, start: number, end: number, hash: number, last: number): number {
    const nodes = this.#nodes
    const length = end - start
    let above = last
    while (above >= 0 && nodes.viewOf(above).getInt32(nodes.offsetOf(above)) > length) above = nodes.parentOf(above)
    return above >= 0 && nodes.hasPath(above, window, start, end) ? above : nodes.find(window, start, end, hash)
  }

  #noteZxid(view: DataView, at: number): void {
    const hi = view.getInt32(at)
    if (hi < this.#maxZxidHi) return
    const lo = view.getInt32(at + 4)
    if (hi > this.#maxZxidHi || lo >>> 0 > this.#maxZxidLo >>> 0) {
      this.#maxZxidHi = hi
      this.#maxZxidLo = lo
    }
  }

  #misplaced(what: string, window: Uint8Array, start: number, end: number): ZooArkError {
    const path = formatPath(window.slice(start, end))
    return new ZooArkError('SNAPSHOT_DAMAGED', `a znode is out of place: ${what}`, { place: { path } })
  }
}

/** FNV-1a's own start value. */
const defaultHashSeed = 0x811c9dc5 | 0
const slash = 0x2f

function compareUnsigned(a: number, b: number): number {
  return (a >>> 0) - (b >>> 0)
}
