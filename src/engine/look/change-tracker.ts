import { equalBytes } from '../../base/bytes.ts'
import { highOf, lowOf } from '../../jute/long.ts'
import type { Acl } from '../../model/acl.ts'
import { containerOwner, ownerKindOf, ttlOwner } from '../../model/ephemeral-owner.ts'
import type { SessionId } from '../../model/session-id.ts'
import type { SimpleTxn, UnknownTxn } from '../../model/txn-multi.ts'
import type { Txn, TxnHeader } from '../../model/txn.ts'
import type { Zxid } from '../../model/zxid.ts'
import type { ZnodeSelection } from './znode-selection.ts'

/** What is known of a znode at some moment; an absent field is not known. */
export interface KnownZnode {
  readonly data?: Uint8Array | null
  readonly version?: number
  readonly acl?: readonly Acl[] | null
  readonly aversion?: number
  readonly owner?: bigint
}

/** `expire`: an ephemeral goes with its session, or the server removes an empty container or a TTL znode whose time is over. */
export type ChangeOperation = 'create' | 'setData' | 'setACL' | 'delete' | 'expire'

/** One change of one znode. */
export interface ZnodeChange {
  readonly zxid: Zxid
  /** Of the leader's clock, which may step back. */
  readonly timeMs: bigint
  readonly session: SessionId
  readonly cxid: number
  readonly operation: ChangeOperation
  /** ZooKeeper's name of the transaction or of its part. */
  readonly txnType: string
  /** Which part of a multi it was, from 0. */
  readonly part?: number
  readonly path: Uint8Array
  /** Absent for a creation, and where nothing is known of what was there. */
  readonly before?: KnownZnode
  /** Absent when the znode is gone. */
  readonly after?: KnownZnode
}

/** Follows the selected znodes through the transactions and tells every change of them. */
export class ChangeTracker {
  readonly #selection: ZnodeSelection
  readonly #emit: (change: ZnodeChange) => void
  readonly #wants: (zxid: Zxid, timeMs: bigint) => boolean
  /** By the bytes of the path as latin1 text. */
  readonly #known = new Map<string, KnownZnode>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  readonly #copies = new ByteArena()
  /** The list copied last: most znodes have the same. */
  #acl: readonly Acl[] = []

  /** @param wants which changes are told; all are followed */
  constructor(selection: ZnodeSelection, emit: (change: ZnodeChange) => void, wants: (zxid: Zxid, timeMs: bigint) => boolean = () => true) {
    this.#selection = selection
    this.#emit = emit
    this.#wants = wants
  }

  /** Sessions that own selected ephemerals just now. */
  get owners(): Iterable<bigint> {
    return this.#ephemerals.keys()
  }

  /** What was known holds no longer: transactions are missing. */
  forget(): void {
    this.#known.clear()
    this.#ephemerals.clear()
  }

