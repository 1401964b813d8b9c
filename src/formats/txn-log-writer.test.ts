import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { joined, logRecords, smallLog, withBytes, withDirectory } from '../../test/formats/hand-written.ts'
import { readTxnLog } from './txn-log-reader.ts'
import { TxnLogWriter, paddedLogSize } from './txn-log-writer.ts'

describe('TxnLogWriter', () => {
  it('writes the very bytes that a server writes', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'log.1')
      const writer = await TxnLogWriter.create(path, { fsync: 'before-close' })
      for (const record of logRecords) await writer.append(record, 12, record.length - 1)
      expect(writer.position).toBe(smallLog.length)
      await writer.sync()
      expect(new Uint8Array(await readFile(path))).toEqual(smallLog)
      expect(await writer.close({ sizeBytes: 300 })).toBe(300)
      expect(new Uint8Array(await readFile(path))).toEqual(joined(smallLog, new Uint8Array(300 - smallLog.length)))
    })
  })

  it('copies a log batch by batch, padding and dbId included', async () => {
    const original = joined(smallLog, new Uint8Array(1000))
    original[15] = 9
    await withBytes('log.1', original, async (path) => {
      const copy = `${path}.copy`
      const writer = await TxnLogWriter.create(copy, { fsync: 'never', dbId: 9n })
      const summary = await readTxnLog(path, { txns: (window, starts, ends, count) => writer.appendAll(window, starts, ends, count) })
      await writer.close({ sizeBytes: summary.fileBytes })
      expect(new Uint8Array(await readFile(copy))).toEqual(original)
    })
  })

  it('keeps the order of records that do and do not fit in its buffer', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'log.1')
      const lengths = Array.from({ length: 200 }, (_, i) => (i % 7 === 3 ? 1_200_000 : 32 + i * 97))
      const window = new Uint8Array(1_300_000)
      const writer = await TxnLogWriter.create(path, { fsync: 'never' })
      await writer.appendAll(window, new Uint32Array(lengths.length), Uint32Array.from(lengths), lengths.length)
      await writer.close()
      const seen: number[] = []
      await readTxnLog(path, {
        txns(_window, starts, ends, count) {
          for (let i = 0; i < count; i++) seen.push(ends[i] - starts[i])
        },
      })
      expect(seen).toEqual(lengths)
    })
  })

  it('never touches a file that exists', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'log.1')
      await writeFile(path, 'mine')
      await expect(TxnLogWriter.create(path, { fsync: 'never' })).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' })
      expect(await readFile(path, 'utf8')).toBe('mine')
    })
  })
})

describe('paddedLogSize', () => {
  it('is the size of a file of a real server: header and whole steps, with room left', () => {
    // Sizes seen in files of a 3.8.4 server with preAllocSize 64 KiB: records end at 99464 and 177758.
    expect(paddedLogSize(99_464, 65_536)).toBe(131_088)
    expect(paddedLogSize(177_758, 65_536)).toBe(196_624)
    expect(paddedLogSize(16, 65_536)).toBe(65_552)
    expect(paddedLogSize(500, 0)).toBe(500)
  })
})
