import { compareLong, int32At } from '../jute/long.ts'
import { containerOwnerHi, containerOwnerLo, type OwnerRules, ownerKindOf } from '../model/ephemeral-owner.ts'
import { nodeTail } from '../model/node-record.ts'
import { txnDigestLength, txnTypes } from '../model/txn-layout.ts'
import type { AclTable } from './acl-table.ts'
import { digestedStat } from './node-digest.ts'
import { copyBytes, nodeUndigested, type NodeStore } from './node-store.ts'
import { pathHashOf } from './path-index.ts'
import type { QuotaTracker } from './quota.ts'
import type { SessionTable } from './session-table.ts'
import { addConfigNode, configPathBytes } from './system-nodes.ts'
import { type OutcomeReason, OutcomeNotes, type TxnOutcome } from './txn-outcome.ts'
import { TxnReader } from './txn-reader.ts'

export interface ReplayedState {
  readonly nodes: NodeStore
  readonly acls: AclTable
  readonly sessions: SessionTable
  readonly quotas: QuotaTracker
  readonly ownerRules: OwnerRules
}

/**
 * Replays transactions as a server does at start (ZooKeeper: `FileTxnSnapLog.processTransaction`, `DataTree.processTxn`).
 *
 * The result equals that of every version once the tree is settled. While it settles, versions differ; taken here:
 * - 3.4 and 3.5 set cversion and pzxid of the parent to the txn's values, later versions only raise cversion, and pzxid with it: raised.
 * - 3.4 leaves the parent alone when a deleted znode is missing, and sets pzxid back; later versions touch the parent first and only raise.
 * - A create finds its znode: up to 3.9.3 by the parent's child set, from 3.9.4 on by the map of all paths, which leaves a znode without
 *   a parent when the parent was made anew (an orphan then has the path). The child set decides; an orphan is replaced.
 * - The existing znode takes the txn's ACL (from 3.9.4 on, ZOOKEEPER-4846): else a znode with a dangling ACL key keeps it.
 * - The parent's cversion is adjusted after such a create for the type `create` only, not for create2, container and TTL, in all versions.
 * - create2 as part of a multi stops the multi half-way up to 3.6: here it is applied, as from 3.7 on.
 * - An ephemeral whose orphaned znode was replaced belongs to its new owner only; a server still lists the path for the old one.
 */
export class TxnReplay {
  digestChecks: 'every' | 'none' = 'every'
  lastZxidHi = 0
  lastZxidLo = 0
  /** Up to here a contradiction is a sign of a fuzzy snapshot. */
  fuzzyThroughHi = 0
  fuzzyThroughLo = 0
  /** Largest zxid whose outcome was settling, and whose was unexpected. */
  settlingHi = 0
  settlingLo = 0
  unexpectedHi = 0
  unexpectedLo = 0

  readonly #nodes: NodeStore
  readonly #acls: AclTable
  readonly #sessions: SessionTable
  readonly #quotas: QuotaTracker
  readonly #ownerRules: OwnerRules
  readonly #txn = new TxnReader()
  readonly #notes = new OutcomeNotes()

  constructor(state: ReplayedState) {
    this.#nodes = state.nodes
    this.#acls = state.acls
    this.#sessions = state.sessions
    this.#quotas = state.quotas
    this.#ownerRules = state.ownerRules
  }

