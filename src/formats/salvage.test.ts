import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  bytesOf,
  joined,
  logHeader,
  logRecords,
  smallLog,
  smallSnapshot,
  snapshotBody,
  withBytes,
} from '../../test/formats/hand-written.ts'
import { encodeTxn } from '../model/txn.ts'
import { toSessionId } from '../model/session-id.ts'
import { formatPath } from '../model/znode-path.ts'
import { toZxid } from '../model/zxid.ts'
import { salvageTxnLog, writeSalvagedLog } from './salvage-log.ts'
import { salvageSnapshot, writeSalvagedSnapshot } from './salvage-snapshot.ts'
import { readSnapshot } from './snapshot-reader.ts'
import { readTxnLog } from './txn-log-reader.ts'
import { TxnLogWriter } from './txn-log-writer.ts'

const ends = [0, 1, 2, 3].map((count) => joined(logHeader, ...logRecords.slice(0, count)).length)
const salvage = (bytes: Uint8Array) => withBytes('log.1', bytes, (path) => salvageTxnLog(path))

describe('salvageTxnLog', () => {
  it('finds nothing wrong with a whole log, padded or not', async () => {
    for (const bytes of [smallLog, joined(smallLog, new Uint8Array(500))]) {
      expect(await salvage(bytes)).toMatchObject({
        header: 'good',
        damages: [],
        search: 'complete',
        stretches: [{ startOffset: 16, endOffset: ends[3], first: 1n, last: 3n, count: 3 }],
      })
    }
    expect(await salvage(new Uint8Array(0))).toMatchObject({ header: 'missing', stretches: [], damages: [] })
  })

  it('goes on after a record with a wrong checksum, and names its zxid and path', async () => {
    const bytes = smallLog.slice()
    bytes[ends[1] + 12 + 42] ^= 1
    const report = await salvage(bytes)
    expect(report.stretches).toMatchObject([
      { first: 1n, last: 1n, count: 1 },
      { first: 3n, last: 3n, count: 1 },
    ])
    expect(report.damages).toMatchObject([
      {
        offset: ends[1],
        reason: 'checksum',
        resumesAt: ends[2],
        lost: { after: 1n, before: 3n },
        losesTxns: true,
        suspect: { zxid: 2n, type: 'create' },
      },
    ])
    expect(report.damages[0].suspect?.paths.map(formatPath)).toEqual(['/a'])
  })

  it('finds the next record behind a length that lies, a lost end mark, a hole, or foreign bytes', async () => {
    const damage = {
      length: (bytes: Uint8Array) => bytes.set(bytesOf('fffffff0'), ends[1] + 8),
      'no-end-mark': (bytes: Uint8Array) => bytes.set(bytesOf('00'), ends[2] - 1),
      hole: (bytes: Uint8Array) => bytes.fill(0, ends[1], ends[2]),
    }
    for (const [reason, apply] of Object.entries(damage)) {
      const bytes = smallLog.slice()
      apply(bytes)
      const report = await salvage(bytes)
      expect(report.damages).toMatchObject([
        { offset: ends[1], reason, resumesAt: ends[2], lost: { after: 1n, before: 3n }, losesTxns: true },
      ])
      expect(report.stretches.map(({ count }) => count)).toEqual([1, 1])
    }
    const inserted = joined(smallLog.subarray(0, ends[1]), new Uint8Array(100).fill(0xee), smallLog.subarray(ends[1]))
    expect((await salvage(inserted)).damages).toMatchObject([
      { resumesAt: ends[1] + 100, lost: { after: 1n, before: 2n }, losesTxns: false },
    ])
  })

  it('reads on behind a header that is damaged', async () => {
    const bytes = smallLog.slice()
    bytes[0] = 0
    const report = await salvage(bytes)
    expect(report).toMatchObject({
      header: 'damaged',
      damages: [{ offset: 0, reason: 'header', resumesAt: 16 }],
      stretches: [{ count: 3 }],
    })
  })

  it('says of a torn tail that nothing comes after it', async () => {
    const report = await salvage(smallLog.subarray(0, ends[3] - 4))
    expect(report.damages).toMatchObject([{ offset: ends[2], reason: 'torn', lost: { after: 2n } }])
    expect(report.damages[0]).not.toHaveProperty('resumesAt')
  })

  it('is not deceived by a log that stands in the data of a znode', async () => {
    const header = { clientId: toSessionId(1n), cxid: 1, time: 0n, type: 5 }
    const set = (zxid: bigint, data: Uint8Array) =>
      encodeTxn({ header: { ...header, zxid: toZxid(zxid) }, record: { kind: 'setData', path: bytesOf('2f61'), data, version: 1 } })
    const inner = await logOf([set(7n, new Uint8Array(3))])
    const bytes = await logOf([set(1n, new Uint8Array(3)), set(2n, inner), set(3n, new Uint8Array(3))])
    const second = bytes.indexOf(0x42, 16 + 12 + 32) + 1
    bytes[second + 12] ^= 1
    expect((await salvage(bytes)).stretches.map(({ first, last }) => [first, last])).toEqual([
      [1n, 1n],
      [3n, 3n],
    ])
  })

  it('stops at a limit in a file that looks like long records everywhere', async () => {
    // Every 16 bytes: checksum 1, a length of 8 MiB, and an end mark where that ends.
    const pattern = bytesOf('0000000000000001 00800000 42424242')
    const bytes = new Uint8Array(Buffer.alloc(24 << 20, pattern))
    bytes.set(smallLog.subarray(0, ends[1]))
    expect(await salvage(bytes)).toMatchObject({ search: 'stopped-at-limit', stretches: [{ count: 1 }] })
  })

  it('ends, with what is valid in front, for every flipped bit and every truncation', async () => {
    for (let i = 0; i < smallLog.length; i += 3) {
      const flipped = smallLog.slice()
      flipped[i] ^= 0x20
      const report = await salvage(flipped)
      const whole = i < 16 ? (i >= 8 ? 3 : 0) : ends.filter((end) => end <= i).length - 1
      const prefix = report.stretches.filter((stretch) => stretch.startOffset === 16)
      expect(prefix.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(whole)
      expect((await salvage(smallLog.subarray(0, i))).search).toBe('complete')
    }
  })
})

describe('writeSalvagedLog', () => {
  it('writes the longest valid prefix, or every valid record', async () => {
    const bytes = smallLog.slice()
    bytes[ends[1] + 12 + 42] ^= 1
    await withBytes('log.1', bytes, async (path) => {
      await writeSalvagedLog(path, `${path}.prefix`, { keep: 'prefix', fsync: 'never' })
      expect(new Uint8Array(await readFile(`${path}.prefix`))).toEqual(smallLog.subarray(0, ends[1]))
      await writeSalvagedLog(path, `${path}.all`, { keep: 'every-valid-record', fsync: 'never' })
      expect(new Uint8Array(await readFile(`${path}.all`))).toEqual(joined(logHeader, logRecords[0], logRecords[2]))
    })
  })

  it('gives a log whose header alone was damaged its header back', async () => {
    const bytes = smallLog.slice()
    bytes[2] = 0
    await withBytes('log.1', bytes, async (path) => {
      await writeSalvagedLog(path, `${path}.prefix`, { keep: 'prefix', fsync: 'never' })
      expect(new Uint8Array(await readFile(`${path}.prefix`))).toEqual(smallLog)
    })
  })

  it('writes nothing where nothing can be saved', async () => {
    await withBytes('log.1', joined(logHeader, new Uint8Array(50).fill(9)), async (path) => {
      await expect(writeSalvagedLog(path, `${path}.x`, { keep: 'every-valid-record', fsync: 'never' })).rejects.toMatchObject({
        code: 'TXN_LOG_DAMAGED',
      })
      await expect(readFile(`${path}.x`)).rejects.toMatchObject({ code: 'ENOENT' })
    })
  })
})

describe('salvageSnapshot', () => {
  const report = (bytes: Uint8Array) => withBytes('snapshot.5', bytes, (path) => salvageSnapshot(path))

  it('says what is whole, unsealed at the end, of a wrong checksum, broken off, or nothing', async () => {
    expect(await report(smallSnapshot)).toMatchObject({ verdict: 'whole', sessions: 1, acls: 1, nodes: 3, digest: { version: 2 } })
    expect(await report(smallSnapshot.subarray(0, -1))).toMatchObject({ verdict: 'unsealed-end', nodes: 3, damage: { part: 'trailers' } })
    const wrong = smallSnapshot.slice()
    wrong[158] ^= 1
    expect(await report(wrong)).toMatchObject({ verdict: 'checksum-mismatch', nodes: 3, damage: { part: 'seal' } })
    const cut = await report(smallSnapshot.subarray(0, 240))
    expect(cut).toMatchObject({ verdict: 'broken-off', sessions: 1, acls: 1, nodes: 2, damage: { part: 'nodes' } })
    expect(cut.lastPath && formatPath(cut.lastPath)).toBe('/a')
    expect(await report(smallSnapshot.subarray(0, 40))).toMatchObject({
      verdict: 'nothing',
      sessions: 1,
      nodes: 0,
      damage: { part: 'acls' },
    })
  })

  it('decodes a gz snapshot as far as it goes', async () => {
    const gz = gzipSync(smallSnapshot, { level: 0 })
    expect(await report(gz.subarray(0, 10 + 5 + 240))).toMatchObject({ compression: 'gz', verdict: 'broken-off', nodes: 2 })
  })

  it('ends for every truncation and every flipped byte, with the nodes in front of it', async () => {
    for (let i = 9; i < smallSnapshot.length; i += 4) {
      const cut = await report(smallSnapshot.subarray(0, i))
      expect(cut.nodes).toBe([147, 227, snapshotBody.length - 5].filter((end) => end <= i).length)
      const flipped = smallSnapshot.slice()
      flipped[i] ^= 0x40
      const found = await report(flipped)
      expect(found.verdict).not.toBe('whole')
      expect(found.nodes).toBeGreaterThanOrEqual([147, 227, snapshotBody.length - 5].filter((end) => end <= i).length)
    }
  })

  it('writes what decodes as a new sealed snapshot', async () => {
    await withBytes('snapshot.5', smallSnapshot.subarray(0, 240), async (path) => {
      expect(await writeSalvagedSnapshot(path, `${path}.saved`, { fsync: 'never' })).toMatchObject({ nodes: 2, verdict: 'broken-off' })
      expect(await readSnapshot(`${path}.saved`, {})).toMatchObject({ nodes: 2, sessions: 1, acls: 1, trailingBytes: 0 })
    })
    await withBytes('snapshot.5', smallSnapshot.subarray(0, 60), async (path) => {
      await expect(writeSalvagedSnapshot(path, `${path}.saved`, { fsync: 'never' })).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' })
    })
  })
})

async function logOf(payloads: readonly Uint8Array[]): Promise<Uint8Array> {
  return withBytes('unused', new Uint8Array(0), async (path) => {
    const writer = await TxnLogWriter.create(`${path}.log`, { fsync: 'never' })
    for (const payload of payloads) await writer.append(payload, 0, payload.length)
    await writer.close()
    expect((await readTxnLog(`${path}.log`, {})).count).toBe(payloads.length)
    return new Uint8Array(await readFile(`${path}.log`))
  })
}
