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
  /** By the bytes of the path as latin1 text. */
  readonly #known = new Map<string, { readonly path: Uint8Array; readonly znode: KnownZnode }>()
  readonly #ephemerals = new Map<bigint, Set<string>>()

  constructor(selection: ZnodeSelection, emit: (change: ZnodeChange) => void) {
    this.#selection = selection
    this.#emit = emit
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
    if (this.#selection.includes(path) && !this.#known.has(keyOf(path))) this.#set(path, znode)
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
    const before = this.#known.get(keyOf(path))?.znode
    const tell = (operation: ChangeOperation, after: KnownZnode | undefined): void => {
      if (after === undefined) this.#remove(path)
      else this.#set(path, after)
      this.#tell(header, { operation, txnType: record.kind, path, ...(part === undefined ? {} : { part }), before, after })
    }
    switch (record.kind) {
      case 'create':
      case 'create2':
      case 'createContainer':
      case 'createTTL':
        tell('create', { data: copyOf(record.data), version: 0, acl: record.acl, aversion: 0, owner: ownerOf(header, record) })
        break
      case 'setData':
      case 'reconfig':
        tell('setData', { ...before, data: copyOf(record.data), version: record.version })
        break
      case 'setACL':
        tell('setACL', { ...before, acl: record.acl, aversion: record.version })
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
    const gone = new Map(listed.filter((path) => this.#selection.includes(path)).map((path) => [keyOf(path), path]))
    for (const key of this.#ephemerals.get(header.clientId) ?? []) {
      const known = this.#known.get(key)
      if (known !== undefined) gone.set(key, known.path)
    }
    for (const [key, path] of gone) {
      const before = this.#known.get(key)?.znode
      this.#remove(path)
      this.#tell(header, { operation: 'expire', txnType: 'closeSession', path: path.slice(), before, after: undefined })
    }
  }

  #tell(
    header: TxnHeader,
    change: Pick<ZnodeChange, 'operation' | 'txnType' | 'path' | 'part'> & {
      before: KnownZnode | undefined
      after: KnownZnode | undefined
    },
  ): void {
    const { before, after, path, ...rest } = change
    this.#emit({
      zxid: header.zxid,
      timeMs: header.time,
      session: header.clientId,
      cxid: header.cxid,
      ...rest,
      path: path.slice(),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    })
  }

  #set(path: Uint8Array, znode: KnownZnode): void {
    const key = keyOf(path)
    this.#disown(key)
    this.#known.set(key, { path: path.slice(), znode: { ...znode, ...(znode.acl === undefined ? {} : { acl: copyOfAcl(znode.acl) }) } })
    const { owner } = znode
    if (owner === undefined || ownerKindOf(highOf(owner), lowOf(owner), 'extended') !== 'session') return
    const paths = this.#ephemerals.get(owner)
    if (paths === undefined) this.#ephemerals.set(owner, new Set([key]))
    else paths.add(key)
  }

  #remove(path: Uint8Array): void {
    const key = keyOf(path)
    this.#disown(key)
    this.#known.delete(key)
  }

  #disown(key: string): void {
    const owner = this.#known.get(key)?.znode.owner
    const paths = owner === undefined ? undefined : this.#ephemerals.get(owner)
    if (owner !== undefined && paths?.delete(key) === true && paths.size === 0) this.#ephemerals.delete(owner)
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

const copyOf = (bytes: Uint8Array | null): Uint8Array | null => bytes?.slice() ?? null

function copyOfAcl(acl: readonly Acl[] | null): readonly Acl[] | null {
  return acl?.map(({ perms, scheme, id }) => ({ perms, scheme: copyOf(scheme), id: copyOf(id) })) ?? null
}

function keyOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')
}
