import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  bytesOf,
  joined,
  logHeader,
  logRecords,
  smallLog,
  smallSnapshot,
  withBytes,
  withDirectory,
} from '../../test/formats/hand-written.ts'
import { decodeTxn } from '../model/txn.ts'
import { formatZxid } from '../model/zxid.ts'
import { type TxnLogOptions, readTxnLog } from './txn-log-reader.ts'
import { TxnLogWriter } from './txn-log-writer.ts'

const ends = [0, 1, 2, 3].map((count) => joined(logHeader, ...logRecords.slice(0, count)).length)

// One directory for all: thousands of short files are read here.
let directoryOfTest = ''
beforeAll(async () => {
  directoryOfTest = await mkdtemp(join(tmpdir(), 'zooark-log-'))
})
afterAll(async () => {
  await rm(directoryOfTest, { recursive: true })
})

async function read(bytes: Uint8Array, options: TxnLogOptions = {}) {
  const path = join(directoryOfTest, 'log.1')
  await writeFile(path, bytes)
  const zxids: string[] = []
  const offsets: number[] = []
  const summary = await readTxnLog(
    path,
    {
      txns(window, starts, stops, count, place) {
        for (let i = 0; i < count; i++) {
          zxids.push(formatZxid(decodeTxn(window, starts[i], stops[i]).header.zxid))
          offsets.push(place.offsetOfWindow + starts[i])
        }
      },
    },
    options,
  )
  return { zxids, offsets, summary }
}

describe('readTxnLog', () => {
  it('hands out every payload with its place in the file', async () => {
    const { zxids, offsets, summary } = await read(smallLog)
    expect(zxids).toEqual(['0x1', '0x2', '0x3'])
    expect(offsets).toEqual([ends[0] + 12, ends[1] + 12, ends[2] + 12])
    expect(summary).toEqual({
      zxidOfName: 1n,
      version: 2,
      dbId: 0n,
      first: 1n,
      last: 3n,
      count: 3,
      validBytes: smallLog.length,
      fileBytes: smallLog.length,
      end: 'end-of-file',
      ascending: true,
    })
  })

  it('takes zeros after the records as padding, be they many or few', async () => {
    for (const zeros of [1, 11, 12, 13, 70_000]) {
      const { summary } = await read(joined(smallLog, new Uint8Array(zeros)), { padding: 'check' })
      expect(summary).toMatchObject({ end: 'padding', count: 3, validBytes: smallLog.length, fileBytes: smallLog.length + zeros })
      expect(summary).not.toHaveProperty('dirtyPaddingAt')
    }
  })

  it('reports, when asked to look, what stands behind the padding and would never be read', async () => {
    const bytes = new Uint8Array(smallLog.length + 200_000)
    bytes.set(smallLog)
    bytes[smallLog.length + 150_000] = 1
    expect((await read(bytes, { padding: 'check' })).summary).toMatchObject({ end: 'padding', dirtyPaddingAt: smallLog.length + 150_000 })
    expect((await read(bytes)).summary).not.toHaveProperty('dirtyPaddingAt')
  })

  it('takes an empty file and a header alone as what they are', async () => {
    expect((await read(new Uint8Array(0))).summary).toEqual({
      zxidOfName: 1n,
      count: 0,
      validBytes: 0,
      fileBytes: 0,
      end: 'empty',
      ascending: true,
    })
    expect((await read(logHeader)).summary).toMatchObject({ count: 0, validBytes: 16, end: 'end-of-file' })
    expect((await read(joined(logHeader, new Uint8Array(500)))).summary).toMatchObject({ count: 0, validBytes: 16, end: 'padding' })
  })

  it('goes on where an earlier reading ended', async () => {
    const { zxids, offsets, summary } = await read(smallLog, { startAt: ends[2] })
    expect(zxids).toEqual(['0x3'])
    expect(offsets).toEqual([ends[2] + 12])
    expect(summary).toMatchObject({ first: 3n, last: 3n, count: 1, validBytes: ends[3] })
    expect((await read(smallLog, { startAt: ends[3] })).summary).toMatchObject({ count: 0, validBytes: ends[3], end: 'end-of-file' })
  })

  it('says whether the zxids ascend', async () => {
    const { summary } = await read(joined(logHeader, logRecords[1], logRecords[0], logRecords[2]))
    expect(summary).toMatchObject({ ascending: false, first: 2n, last: 3n })
    expect((await read(joined(logHeader, logRecords[0], logRecords[0]))).summary.ascending).toBe(false)
  })

  it('tells a record that is not whole from padding and from damage', async () => {
    const lengthCut = logRecords[1].slice(0, 12).fill(0, 8)
    for (const tail of [new Uint8Array(0), new Uint8Array(300)]) {
      const torn = (await read(joined(logHeader, logRecords[0], lengthCut, tail))).summary
      expect(torn).toMatchObject({ end: 'torn', tornReason: 'partial-length', tornAt: ends[1], validBytes: ends[1], count: 1 })
    }
    const cut = logRecords[1].slice(0, -5)
    expect((await read(joined(logHeader, logRecords[0], cut))).summary).toMatchObject({ end: 'torn', tornReason: 'short', tornAt: ends[1] })
    const padded = (await read(joined(logHeader, logRecords[0], cut, new Uint8Array(300)))).summary
    expect(padded).toMatchObject({ end: 'torn', tornReason: 'no-end-mark', tornAt: ends[1], count: 1 })
  })

  it('reads from an open handle and leaves it open', async () => {
    await withBytes('log.1', smallLog, async (path) => {
      const handle = await open(path, 'r')
      expect((await readTxnLog({ path, handle }, {})).count).toBe(3)
      expect((await readTxnLog({ path, handle }, {})).count).toBe(3)
      await handle.close()
    })
  })

  it('reads records behind 4 GiB, with their offsets', async () => {
    const path = join(directoryOfTest, 'log.1')
    const offset = 5 * 2 ** 30 + 3
    await writeFile(path, logHeader)
    const handle = await open(path, 'r+')
    await handle.write(joined(...logRecords), 0, null, offset)
    await handle.close()
    const places: number[] = []
    const sink = {
      txns(_window: Uint8Array, starts: Uint32Array, _ends: Uint32Array, count: number, place: { offsetOfWindow: number }) {
        for (let i = 0; i < count; i++) places.push(place.offsetOfWindow + starts[i])
      },
    }
    const summary = await readTxnLog(path, sink, { startAt: offset })
    expect(summary).toMatchObject({
      count: 3,
      validBytes: offset + smallLog.length - 16,
      end: 'end-of-file',
      fileBytes: offset + smallLog.length - 16,
    })
    expect(places).toEqual([0, 1, 2].map((i) => offset + ends[i] - 16 + 12))
  })

  it('reads records that straddle windows, and one that is longer than a window', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'log.1')
      const writer = await TxnLogWriter.create(path, { fsync: 'never' })
      const lengths = [40, 60_000, 70_000, 33, 300_000, 65_000, 1000, 2_500_000, 50]
      for (const [i, length] of lengths.entries()) {
        const payload = new Uint8Array(length).fill(i + 1)
        payload.set(bytesOf((i + 1).toString(16).padStart(16, '0')), 12)
        await writer.append(payload, 0, length)
      }
      await writer.close()
      const seen: number[] = []
      const summary = await readTxnLog(
        path,
        {
          async txns(window, starts, stops, count) {
            await Promise.resolve()
            for (let i = 0; i < count; i++) {
              seen.push(stops[i] - starts[i])
              expect(window[starts[i]]).toBe(seen.length)
              expect(window[stops[i] - 1]).toBe(seen.length)
            }
          },
        },
        { windowLength: 1 },
      )
      expect(seen).toEqual(lengths)
      expect(summary).toMatchObject({ count: lengths.length, end: 'end-of-file', last: 9n })
    })
  })
})

