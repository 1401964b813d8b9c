import { beginArchive } from '../../src/archive/archive-draft.ts'
import type { Gap } from '../../src/archive/commit-body.ts'
import { readHistory, type History } from '../../src/archive/history.ts'
import { fixedClock } from '../../src/base/clock.ts'
import { utf8Bytes } from '../../src/base/bytes.ts'
import type { RunContext } from '../../src/engine/run-context.ts'
import { toSessionId } from '../../src/model/session-id.ts'
import { encodeTxn, type TxnRecord } from '../../src/model/txn.ts'
import { txnTypes } from '../../src/model/txn-layout.ts'
import { makeZxid, type Zxid } from '../../src/model/zxid.ts'
import { createRepository } from '../../src/repository/repository.ts'
import type { Repository } from '../../src/repository/types.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { DataTree } from '../../src/tree/data-tree.ts'

export const startTimeMs = Date.UTC(2026, 10, 20)
const owner = toSessionId(0x1000_0000_0000_0001n)

/** A context for flows that nobody watches. */
export function quietContext(signal: AbortSignal = new AbortController().signal, nowMs = startTimeMs): RunContext {
  return { clock: fixedClock(nowMs), signal, onProgress: () => undefined, onNotice: () => undefined }
}

export interface CommitOptions {
  /** A point before the first txn of the commit; the first commit of a history needs it. */
  readonly base?: 'point' | 'none'
  /** A point after the last txn. */
  readonly end?: 'point' | 'none'
  readonly name?: string
  readonly gap?: Gap
  readonly start?: { readonly parent: string; readonly forkZxid: Zxid; readonly reason: string }
  /** Digest that the commit claims for its points. */
  readonly pointDigest?: string
  /** Digest that the segments claim at both ends. */
  readonly segmentDigest?: bigint
}

/** A small server with its repository: txns with true digests are applied to a tree and kept as segments and points. */
export class StoredHistory {
  readonly store: ObjectStore
  readonly repository: Repository
  readonly tree = new DataTree()
  #counter = 0n
  #pending: { after: Zxid; payloads: Uint8Array[] } | undefined

  private constructor(store: ObjectStore, repository: Repository) {
    this.store = store
    this.repository = repository
    this.tree.startEmpty('3.5')
  }

  static async create(store: ObjectStore = memoryStore()): Promise<StoredHistory> {
    const repository = await createRepository(store, { id: 'test', writer: 'zooark/test', clock: fixedClock(startTimeMs), threads: 0 })
    return new StoredHistory(store, repository)
  }

  get lastZxid(): Zxid {
    return makeZxid(1n, this.#counter)
  }

  history(): Promise<History> {
    return readHistory(this.repository)
  }

  /** Applies one txn. @param digest `wrong`: it carries a digest that its state does not have */
  txn(record: TxnRecord, digest: 'right' | 'wrong' | 'none' = 'right'): Zxid {
    this.#pending ??= { after: this.#counter === 0n ? (0n as Zxid) : this.lastZxid, payloads: [] }
    this.#counter += 1n
    const type = record.kind === 'unknown' ? record.type : txnTypes[record.kind]
    const time = BigInt(startTimeMs) - 600_000n + this.#counter * 1000n
    const plain = { header: { clientId: owner, cxid: Number(this.#counter), zxid: this.lastZxid, time, type }, record }
    const bare = encodeTxn(plain)
    this.tree.applyTxn(bare, 0, bare.length)
    const treeDigest = BigInt.asIntN(64, this.tree.digest() + (digest === 'wrong' ? 1n : 0n))
    this.#pending.payloads.push(digest === 'none' ? bare : encodeTxn({ ...plain, digest: { version: 2, treeDigest } }))
    return this.lastZxid
  }

  create(path: string, data = 'x', options: { readonly digest?: 'right' | 'wrong' | 'none'; readonly ephemeral?: boolean } = {}): Zxid {
    const parent = path.slice(0, path.lastIndexOf('/'))
    const { stat } = this.tree.node(this.tree.find(utf8Bytes(parent)))
    const acl = [{ perms: 31, scheme: utf8Bytes('world'), id: utf8Bytes('anyone') }]
    const parentCversion = stat.cversion + 1
    const ephemeral = options.ephemeral === true
    return this.txn({ kind: 'create', path: utf8Bytes(path), data: utf8Bytes(data), acl, ephemeral, parentCversion }, options.digest)
  }

  setData(path: string, data: string): Zxid {
    const { stat } = this.tree.node(this.tree.find(utf8Bytes(path)))
    return this.txn({ kind: 'setData', path: utf8Bytes(path), data: utf8Bytes(data), version: stat.version + 1 })
  }

  openSession(): Zxid {
    return this.txn({ kind: 'createSession', timeoutMs: 30_000 })
  }

  /** Forgets the txns since the last commit: they are in the tree, and no segment will hold them. */
  dropPending(): void {
    this.#pending = undefined
  }

  /** Commits the txns since the last commit as one run. The base, where one is asked for, is the state now: no txn may be pending then. */
  async commit(options: CommitOptions = {}): Promise<void> {
    const history = await this.history()
    const last = history.timelines.at(-1)?.id
    const first = { parent: null, forkZxid: null, reason: 'first backup' }
    const place = options.start === undefined && last !== undefined ? { timeline: last } : { start: options.start ?? first }
    const draft = await beginArchive(this.repository, history, place)
    const digest = options.pointDigest ?? `0x${this.tree.digest().toString(16)}`
    const facts = { timeMs: startTimeMs, digest, consistency: 'exact' as const, name: null, maxEpochSeen: 1, source: {} }
    if (options.gap !== undefined) draft.addGap(options.gap)
    if (options.base === 'point') await draft.addPoint(this.tree, this.tree.lastZxid, { ...facts, name: options.name ?? null })
    if (this.#pending !== undefined) {
      const { segmentDigest } = options
      const run = draft.openRun(this.#pending.after, segmentDigest === undefined ? {} : { digest: () => segmentDigest })
      for (const payload of this.#pending.payloads) run.append(payload, 0, payload.length)
      draft.addSegments(await run.finish())
    }
    this.#pending = undefined
    if (options.end === 'point') await draft.addPoint(this.tree, this.lastZxid, { ...facts, name: options.name ?? null })
    await draft.commit({ kind: 'backup', capturedAtMs: startTimeMs })
  }
}

/** Two backups: a base with 40 znodes, 60 txns, a named point, 20 txns more with an ephemeral, a point at the end. */
export async function sampleHistory(store?: ObjectStore): Promise<StoredHistory> {
  const server = await StoredHistory.create(store)
  server.openSession()
  server.create('/app')
  for (let i = 0; i < 40; i++) server.create(`/app/node-${i}`, `value ${i}`)
  server.dropPending()
  await server.commit({ base: 'point' })
  for (let i = 0; i < 60; i++) server.setData(`/app/node-${i % 40}`, `changed ${i}`)
  await server.commit({ end: 'point', name: 'before-upgrade' })
  for (let i = 0; i < 19; i++) server.create(`/app/later-${i}`, 'y'.repeat(i === 0 ? 40_000 : i))
  server.create('/app/lock', '', { ephemeral: true })
  await server.commit({ end: 'point' })
  return server
}
