import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { listDataDir } from '../../src/formats/data-dir.ts'
import { salvageTxnLog } from '../../src/formats/salvage-log.ts'
import { salvageSnapshot, spansOf } from '../../src/formats/salvage-snapshot.ts'
import { type SnapshotSummary, readSnapshot } from '../../src/formats/snapshot-reader.ts'
import { writeSnapshot } from '../../src/formats/snapshot-writer.ts'
import { type TxnLogSummary, readTxnLog } from '../../src/formats/txn-log-reader.ts'
import { TxnLogWriter } from '../../src/formats/txn-log-writer.ts'
import { joinLong } from '../../src/jute/long.ts'
import { readAcls } from '../../src/model/acl.ts'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import { decodeNodeRecord, encodeNodeRecord } from '../../src/model/node-record.ts'
import { formatSessionId } from '../../src/model/session-id.ts'
import { type Txn, decodeTxn, encodeTxn } from '../../src/model/txn.ts'
import { isValidPathBytes } from '../../src/model/znode-path.ts'
import { formatZxid } from '../../src/model/zxid.ts'
import { withDirectory } from './hand-written.ts'

/** Files written by real servers; how they were made stands in the provenance.json beside them. */
const vectors = fileURLToPath(new URL('../vectors/zookeeper', import.meta.url))
const scenarios = readdirSync(vectors).flatMap((version) => readdirSync(join(vectors, version)).map((scenario) => ({ version, scenario })))

interface Provenance {
  systemProperties: Record<string, string>
  closeSessionWithoutBody: boolean
  snapshots: { name: string; znodes: number; danglingAcls: number }[]
  files: Record<string, { sizeBytes: number; sha256: string }>
}

/** A line of txns.ndjson.gz: one transaction as ZooKeeper's own classes read it. */
interface ToldTxn {
  log: string
  zxid: string
  type: number
  session: string
  cxid: number
  time: string
  record: string | null
  digestVersion?: number
  digest?: string
}

/** ZooKeeper's class for each kind of record. */
const classOfKind: Readonly<Record<string, string>> = {
  create: 'CreateTxn',
  create2: 'CreateTxn',
  createContainer: 'CreateContainerTxn',
  createTTL: 'CreateTTLTxn',
  delete: 'DeleteTxn',
  deleteContainer: 'DeleteTxn',
  setData: 'SetDataTxn',
  reconfig: 'SetDataTxn',
  setACL: 'SetACLTxn',
  multi: 'MultiTxn',
  createSession: 'CreateSessionTxn',
  closeSession: 'CloseSessionTxn',
  error: 'ErrorTxn',
}

function toldOf(log: string, txn: Txn): ToldTxn {
  const { header, record, digest } = txn
  const bodyless = record.kind === 'closeSession' && record.paths === undefined
  return {
    log,
    zxid: formatZxid(header.zxid),
    type: header.type,
    session: formatSessionId(header.clientId),
    cxid: header.cxid,
    time: String(header.time),
    record: bodyless ? null : classOfKind[record.kind],
    ...(digest === undefined ? {} : { digestVersion: digest.version, digest: `0x${BigInt.asUintN(64, digest.treeDigest).toString(16)}` }),
  }
}

async function copySnapshot(path: string, target: string): Promise<SnapshotSummary> {
  const sessions: { id: bigint; timeoutMs: number }[] = []
  const acls: { key: bigint; bytes: Uint8Array }[] = []
  const spans: { window: Uint8Array; start: number; end: number }[] = []
  const summary = await readSnapshot(path, {
    session: (hi, lo, timeoutMs) => void sessions.push({ id: joinLong(hi, lo), timeoutMs }),
    acl(hi, lo, bytes, start, end) {
      const reader = new JuteReader(bytes, start, end)
      expect(readAcls(reader)?.length).toBeGreaterThan(0)
      expect(reader.remaining).toBe(0)
      acls.push({ key: joinLong(hi, lo), bytes: bytes.slice(start, end) })
    },
    records(window, starts, count) {
      for (let i = 0; i < count; i++) {
        const node = decodeNodeRecord(window, starts[i], starts[i + 1])
        expect(isValidPathBytes(node.path)).toBe(true)
        const bytes = encodeNodeRecord(node)
        expect(Buffer.compare(bytes, window.subarray(starts[i], starts[i + 1]))).toBe(0)
        spans.push({ window: bytes, start: 0, end: bytes.length })
      }
    },
  })
  const { digest, lastProcessedZxid } = summary
  const trailers = { ...(digest === undefined ? {} : { digest }), ...(lastProcessedZxid === undefined ? {} : { lastProcessedZxid }) }
  await writeSnapshot(target, { sessions, acls, records: spansOf(spans), ...trailers }, { fsync: 'never' })
  return summary
}