  apply(window: Uint8Array, start: number, end: number): TxnOutcome {
    const notes = this.#notes
    const txn = this.#txn
    notes.clear()
    if (txn.read(window, start, end, notes)) {
      if (this.digestChecks === 'none' && this.#nodes.digestActive) this.#nodes.deactivateDigest()
      this.#applyRecord()
      if (compareLong(txn.zxidHi, txn.zxidLo, this.lastZxidHi, this.lastZxidLo) > 0) {
        this.lastZxidHi = txn.zxidHi
        this.lastZxidLo = txn.zxidLo
      }
      notes.settle(this.#compareDigest())
    }
    if (notes.verdict !== 'applied') this.#remember()
    return notes
  }

  /** Ends a session as its closeSession without a list would, at this zxid. */
  endSession(hi: number, lo: number, zxidHi: number, zxidLo: number): void {
    this.#txn.zxidHi = zxidHi
    this.#txn.zxidLo = zxidLo
    this.#notes.clear()
    this.#sessions.remove(hi, lo)
    this.#deleteEphemerals(this.#sessions.takeEphemerals(hi, lo))
  }

  #applyRecord(): void {
    const txn = this.#txn
    switch (txn.type) {
      case txnTypes.createSession:
        if (!this.#sessions.add(txn.clientHi, txn.clientLo, txn.view.getInt32(txn.bodyStart))) this.#note('session-ahead')
        return
      case txnTypes.closeSession:
        this.#closeSession()
        return
      case txnTypes.error:
        return
      case txnTypes.multi:
        this.#applyMulti()
        return
      default:
        this.#applyChange(txn.type, 'alone')
    }
  }

  #applyMulti(): void {
    const { view, bodyStart: start } = this.#txn
    const count = view.getInt32(start)
    let at = start + 4
    for (let i = 0; i < count; i++) {
      if (view.getInt32(at) === txnTypes.error) return
      at += 8 + view.getInt32(at + 4)
    }
    at = start + 4
    for (let i = 0; i < count; i++) {
      const type = view.getInt32(at)
      const partEnd = at + 8 + view.getInt32(at + 4)
      this.#txn.readPart(type, at + 8, partEnd)
      this.#applyChange(type, 'part')
      at = partEnd
    }
  }

  #applyChange(type: number, place: 'alone' | 'part'): void {
    switch (type) {
      case txnTypes.delete:
      case txnTypes.deleteContainer:
        this.#delete(this.#txn.window, this.#txn.body.pathStart, this.#txn.body.pathEnd, place)
        return
      case txnTypes.setData:
      case txnTypes.reconfig:
        this.#setData(type, place)
        return
      case txnTypes.setACL:
        this.#setAcl()
        return
      case txnTypes.check:
        return
      default:
        this.#create(type)
    }
  }