describe('readTxnLog of hostile bytes', () => {
  it('gives all whole records before a truncation at any byte, and calls the rest torn', async () => {
    for (let length = 0; length <= smallLog.length; length++) {
      const cut = smallLog.subarray(0, length)
      if (length > 0 && length < logHeader.length) {
        await expect(read(cut)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED', place: { offset: length } })
        continue
      }
      const { summary } = await read(cut)
      const whole = ends.filter((end) => end <= length)
      expect(summary.count).toBe(Math.max(0, whole.length - 1))
      // A few zeros alone could be padding: the first four bytes of a checksum always are.
      const rest = length - (whole.at(-1) ?? 0)
      if (length > 0) expect(summary.end).toBe(rest === 0 ? 'end-of-file' : rest <= 4 ? 'padding' : 'torn')
    }
  })

  it('notices every single flipped bit, except in the dbId, which nothing protects', async () => {
    for (let bit = 0; bit < smallLog.length * 8; bit++) {
      const flipped = smallLog.slice()
      flipped[bit >> 3] ^= 1 << (bit & 7)
      const outcome = await read(flipped).catch((error: unknown) => error)
      if (bit >= 64 && bit < 128)
        expect(outcome).toMatchObject({ summary: { count: 3, dbId: expect.not.toSatisfy((id: bigint) => id === 0n) } })
      else if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'TXN_LOG_DAMAGED', place: { offset: expect.any(Number) } })
      else expect(outcome).toMatchObject({ summary: { end: 'torn', tornAt: ends.findLast((end) => end * 8 <= bit) } })
    }
  })

  it('names offset and zxid of a record whose checksum is wrong', async () => {
    const flipped = smallLog.slice()
    flipped[ends[1] + 12 + 34] ^= 1
    await expect(read(flipped)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED', place: { offset: ends[1], zxid: '0x2' } })
  })

  it.each(['ffffffff', 'fffffffe', '80000000', '40000001'])('refuses 0x%s as the length of a record', async (lie) => {
    const lied = smallLog.slice()
    lied.set(bytesOf(lie), ends[1] + 8)
    await expect(read(lied)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED', place: { offset: ends[1] } })
  })

  it('refuses a payload with a right checksum that is shorter than a header', async () => {
    await expect(read(joined(logHeader, bytesOf('00000000 00620062 00000001 61 42')))).rejects.toMatchObject({
      code: 'TXN_LOG_DAMAGED',
      message: 'a record of 1 bytes holds no transaction',
    })
  })

  it('does not read what is not a log', async () => {
    await expect(read(smallSnapshot)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED', place: { offset: 0 } })
    await expect(readTxnLog('/nowhere/log.1', {})).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })
})
