/** Files over 4 GiB, where 32-bit lengths and offsets end. ZOOARK_LONG=1: they take 15 GB of disk, 6 GB of memory and minutes. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { loadSnapshotTree } from '../../src/replay/load-snapshot-tree.ts'
import { writeSnapshot } from '../../src/formats/snapshot-writer.ts'
import { TxnLogWriter } from '../../src/formats/txn-log-writer.ts'
import { encodeNodeRecord } from '../../src/model/node-record.ts'
import { toSessionId } from '../../src/model/session-id.ts'
import { encodeTxn } from '../../src/model/txn.ts'
import { txnTypes } from '../../src/model/txn-layout.ts'
import { formatZxid, toZxid } from '../../src/model/zxid.ts'
import { treeRecordSpans } from '../../src/replay/tree-spans.ts'
import { SampleServer } from '../../src/source/sample-server.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { rootOf, Scenario, session, startMs } from './scenario.ts'

const isLong = process.env['ZOOARK_LONG'] === '1'
const timeoutMs = 3_600_000
const fourGib = 2 ** 32
const dataLength = 900_000

function skipUnlessLong(skip: TestContext['skip']): void {
  if (!isLong) skip('files over 4 GiB need 15 GB of disk and minutes; set ZOOARK_LONG=1')
}

describe('a txn log over 4 GiB', () => {
  it(
    'is backed up, and a point behind its 4 GiB is restored right',
    async ({ skip }) => {
      skipUnlessLong(skip)
      const scenario = await Scenario.create()
      const server = await SampleServer.create(scenario.path('data'), { timeMs: startMs })
      await server.create('/big', 'x', session)
      const data = 'y'.repeat(dataLength)
      const count = Math.ceil(fourGib / dataLength) + 50
      for (let i = 0; i < count; i++) await server.setData('/big', `${String(i).padStart(8, '0')}${data}`, session)
      await server.close()
      expect((await stat(join(scenario.path('data'), 'version-2', 'log.100000001'))).size).toBeGreaterThan(fourGib)
      expect(await scenario.backUp()).toMatchObject({ txns: count + 1, last: server.lastZxid, gaps: [], losses: [] })
      const behind = formatZxid(toZxid(server.lastZxid - 3n))
      expect(await scenario.exactRootAt(behind)).toBe(await scenario.rootOfFiles('data', behind))
    },
    timeoutMs,
  )
})

/** One big znode after another, in a buffer that is filled anew each time. */
class BigRecords {
  readonly #first: ReturnType<typeof treeRecordSpans>
  readonly #record: Uint8Array
  readonly #pathAt: number
  #isFirst = true
  #left: number

  constructor(tree: DataTree, count: number) {
    this.#first = treeRecordSpans(tree)
    this.#left = count
    const zxid = toZxid(0x100000001n)
    const stat = { czxid: zxid, mzxid: zxid, ctime: 1n, mtime: 1n, version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n, pzxid: zxid }
    this.#record = encodeNodeRecord({ path: Buffer.from('/big-00000000'), data: new Uint8Array(dataLength), aclKey: 1n, stat })
    this.#pathAt = 4 + '/big-'.length
  }

  get window(): Uint8Array {
    return this.#isFirst ? this.#first.window : this.#record
  }

  get start(): number {
    return this.#isFirst ? this.#first.start : 0
  }

  get end(): number {
    return this.#isFirst ? this.#first.end : this.#record.length
  }

  next(): boolean {
    if (this.#isFirst && this.#first.next()) return true
    this.#isFirst = false
    if (this.#left === 0) return false
    this.#left--
    const name = Buffer.from(String(this.#left).padStart(8, '0'))
    this.#record.set(name, this.#pathAt)
    this.#record.set(name, 1000)
    return true
  }
}

describe('a snapshot over 4 GiB', () => {
  it(
    'is backed up and restored right, and the restored file is over 4 GiB too',
    async ({ skip }) => {
      skipUnlessLong(skip)
      const scenario = await Scenario.create()
      const server = await scenario.server()
      await server.close()
      await scenario.remove('data', 'snapshot.0', 'log.100000001')
      const directory = join(scenario.path('data'), 'version-2')
      const tree = new DataTree()
      tree.startEmpty('3.5')
      const path = join(directory, 'snapshot.100000001')
      const count = Math.ceil(fourGib / dataLength) + 50
      const acls = [{ key: 1n, bytes: openAcl() }, ...tree.aclEntries().filter(({ key }) => key !== 1n)]
      const { fileBytes } = await writeSnapshot(path, { sessions: [], acls, records: new BigRecords(tree, count) }, { fsync: 'never' })
      expect(fileBytes).toBeGreaterThan(fourGib)
      const header = { clientId: toSessionId(session), cxid: 1, zxid: toZxid(0x100000002n), time: 1n, type: txnTypes.createSession }
      const payload = encodeTxn({ header, record: { kind: 'createSession', timeoutMs: 10_000 } })
      const writer = await TxnLogWriter.create(join(directory, 'log.100000002'), { fsync: 'never' })
      await writer.append(payload, 0, payload.length)
      await writer.close()
      expect(await scenario.backUp()).toMatchObject({ txns: 1, gaps: [], losses: [] })
      const root = await scenario.rootOfFiles('data', 'latest')
      await scenario.run(await scenario.plan('latest', 'out', { mode: 'exact' }))
      const restored = join(scenario.path('out'), 'version-2', 'snapshot.100000002')
      expect((await stat(restored)).size).toBeGreaterThan(fourGib)
      expect(await rootOf((await loadSnapshotTree(restored)).tree)).toBe(root)
    },
    timeoutMs,
  )
})

/** world:anyone with every right, as a snapshot holds it: count, perms, scheme, id. */
function openAcl(): Uint8Array {
  return Buffer.from('000000010000001f00000005776f726c6400000006616e796f6e65', 'hex')
}