  #create(type: number): void {
    const nodes = this.#nodes
    const { pathStart, pathEnd, aclStart, aclEnd } = this.#txn.body
    const hash = nodes.hash(this.#txn.window, pathStart, pathEnd)
    const parent = nodes.find(this.#txn.window, pathStart, pathHashOf.lastSlash, pathHashOf.parent)
    if (parent < 0) return this.#note('parent-missing')
    this.#acls.intern(this.#txn.window, aclStart, aclEnd)
    const existing = nodes.find(this.#txn.window, pathStart, pathEnd, hash)
    if (existing >= 0) {
      if (nodes.parentOf(existing) === parent) return this.#createExisting(type, existing, parent)
      // An orphan: its place in the statistics goes with it.
      this.#quotas.deleted(this.#txn.window, pathStart, pathEnd, this.#removeNode(existing, hash))
    }
    this.#raiseParent(parent, this.#txn.body.parentCversion)
    this.#addNode(type, parent, hash)
    this.#quotas.created(this.#txn.window, pathStart, pathEnd, this.#txn.body.dataLength)
  }

  /** The znode of a create is there: it takes the ACL, and for the type `create` the parent's cversion is adjusted. */
  #createExisting(type: number, node: number, parent: number): void {
    const view = this.#nodes.viewOf(node)
    const tail = this.#nodes.tailOf(node)
    this.#note(this.#compareZxid(view, tail + nodeTail.czxid) >= 0 ? 'node-ahead' : 'node-exists')
    this.#nodes.touch(node)
    view.setInt32(tail + nodeTail.aclKey, this.#acls.keyHi)
    view.setInt32(tail + nodeTail.aclKey + 4, this.#acls.keyLo)
    if (type === txnTypes.create) this.#raiseParent(parent, this.#txn.body.parentCversion)
  }

  /** Sets cversion and pzxid of a parent, when the cversion grows by it. -1: by one. */
  #raiseParent(parent: number, wanted: number): void {
    const view = this.#nodes.viewOf(parent)
    const tail = this.#nodes.tailOf(parent)
    const current = view.getInt32(tail + nodeTail.cversion)
    const next = (current + 1) | 0
    const cversion = wanted === -1 ? next : wanted
    if (cversion <= current) {
      this.#note(this.#compareZxid(view, tail + nodeTail.pzxid) >= 0 ? 'parent-ahead' : 'cversion-jump')
      return
    }
    if (cversion !== next) this.#note('cversion-jump')
    this.#nodes.setStat(parent, view, tail, nodeTail.cversion, digestedStat.cversion, cversion)
    this.#nodes.setPzxid(parent, view, tail, this.#txn.zxidHi, this.#txn.zxidLo)
  }

  #addNode(type: number, parent: number, hash: number): void {
    const nodes = this.#nodes
    const { window, view: windowView } = this.#txn
    const { pathStart, pathEnd, dataStart, dataLength } = this.#txn.body
    const pathLength = pathEnd - pathStart
    nodes.records.allocate(8 + pathLength + (dataLength > 0 ? dataLength : 0) + nodeTail.length)
    const { segment, offset } = nodes.records
    const bytes = nodes.records.segments[segment]
    const view = nodes.records.views[segment]
    view.setInt32(offset, pathLength)
    copyBytes(window, windowView, pathStart, pathLength, bytes, view, offset + 4)
    const dataAt = offset + 8 + pathLength
    view.setInt32(dataAt - 4, dataLength)
    if (dataLength > 0) copyBytes(window, windowView, dataStart, dataLength, bytes, view, dataAt)
    const tail = dataAt + (dataLength > 0 ? dataLength : 0)
    this.#writeNewStat(type, view, tail)
    const node = nodes.add(parent, segment, offset, hash, isBelowZookeeper(window, pathStart, pathEnd) ? nodeUndigested : 0)
    const ownerHi = view.getInt32(tail + nodeTail.ephemeralOwner)
    const ownerLo = view.getInt32(tail + nodeTail.ephemeralOwner + 4)
    if (isSessionOwner(ownerHi, ownerLo, this.#ownerRules)) this.#sessions.addEphemeral(ownerHi, ownerLo, node)
  }

  #writeNewStat(type: number, view: DataView, tail: number): void {
    view.setInt32(tail + nodeTail.aclKey, this.#acls.keyHi)
    view.setInt32(tail + nodeTail.aclKey + 4, this.#acls.keyLo)
    this.#putZxid(view, tail + nodeTail.czxid)
    this.#putZxid(view, tail + nodeTail.mzxid)
    this.#putZxid(view, tail + nodeTail.pzxid)
    this.#putTime(view, tail + nodeTail.ctime)
    this.#putTime(view, tail + nodeTail.mtime)
    view.setInt32(tail + nodeTail.version, 0)
    view.setInt32(tail + nodeTail.cversion, 0)
    view.setInt32(tail + nodeTail.aversion, 0)
    let ownerHi = 0
    let ownerLo = 0
    if (type === txnTypes.createContainer) {
      ownerHi = containerOwnerHi
      ownerLo = containerOwnerLo
    } else if (type === txnTypes.createTTL) {
      ownerHi = (0xff << 24) | this.#txn.body.ttlHi
      ownerLo = this.#txn.body.ttlLo
    } else if (this.#txn.body.ephemeral !== 0) {
      ownerHi = this.#txn.clientHi
      ownerLo = this.#txn.clientLo
    }
    view.setInt32(tail + nodeTail.ephemeralOwner, ownerHi)
    view.setInt32(tail + nodeTail.ephemeralOwner + 4, ownerLo)
  }

  /** Deletes a path. The parent is touched first, so that its pzxid is right also when the znode is gone already. @returns its entry or -1 */
  #delete(bytes: Uint8Array, start: number, end: number, place: 'alone' | 'part'): number {
    const nodes = this.#nodes
    const hash = nodes.hash(bytes, start, end)
    const parent = nodes.find(bytes, start, pathHashOf.lastSlash, pathHashOf.parent)
    if (parent < 0) {
      this.#note('parent-missing')
      return -1
    }
    const view = nodes.viewOf(parent)
    const tail = nodes.tailOf(parent)
    const order = this.#compareZxid(view, tail + nodeTail.pzxid)
    if (order < 0) nodes.setPzxid(parent, view, tail, this.#txn.zxidHi, this.#txn.zxidLo)
    else if (order > 0 || place === 'alone') this.#note('parent-ahead')
    const node = nodes.find(bytes, start, end, hash)
    if (node < 0) {
      this.#note('node-missing')
      return -1
    }
    if (nodes.childCountOf(node) > 0) this.#note('children-left')
    const dataLength = this.#removeNode(node, hash)
    this.#quotas.deleted(bytes, start, end, dataLength)
    return node
  }

  /** @returns the data length that it had, -1 for null */
  #removeNode(node: number, hash: number): number {
    const view = this.#nodes.viewOf(node)
    const at = this.#nodes.offsetOf(node)
    const dataLength = view.getInt32(at + 4 + view.getInt32(at))
    const owner = this.#nodes.tailOf(node) + nodeTail.ephemeralOwner
    const ownerHi = view.getInt32(owner)
    const ownerLo = view.getInt32(owner + 4)
    if (isSessionOwner(ownerHi, ownerLo, this.#ownerRules)) this.#sessions.removeEphemeral(ownerHi, ownerLo, node)
    this.#nodes.remove(node, hash)
    return dataLength
  }

  #setData(type: number, place: 'alone' | 'part'): void {
    const nodes = this.#nodes
    const { dataStart, dataLength, version } = this.#txn.body
    let node = this.#findChanged()
    if (node < 0 && type === txnTypes.reconfig) node = this.#findOrAddConfig()
    if (node < 0) return this.#note('node-missing')
    const before = nodes.tailOf(node)
    const oldView = nodes.viewOf(node)
    const order = this.#compareZxid(oldView, before + nodeTail.mzxid)
    const oldVersion = oldView.getInt32(before + nodeTail.version)
    if (order > 0 || (order === 0 && place === 'alone')) this.#note('data-ahead')
    else if (type !== txnTypes.reconfig && !isNext(oldVersion, version)) this.#note('version-jump')
    const at = nodes.offsetOf(node)
    const oldLength = oldView.getInt32(at + 4 + oldView.getInt32(at))
    nodes.replaceData(node, this.#txn.window, this.#txn.view, dataStart, dataLength)
    const view = nodes.viewOf(node)
    const tail = nodes.tailOf(node)
    this.#putTime(view, tail + nodeTail.mtime)
    this.#putZxid(view, tail + nodeTail.mzxid)
    view.setInt32(tail + nodeTail.version, version)
    nodes.refreshDigest(node)
    const difference = (dataLength > 0 ? dataLength : 0) - (oldLength > 0 ? oldLength : 0)
    this.#quotas.changed(this.#txn.window, this.#txn.body.pathStart, this.#txn.body.pathEnd, difference)
  }

  /** The first reconfig after an upgrade from 3.4: the server had added the znode at start, without a txn. */
  #findOrAddConfig(): number {
    const { pathStart, pathEnd } = this.#txn.body
    const isConfig = Buffer.compare(this.#txn.window.subarray(pathStart, pathEnd), configPathBytes) === 0
    return isConfig ? addConfigNode(this.#nodes, this.#acls) : -1
  }

  #setAcl(): void {
    const nodes = this.#nodes
    const { aclStart, aclEnd, version } = this.#txn.body
    const node = this.#findChanged()
    if (node < 0) return this.#note('node-missing')
    this.#acls.intern(this.#txn.window, aclStart, aclEnd)
    const view = nodes.viewOf(node)
    const tail = nodes.tailOf(node)
    const current = view.getInt32(tail + nodeTail.aversion)
    if (!isNext(current, version)) this.#note(((current - version) | 0) >= 0 ? 'acl-ahead' : 'aversion-jump')
    nodes.setStat(node, view, tail, nodeTail.aversion, digestedStat.aversion, version)
    view.setInt32(tail + nodeTail.aclKey, this.#acls.keyHi)
    view.setInt32(tail + nodeTail.aclKey + 4, this.#acls.keyLo)
  }

  /** The znode of a setData or setACL; the root is `/` there and the empty path here. */
  #findChanged(): number {
    const { pathStart, pathEnd } = this.#txn.body
    const end = pathEnd - pathStart === 1 ? pathStart : pathEnd
    return this.#nodes.find(this.#txn.window, pathStart, end, this.#nodes.hash(this.#txn.window, pathStart, end))
  }

  /** First the listed paths, whoever owns them by now, then what else the tree has of the session. */
  #closeSession(): void {
    const { window, clientHi, clientLo, bodyStart, bodyEnd } = this.#txn
    if (!this.#sessions.remove(clientHi, clientLo)) this.#note('session-missing')
    const ephemerals = this.#sessions.takeEphemerals(clientHi, clientLo)
    const count = bodyEnd > bodyStart ? int32At(window, bodyStart) : -1
    let at = bodyStart + 4
    for (let i = 0; i < count; i++) {
      const start = at + 4
      at = start + int32At(window, at)
      const node = this.#delete(window, start, at, 'part')
      ephemerals?.delete(node)
    }
    if (count >= 0 && ephemerals !== undefined && ephemerals.size > 0) this.#note('ephemeral-not-listed')
    this.#deleteEphemerals(ephemerals)
  }

  #deleteEphemerals(ephemerals: Iterable<number> | undefined): void {
    for (const node of ephemerals ?? []) {
      const start = this.#nodes.offsetOf(node) + 4
      const bytes = this.#nodes.bytesOf(node)
      // A copy: the record's room is given back while the path is still needed.
      const path = bytes.slice(start, start + int32At(bytes, start - 4))
      this.#delete(path, 0, path.length, 'part')
    }
  }

  #compareDigest(): TxnOutcome['digest'] {
    const { type, view, bodyEnd, end } = this.#txn
    const rest = end - bodyEnd
    // Bytes after an error that are not a digest were found in the field.
    if (rest < txnDigestLength || (type === txnTypes.error && rest !== txnDigestLength) || this.digestChecks === 'none') return 'none'
    if (view.getInt32(bodyEnd) !== digestVersion) return 'none'
    const nodes = this.#nodes
    nodes.activateDigest()
    return view.getUint32(bodyEnd + 4) === nodes.digestHi && view.getUint32(bodyEnd + 8) === nodes.digestLo ? 'match' : 'mismatch'
  }

  #note(reason: Exclude<OutcomeReason, 'none'>): void {
    const isFuzzy = compareLong(this.#txn.zxidHi, this.#txn.zxidLo, this.fuzzyThroughHi, this.fuzzyThroughLo) <= 0
    this.#notes.note(reason, isFuzzy ? 'fuzzy' : 'settled')
  }

  #remember(): void {
    if (this.#notes.verdict === 'settling') {
      if (compareLong(this.#txn.zxidHi, this.#txn.zxidLo, this.settlingHi, this.settlingLo) > 0) {
        this.settlingHi = this.#txn.zxidHi
        this.settlingLo = this.#txn.zxidLo
      }
    } else if (compareLong(this.#txn.zxidHi, this.#txn.zxidLo, this.unexpectedHi, this.unexpectedLo) > 0) {
      this.unexpectedHi = this.#txn.zxidHi
      this.unexpectedLo = this.#txn.zxidLo
    }
  }

  /** How the zxid at `at` compares with that of the txn. */
  #compareZxid(view: DataView, at: number): number {
    return compareLong(view.getInt32(at), view.getInt32(at + 4), this.#txn.zxidHi, this.#txn.zxidLo)
  }

  #putZxid(view: DataView, at: number): void {
    view.setInt32(at, this.#txn.zxidHi)
    view.setInt32(at + 4, this.#txn.zxidLo)
  }

  #putTime(view: DataView, at: number): void {
    view.setInt32(at, this.#txn.timeHi)
    view.setInt32(at + 4, this.#txn.timeLo)
  }
}

/** The only version that servers from 3.6 to 3.9 write into txns. */
const digestVersion = 2

/** Whether a version follows another: up by one; from 3.10 on leaving out -1, which clients cannot ask for (ZOOKEEPER-4743). */
function isNext(current: number, version: number): boolean {
  const next = (current + 1) | 0
  return version === next || (next === -1 && version === 0)
}

/** Whether an ephemeralOwner is to be looked up when a session ends. */
export function isSessionOwner(hi: number, lo: number, rules: OwnerRules): boolean {
  if ((hi | lo) === 0) return false
  const kind = ownerKindOf(hi, lo, rules)
  return kind === 'session' || kind === 'reserved'
}

const zookeeperSubtree = new TextEncoder().encode('/zookeeper/')

/** Whether the digest leaves the path out. */
export function isBelowZookeeper(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < zookeeperSubtree.length || bytes[start + 1] !== zookeeperSubtree[1]) return false
  for (let i = 0; i < zookeeperSubtree.length; i++) if (bytes[start + i] !== zookeeperSubtree[i]) return false
  return true
}