  /** A znode as some state shows it, unless the transactions have told more of it already. */
  seed(path: Uint8Array, znode: KnownZnode): void {
    if (this.#selection.includes(path) && !this.#known.has(keyOf(path))) this.#set(keyOf(path), znode)
  }

  apply(txn: Txn): void {
    const { header, record } = txn
    if (record.kind !== 'multi') {
      this.#applySimple(header, record, undefined)
      return
    }
    const parts = record.parts ?? []
    // One failed part, and none takes effect.
    if (parts.some((part) => part.record.kind === 'error')) return
    for (const [i, part] of parts.entries()) this.#applySimple(header, part.record, i)
  }

  #applySimple(header: TxnHeader, record: SimpleTxn | UnknownTxn, part: number | undefined): void {
    if (record.kind === 'closeSession') this.#closeSession(header, record.paths ?? [])
    if (!('path' in record) || record.kind === 'check') return
    const path = rootAsEmpty(record.path)
    if (!this.#selection.includes(path)) return
    const key = keyOf(path)
    const before = this.#known.get(key)
    const tell = (operation: ChangeOperation, after: KnownZnode | undefined): void => {
      if (after === undefined) this.#remove(key)
      else this.#set(key, after)
      this.#tell(header, operation, record.kind, part, path, before, after)
    }
    switch (record.kind) {
      case 'create':
      case 'create2':
      case 'createContainer':
      case 'createTTL':
        tell('create', {
          data: this.#copyOf(record.data),
          version: 0,
          acl: this.#copyOfAcl(record.acl),
          aversion: 0,
          owner: ownerOf(header, record),
        })
        break
      case 'setData':
      case 'reconfig':
        tell('setData', { ...before, data: this.#copyOf(record.data), version: record.version })
        break
      case 'setACL':
        tell('setACL', { ...before, acl: this.#copyOfAcl(record.acl), aversion: record.version })
        break
      case 'delete':
        tell('delete', undefined)
        break
      case 'deleteContainer':
        tell('expire', undefined)
        break
    }
  }

  /** The ephemerals that the transaction lists, and those that are known to be the session's: older servers list none. */
  #closeSession(header: TxnHeader, listed: readonly Uint8Array[]): void {
    const gone = new Set(listed.filter((path) => this.#selection.includes(path)).map(keyOf))
    for (const key of this.#ephemerals.get(header.clientId) ?? []) gone.add(key)
    for (const key of gone) {
      const before = this.#known.get(key)
      this.#remove(key)
      this.#tell(header, 'expire', 'closeSession', undefined, Buffer.from(key, 'latin1'), before, undefined)
    }
  }

  #tell(
    header: TxnHeader,
    operation: ChangeOperation,
    txnType: string,
    part: number | undefined,
    path: Uint8Array,
    before: KnownZnode | undefined,
    after: KnownZnode | undefined,
  ): void {
    if (!this.#wants(header.zxid, header.time)) return
    this.#emit({
      zxid: header.zxid,
      timeMs: header.time,
      session: header.clientId,
      cxid: header.cxid,
      operation,
      txnType,
      path: this.#copies.copy(path),
      ...(part === undefined ? {} : { part }),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    })
  }

  #set(key: string, znode: KnownZnode): void {
    this.#disown(key)
    this.#known.set(key, znode)
    const { owner } = znode
    if (owner === undefined || owner === 0n || ownerKindOf(highOf(owner), lowOf(owner), 'extended') !== 'session') return
    const keys = this.#ephemerals.get(owner)
    if (keys === undefined) this.#ephemerals.set(owner, new Set([key]))
    else keys.add(key)
  }

  #remove(key: string): void {
    this.#disown(key)
    this.#known.delete(key)
  }

  #disown(key: string): void {
    const owner = this.#known.get(key)?.owner
    if (owner === undefined || owner === 0n) return
    const keys = this.#ephemerals.get(owner)
    if (keys?.delete(key) === true && keys.size === 0) this.#ephemerals.delete(owner)
  }

  #copyOf(bytes: Uint8Array | null): Uint8Array | null {
    return bytes === null ? null : this.#copies.copy(bytes)
  }

  #copyOfAcl(acl: readonly Acl[] | null): readonly Acl[] | null {
    if (acl === null || sameAcl(acl, this.#acl)) return acl === null ? null : this.#acl
    this.#acl = acl.map(({ perms, scheme, id }) => ({ perms, scheme: this.#copyOf(scheme), id: this.#copyOf(id) }))
    return this.#acl
  }
}

/** In transactions the root is `/`, elsewhere the empty path. */
function rootAsEmpty(path: Uint8Array): Uint8Array {
  return path.length === 1 ? path.subarray(1) : path
}

function ownerOf(
  header: TxnHeader,
  record: { kind: 'create' | 'create2'; ephemeral: boolean } | { kind: 'createContainer' } | { kind: 'createTTL'; ttlMs: bigint },
): bigint {
  if (record.kind === 'createContainer') return containerOwner
  if (record.kind === 'createTTL') return ttlOwner(record.ttlMs, 'extended')
  return record.ephemeral ? header.clientId : 0n
}

function sameAcl(a: readonly Acl[], b: readonly Acl[]): boolean {
  if (a.length !== b.length) return false
  return a.every(({ perms, scheme, id }, i) => perms === b[i].perms && sameBytes(scheme, b[i].scheme) && sameBytes(id, b[i].id))
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}

/** What copies are taken from at a time: an array of its own for each of a million small values would cost more than the values. */
const slabBytes = 256 * 1024

/** Copies of small values in large buffers. */
class ByteArena {
  #slab = new Uint8Array(0)
  #used = 0

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length > slabBytes / 8) return bytes.slice()
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += length
    this.#slab.set(bytes, at)
    return this.#slab.subarray(at, at + length)
  }
}

function keyOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')
}
