/** Small files that claim to be huge, nest without end, or name znodes that cannot be: bounded memory, and a coded error or a true state. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ZooArkError } from '../../src/base/errors.ts'
import { writeSnapshot } from '../../src/formats/snapshot-writer.ts'
import { TxnLogWriter } from '../../src/formats/txn-log-writer.ts'
import { treeRecordSpans } from '../../src/replay/tree-spans.ts'
import { openDataDirectory } from '../../src/source/data-directory.ts'
import { replayFiles } from '../../src/source/replay-files.ts'
import { backUp } from '../../src/engine/backup.ts'
import { salvageDirectory } from '../../src/engine/look/salvage-directory.ts'
import { verifyRepository } from '../../src/engine/verify.ts'
import { openToWrite } from '../../src/engine/repository-place.ts'
import { encodeTxn } from '../../src/model/txn.ts'
import { toSessionId } from '../../src/model/session-id.ts'
import { txnTypes } from '../../src/model/txn-layout.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { contextAt, rootOf, Scenario } from '../engine/scenario.ts'

const session = toSessionId(0x1000a2b3c4d0001n)
const context = contextAt(Date.parse('2026-11-20T06:00:00Z'))

/** Growth of the whole process that a flow may cause; what the files claim is far above it. */
const memoryBytesMax = 256 * 2 ** 20

/** Runs every flow that reads a directory; each must end in a coded error or a report, with bounded memory. @returns codes or `ok` by flow */
async function tryAll(dataDir: string): Promise<Record<string, string>> {
  const endings: Record<string, string> = {}
  const before = process.memoryUsage()
  const flows: Record<string, () => Promise<unknown>> = {
    backup: () => backUp({ dataDir, store: memoryStore() }, context),
    salvage: () => salvageDirectory(dataDir, undefined),
    replay: async () => {
      const directory = await openDataDirectory(dataDir)
      try {
        await replayFiles(directory, 'latest')
      } finally {
        await directory.close()
      }
    },
  }
  for (const [name, flow] of Object.entries(flows)) {
    try {
      await flow()
      endings[name] = 'ok'
    } catch (error) {
      if (!(error instanceof ZooArkError) || error.code === 'BUG') throw new Error(`${name}: not a coded error`, { cause: error })
      endings[name] = error.code
    }
    const after = process.memoryUsage()
    expect(after.rss - before.rss, name).toBeLessThan(memoryBytesMax)
  }
  return endings
}

async function directoryWith(files: Readonly<Record<string, Uint8Array>>): Promise<{ scenario: Scenario; dataDir: string }> {
  const scenario = await Scenario.create()
  const server = await scenario.server()
  await server.close()
  await scenario.remove('data', 'snapshot.0')
  for (const [name, bytes] of Object.entries(files)) await scenario.write('data', name, bytes)
  return { scenario, dataDir: scenario.path('data') }
}

/** Made in pieces, so that the test itself needs no memory for what it claims. */
async function gzOfZerosAfter(head: Uint8Array, mebibytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 })
  const pieces: Buffer[] = []
  gzip.on('data', (piece: Buffer) => pieces.push(piece))
  gzip.write(head)
  const zeros = Buffer.alloc(2 ** 20)
  for (let i = 0; i < mebibytes; i++) await new Promise((resolve) => gzip.write(zeros, resolve))
  gzip.end()
  await once(gzip, 'end')
  return Buffer.concat(pieces)
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const snapshotHeader = Buffer.concat([Buffer.from('ZKSN'), int32(2), Buffer.alloc(8)])