async function copyLog(path: string, target: string, txns: Txn[]): Promise<TxnLogSummary> {
  const writer = await TxnLogWriter.create(target, { fsync: 'never' })
  const summary = await readTxnLog(
    path,
    {
      async txns(window, starts, ends, count) {
        for (let i = 0; i < count; i++) {
          const bytes = window.slice(starts[i], ends[i])
          const txn = decodeTxn(bytes, 0, bytes.length)
          expect(Buffer.compare(encodeTxn(txn), bytes)).toBe(0)
          txns.push(txn)
        }
        await writer.appendAll(window, starts, ends, count)
      },
    },
    { padding: 'check' },
  )
  await writer.close({ sizeBytes: summary.fileBytes })
  return summary
}

it('there are vectors of every line from 3.4 to 3.9', () => {
  const lines = new Set(scenarios.map(({ version }) => version.split('.').slice(0, 2).join('.')))
  expect([...lines]).toEqual(expect.arrayContaining(['3.4', '3.5', '3.6', '3.8', '3.9']))
})

describe.each(scenarios)('files of a $version server ($scenario)', ({ version, scenario }) => {
  const directory = join(vectors, version, scenario)
  const provenance = JSON.parse(readFileSync(join(directory, 'provenance.json'), 'utf8')) as Provenance
  const minor = Number(version.split('.')[1])
  const digests = minor >= 6 && provenance.systemProperties['zookeeper.digest.enabled'] !== 'false'

  it('are the ones that its provenance names', async () => {
    const found = await listDataDir(directory)
    const paths = [...found.snapshots, ...found.logs].map(({ path }) => path)
    expect(found.foreign).toEqual([])
    expect(paths.length).toBe(Object.keys(provenance.files).filter((name) => !name.endsWith('Epoch')).length)
    for (const path of paths) {
      const bytes = await readFile(path)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(provenance.files[path.split('/').at(-1) ?? '']?.sha256)
    }
    if (existsSync(join(directory, 'version-2', 'currentEpoch'))) {
      expect(found.currentEpoch?.epoch).toBe(1n)
      expect(found.acceptedEpoch?.epoch).toBe(1n)
    }
  })

  it('give snapshots that are read, counted as the server counts, and written back bit for bit', async () => {
    await withDirectory(async (target) => {
      for (const { name, znodes } of provenance.snapshots) {
        const path = join(directory, 'version-2', name)
        const summary = await copySnapshot(path, join(target, name))
        expect(summary).toMatchObject({ nodes: znodes, trailingBytes: 0, version: 2, dbId: -1n })
        expect(summary.compression).toBe(name.endsWith('.gz') ? 'gz' : name.endsWith('.snappy') ? 'snappy' : 'none')
        expect(summary).not.toHaveProperty('compressionOfName')
        expect(summary.digest?.version).toBe(digests ? 2 : undefined)
        expect(summary.lastProcessedZxid !== undefined).toBe(minor >= 9)
        const copy = await readFile(join(target, name))
        const original = await readFile(path)
        if (summary.compression === 'none') expect(Buffer.compare(copy, original)).toBe(0)
        if (summary.compression === 'gz') expect(Buffer.compare(copy, gunzipSync(original))).toBe(0)
        // Of snappy there is no other decoder here; every seal matched, and the copy is as long and has the same checksum.
        const { compression, ...content } = summary
        expect(await readSnapshot(join(target, name), {})).toMatchObject({ ...content, compression: 'none' })
        expect(await salvageSnapshot(path)).toMatchObject({ verdict: 'whole', nodes: znodes, compression })
      }
    })
  })

  it('give logs whose every transaction is what ZooKeeper itself reads, written back bit for bit', async () => {
    const lines = gunzipSync(readFileSync(join(directory, 'txns.ndjson.gz')))
      .toString('utf8')
      .trim()
      .split('\n')
    const told = lines.map((line) => JSON.parse(line) as ToldTxn)
    const own: ToldTxn[] = []
    await withDirectory(async (target) => {
      for (const { path, zxid } of (await listDataDir(directory)).logs) {
        const name = path.split('/').at(-1) ?? ''
        const txns: Txn[] = []
        const summary = await copyLog(path, join(target, name), txns)
        expect(summary).toMatchObject({ first: zxid, end: 'padding', ascending: true, version: 2, dbId: 0n, count: txns.length })
        expect(summary).not.toHaveProperty('dirtyPaddingAt')
        expect(Buffer.compare(await readFile(join(target, name)), await readFile(path))).toBe(0)
        expect(await salvageTxnLog(path)).toMatchObject({ damages: [], stretches: [{ count: txns.length }] })
        for (const txn of txns) {
          expect(txn.trailing).toBeUndefined()
          if (txn.record.kind === 'closeSession') expect(txn.record.paths === undefined).toBe(provenance.closeSessionWithoutBody)
          own.push(toldOf(name, txn))
        }
      }
    })
    expect(own).toEqual(told)
  })
})
