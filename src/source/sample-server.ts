import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { invariant } from '../base/errors.ts'
import { listDataDir } from '../formats/data-dir.ts'
import { logName, snapshotName } from '../formats/file-name.ts'
import { writeSnapshot } from '../formats/snapshot-writer.ts'
import { TxnLogWriter } from '../formats/txn-log-writer.ts'
import type { NodeRecord } from '../model/node-record.ts'
import { toSessionId } from '../model/session-id.ts'
import { encodeTxn, type Txn, type TxnRecord } from '../model/txn.ts'
import { txnTypes } from '../model/txn-layout.ts'
import { counterOf, epochOf, firstZxidOfEpoch, makeZxid, type Zxid, zeroZxid } from '../model/zxid.ts'
import { DataTree } from '../tree/data-tree.ts'
import { loadSnapshotTree } from '../replay/load-snapshot-tree.ts'
import { treeRecordSpans } from '../replay/tree-spans.ts'

/**
 * Writes the data directory that a ZooKeeper server of 3.8 would leave after a given history: a first snapshot and txn logs with digests.
 * For the demonstration and for benchmarks, where no Java is at hand; the same input gives the same bytes.
 */
export class SampleServer {
  readonly #directory: string
  readonly #log: TxnLogWriter
  readonly #tree: DataTree
  #counter: bigint
  #timeMs: bigint

  readonly #epoch: bigint

  private constructor(directory: string, log: TxnLogWriter, tree: DataTree, start: { readonly zxid: Zxid; readonly timeMs: number }) {
    this.#directory = directory
    this.#log = log
    this.#tree = tree
    this.#epoch = epochOf(start.zxid)
    this.#counter = counterOf(start.zxid)
    this.#timeMs = BigInt(start.timeMs)
  }

  /** @param options.timeMs when the first txn is stamped. The directory must not hold a version-2. */
  static async create(dataDir: string, options: { readonly timeMs: number }): Promise<SampleServer> {
    const directory = join(dataDir, 'version-2')
    await mkdir(directory, { recursive: true })
    const tree = new DataTree()
    tree.startEmpty('3.5')
    await saveTree(directory, tree, zeroZxid)
    return SampleServer.#begin(directory, tree, { zxid: firstZxidOfEpoch(1n), timeMs: options.timeMs })
  }

  /** Starts again on a directory that holds a snapshot and no later txn: from its zxid (a standalone server), or in the epoch after it. */
  static async open(dataDir: string, options: { readonly timeMs: number; readonly epoch: 'same' | 'next' }): Promise<SampleServer> {
    const directory = join(dataDir, 'version-2')
    const newest = (await listDataDir(dataDir)).snapshots.at(-1)
    invariant(newest !== undefined, 'a sample server starts on a snapshot')
    const { tree } = await loadSnapshotTree(newest.path)
    const zxid = options.epoch === 'same' ? newest.zxid : firstZxidOfEpoch(epochOf(newest.zxid) + 1n)
    return SampleServer.#begin(directory, tree, { zxid, timeMs: options.timeMs })
  }

  static async #begin(directory: string, tree: DataTree, start: { readonly zxid: Zxid; readonly timeMs: number }): Promise<SampleServer> {
    const first = makeZxid(epochOf(start.zxid), counterOf(start.zxid) + 1n)
    const log = await TxnLogWriter.create(join(directory, logName(first)), { fsync: 'never' })
    return new SampleServer(directory, log, tree, start)
  }

  get lastZxid(): Zxid {
    return makeZxid(this.#epoch, this.#counter)
  }

  /** Commits one txn: applies it and logs it with the digest after it. */
  async commit(record: TxnRecord, session: bigint, options: { readonly afterMs?: number } = {}): Promise<void> {
    this.#counter += 1n
    this.#timeMs += BigInt(options.afterMs ?? 1)
    const type = record.kind === 'unknown' ? record.type : txnTypes[record.kind]
    const header = {
      clientId: toSessionId(session),
      cxid: Number(this.#counter & 0x7fffffffn),
      zxid: this.lastZxid,
      time: this.#timeMs,
      type,
    }
    const plain: Txn = { header, record }
    const bare = encodeTxn(plain)
    this.#tree.applyTxn(bare, 0, bare.length)
    const payload = encodeTxn({ ...plain, digest: { version: 2, treeDigest: BigInt.asIntN(64, this.#tree.digest()) } })
    await this.#log.append(payload, 0, payload.length)
  }

  async create(path: string, data: string, session: bigint, options: { readonly ephemeral?: 'ephemeral' } = {}): Promise<void> {
    const acl = [{ perms: 31, scheme: bytes('world'), id: bytes('anyone') }]
    const parentCversion = this.#nextCversion(path.slice(0, path.lastIndexOf('/')))
    await this.commit(
      { kind: 'create', path: bytes(path), data: bytes(data), acl, ephemeral: options.ephemeral !== undefined, parentCversion },
      session,
    )
  }

  async setData(path: string, data: string, session: bigint): Promise<void> {
    const { stat } = this.#node(path)
    await this.commit({ kind: 'setData', path: bytes(path), data: bytes(data), version: stat.version + 1 }, session)
  }

  /** Deletes a subtree from the leaves up, one txn a znode, as `deleteall` of zkCli does. @returns the number of znodes deleted. */
  async deleteAll(path: string, session: bigint): Promise<number> {
    const paths: string[] = []
    for (const index of this.#tree.sortedNodes()) {
      const found = new TextDecoder().decode(this.#tree.node(index).path)
      if (found === path || found.startsWith(`${path}/`)) paths.push(found)
    }
    for (const each of paths.reverse()) await this.commit({ kind: 'delete', path: bytes(each) }, session)
    return paths.length
  }

  /** Everything committed is on the disk; the log stays open. */
  async sync(): Promise<void> {
    await this.#log.sync()
  }

  /** Writes a snapshot of the state now. */
  async snapshot(): Promise<void> {
    await saveTree(this.#directory, this.#tree, this.lastZxid)
  }

  async close(): Promise<void> {
    await this.#log.close()
  }

  #node(path: string): NodeRecord {
    return this.#tree.node(this.#tree.find(bytes(path)))
  }

  #nextCversion(parent: string): number {
    return this.#node(parent).stat.cversion + 1
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function saveTree(directory: string, tree: DataTree, zxid: Zxid): Promise<void> {
  const digest = { zxid, version: 2, digest: BigInt.asIntN(64, tree.digest()) }
  await writeSnapshot(
    join(directory, snapshotName(zxid)),
    {
      sessions: [...tree.sessions()].map(({ id, timeoutMs }) => ({ id, timeoutMs })),
      acls: tree.aclEntries(),
      records: treeRecordSpans(tree),
      digest,
    },
    { fsync: 'before-close' },
  )
}