describe('a snapshot', () => {
  it('in gz that claims a gigabyte for one path costs no more than what is there', async () => {
    const bomb = await gzOfZerosAfter(Buffer.concat([snapshotHeader, int32(0), int32(0), int32(0), int32(0x3fffffff)]), 32)
    expect(bomb.length).toBeLessThan(2 ** 16)
    const { dataDir } = await directoryWith({ 'snapshot.0.gz': bomb })
    expect(await tryAll(dataDir)).toMatchObject({ backup: 'POINT_NOT_SETTLED', replay: expect.stringMatching(/DAMAGED|LIMIT/) as string })
  })

  it('of a gigabyte of zeros in a megabyte of gz is refused without being unpacked whole', async () => {
    const bomb = await gzOfZerosAfter(Buffer.concat([snapshotHeader, int32(0), int32(0)]), 1024)
    expect(bomb.length).toBeLessThan(1.1 * 2 ** 20)
    const { dataDir } = await directoryWith({ 'snapshot.0.gz': bomb })
    expect(await tryAll(dataDir)).toMatchObject({ backup: 'POINT_NOT_SETTLED', replay: expect.stringMatching(/DAMAGED|LIMIT/) as string })
  })

  it.each([
    ['sessions', Buffer.concat([snapshotHeader, int32(0x7fffffff)])],
    ['ACLs', Buffer.concat([snapshotHeader, int32(0), int32(0x7fffffff)])],
    ['entries of an ACL', Buffer.concat([snapshotHeader, int32(0), int32(1), Buffer.alloc(8), int32(0x7fffffff)])],
    ['bytes of a path', Buffer.concat([snapshotHeader, int32(0), int32(0), int32(0x7fffffff)])],
  ])('that claims two thousand million %s is refused', async (_what, bytes) => {
    const { dataDir } = await directoryWith({ 'snapshot.0': Buffer.concat([bytes, Buffer.alloc(1000)]) })
    const { backup, replay } = await tryAll(dataDir)
    expect([backup, replay]).toEqual(['POINT_NOT_SETTLED', expect.stringMatching(/DAMAGED|LIMIT/) as string])
  })

  it('in snappy whose block claims four gigabytes is refused', async () => {
    const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1])
    // Length of the block, then a varint of 2^32 - 1 as its plain length, then a literal of one byte.
    const block = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x41])
    const { dataDir } = await directoryWith({ 'snapshot.0.snappy': Buffer.concat([magic, int32(block.length), block]) })
    const { backup, replay } = await tryAll(dataDir)
    expect([backup, replay]).toEqual(['POINT_NOT_SETTLED', expect.stringMatching(/DAMAGED|LIMIT/) as string])
  })

  it('whose znodes have paths that are no UTF-8 or hold NUL is taken byte for byte, or refused', async () => {
    for (const path of [
      Buffer.from([0x2f, 0xff, 0xfe]),
      Buffer.from('/a\0b'),
      Buffer.from('/\u{1f600}'),
      Buffer.from('/..'),
      Buffer.from('//'),
    ]) {
      const scenario = await Scenario.create()
      const server = await scenario.server()
      await server.close()
      const header = { clientId: session, cxid: 9, zxid: toZxid(0x100000005n), time: 9n, type: txnTypes.create }
      const acl = [{ perms: 31, scheme: Buffer.from('world'), id: Buffer.from('anyone') }]
      const record = { kind: 'create', path, data: Buffer.from('x'), acl, ephemeral: false, parentCversion: 3 } as const
      await writeLog(join(scenario.path('data'), 'version-2', 'log.100000005'), encodeTxn({ header, record }))
      const endings = await tryAll(scenario.path('data'))
      expect(endings['salvage']).toBe('ok')
      if (endings['replay'] !== 'ok') {
        // A server cannot have written it: no znode has an empty name.
        expect(path.toString()).toBe('//')
        continue
      }
      const store = memoryStore()
      await backUp({ dataDir: scenario.path('data'), store }, context)
      const report = await verifyRepository(await openToWrite(store, context), { level: 'replay' }, context)
      expect(report.findings, path.toString('hex')).toEqual([])
    }
  })

  it('fifty thousand znodes deep is taken: nothing recurses', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.close()
    const tree = deepTree(800, 60)
    const path = join(scenario.path('data'), 'version-2', 'snapshot.0')
    await scenario.remove('data', 'snapshot.0', 'log.100000001')
    await writeSnapshot(path, { sessions: [], acls: tree.aclEntries(), records: treeRecordSpans(tree) }, { fsync: 'never' })
    await writeOneTxn(join(scenario.path('data'), 'version-2', 'log.1'))
    await backUp({ dataDir: scenario.path('data'), store: scenario.store }, context)
    expect(await scenario.exactRootAt('0x0')).toBe(await rootOf(tree))
  })
})

/** `chains` chains of `depth` znodes under one another. */
function deepTree(depth: number, chains: number): DataTree {
  const tree = new DataTree()
  tree.startEmpty('3.5')
  const acl = [{ perms: 31, scheme: Buffer.from('world'), id: Buffer.from('anyone') }]
  for (let chain = 0; chain < chains; chain++) {
    let path = ''
    for (let level = 0; level < depth; level++) {
      path += level === 0 ? `/c${chain}` : '/d'
      const header = { clientId: session, cxid: 1, zxid: toZxid(0n), time: 0n, type: txnTypes.create }
      const payload = encodeTxn({
        header,
        record: { kind: 'create', path: Buffer.from(path), data: Buffer.from(''), acl, ephemeral: false, parentCversion: 1 },
      })
      tree.applyTxn(payload, 0, payload.length)
    }
  }
  return tree
}

async function writeOneTxn(path: string): Promise<void> {
  const header = { clientId: session, cxid: 1, zxid: toZxid(1n), time: 1n, type: txnTypes.createSession }
  const payload = encodeTxn({ header, record: { kind: 'createSession', timeoutMs: 10_000 } })
  await writeLog(path, payload)
}

async function writeLog(path: string, payload: Uint8Array): Promise<void> {
  const writer = await TxnLogWriter.create(path, { fsync: 'never' })
  await writer.append(payload, 0, payload.length)
  await writer.close()
}

describe('a log', () => {
  it('with a multi nested ten thousand deep, of a right checksum, ends the history before it', async () => {
    const depth = 10_000
    // A multi that holds one multi that holds one multi…: count 1, type 14, length of the rest.
    let body = Buffer.alloc(0)
    for (let i = 0; i < depth; i++) body = Buffer.concat([int32(1), int32(14), int32(body.length), body])
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.close()
    const header = { clientId: session, cxid: 9, zxid: toZxid(0x100000005n), time: 9n, type: 14 }
    const head = encodeTxn({
      header: { ...header, type: txnTypes.createSession },
      record: { kind: 'createSession', timeoutMs: 1 },
    }).subarray(0, 28)
    const payload = Buffer.concat([head, int32(14), body])
    const path = join(scenario.path('data'), 'version-2', 'log.100000005')
    await writeLog(path, payload)
    const endings = await tryAll(scenario.path('data'))
    expect(endings['replay']).toMatch(/DAMAGED|LIMIT|DIVERGED/)
  })
})
