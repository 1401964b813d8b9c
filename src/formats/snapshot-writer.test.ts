import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bytesOf,
  digestTrailer,
  joined,
  lastZxidTrailerAlone,
  oldDigestTrailer,
  seal,
  smallSnapshot,
  snapshotBody,
  withDirectory,
} from '../../test/formats/hand-written.ts'
import { type NodeRecord, encodeNodeRecord } from '../model/node-record.ts'
import { toZxid } from '../model/zxid.ts'
import { spansOf } from './salvage-snapshot.ts'
import { readSnapshot } from './snapshot-reader.ts'
import { type SnapshotToWrite, writeSnapshot } from './snapshot-writer.ts'

const sessions = [{ id: 0x0100001abdde0006n, timeoutMs: 6000 }]
const acls = [{ key: 1n, bytes: bytesOf('00000001 0000001f 00000006 646967657374 00000005 626f623a78') }]
const recordsEnd = snapshotBody.length - 5
const records = () =>
  spansOf([
    { window: smallSnapshot, start: 71, end: 147 },
    { window: smallSnapshot, start: 147, end: recordsEnd },
  ])
const digest = { zxid: toZxid(0x100000006n), version: 2, digest: 0x123456789abn }
const lastProcessedZxid = toZxid(0x100000006n)

async function written(snapshot: Omit<SnapshotToWrite, 'sessions' | 'acls' | 'records'>, compression: 'none' | 'gz' = 'none') {
  return withDirectory(async (directory) => {
    const path = join(directory, 'snapshot.5')
    const result = await writeSnapshot(path, { sessions, acls, records: records(), ...snapshot }, { fsync: 'before-close', compression })
    return { bytes: new Uint8Array(await readFile(path)), result }
  })
}

describe('writeSnapshot', () => {
  it('writes the very bytes that a server writes, with the trailers of its version', async () => {
    const body = joined(snapshotBody, seal)
    expect((await written({})).bytes).toEqual(body)
    expect((await written({ digest })).bytes).toEqual(joined(body, digestTrailer))
    expect((await written({ lastProcessedZxid })).bytes).toEqual(joined(body, lastZxidTrailerAlone))
    expect((await written({ digest, lastProcessedZxid })).bytes).toEqual(smallSnapshot)
    const old = { zxid: digest.zxid, version: 1, digest: 0xabcn, text: 'abc' }
    expect((await written({ digest: old })).bytes).toEqual(joined(body, oldDigestTrailer))
  })

  it('says how long it is and what its checksum is', async () => {
    expect((await written({})).result).toEqual({ bytes: 325, fileBytes: 325, adler: 0xf5862b53 })
    const gz = await written({ digest, lastProcessedZxid }, 'gz')
    expect(gz.result).toEqual({ bytes: 379, fileBytes: gz.bytes.length, adler: 0xf5862b53 })
    expect(new Uint8Array(gunzipSync(gz.bytes))).toEqual(smallSnapshot)
  })

  it('never touches a file that exists', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'snapshot.5')
      await writeFile(path, 'mine')
      const attempt = writeSnapshot(path, { sessions, acls, records: records() }, { fsync: 'never' })
      await expect(attempt).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY', place: { file: path } })
      expect(await readFile(path, 'utf8')).toBe('mine')
      const nowhere = writeSnapshot(join(directory, 'no', 'snapshot.5'), { sessions, acls, records: records() }, { fsync: 'never' })
      await expect(nowhere).rejects.toMatchObject({ code: 'IO_FAILED' })
    })
  })

  it('passes on what the records throw, and leaves no handle open', async () => {
    await withDirectory(async (directory) => {
      const failing = {
        window: smallSnapshot,
        start: 0,
        end: 0,
        next(): boolean {
          throw new RangeError('the tree')
        },
      }
      await expect(writeSnapshot(join(directory, 's'), { sessions, acls, records: failing }, { fsync: 'never' })).rejects.toThrow(
        'the tree',
      )
    })
  })
})

describe('writeSnapshot and readSnapshot', () => {
  it('give back every record, whatever its size against windows and pieces, plain and gz', async () => {
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const dataLength = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -1, max: 300 }) },
      fc.integer({ min: 60_000, max: 70_000 }),
      fc.constant(1_100_000),
    )
    const node = fc.record({ dataLength, aclKey: long, czxid: long, mzxid: long, pzxid: long, owner: long, version: fc.integer() })
    const compression = fc.constantFrom('none' as const, 'gz' as const)
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 1, max: 150 }),
        compression,
        async (nodes, repeat, form) => {
          const encoded = nodes.flatMap((value, i) => recordsOf(value, i, i > 0 && value.dataLength < 300 ? repeat : 1))
          await withDirectory(async (directory) => {
            const path = join(directory, 'snapshot.1')
            const spans = spansOf(encoded.map((window) => ({ window, start: 0, end: window.length })))
            const result = await writeSnapshot(path, { sessions, acls, records: spans }, { fsync: 'never', compression: form })
            const back: Uint8Array[] = []
            const summary = await readSnapshot(
              path,
              { records: (window, starts, count) => void back.push(window.slice(starts[0], starts[count])) },
              { windowLength: 1 },
            )
            expect(summary).toMatchObject({ nodes: encoded.length, adler: result.adler, bytes: result.bytes, compression: form })
            expect(Buffer.compare(Buffer.concat(back), Buffer.concat(encoded))).toBe(0)
            expect((await stat(path)).size).toBe(result.fileBytes)
            const zxids = nodes.flatMap((value) => [value.czxid, value.mzxid, value.pzxid])
            expect(summary.maxZxidSeen).toBe(zxids.reduce((a, b) => (a > b ? a : b)))
          })
        },
      ),
      { numRuns: 15 },
    )
  })
})

interface Sample {
  dataLength: number
  aclKey: bigint
  czxid: bigint
  mzxid: bigint
  pzxid: bigint
  owner: bigint
  version: number
}

function recordsOf(value: Sample, index: number, repeat: number): Uint8Array[] {
  return Array.from({ length: repeat }, (_, i) => {
    const node: NodeRecord = {
      path: index === 0 ? new Uint8Array(0) : new TextEncoder().encode(`/${index}/${i}`),
      data: value.dataLength < 0 ? null : new Uint8Array(value.dataLength).fill(index + 1),
      aclKey: value.aclKey,
      stat: {
        czxid: toZxid(value.czxid),
        mzxid: toZxid(value.mzxid),
        ctime: value.aclKey,
        mtime: value.owner,
        version: value.version,
        cversion: ~value.version,
        aversion: 3,
        ephemeralOwner: value.owner,
        pzxid: toZxid(value.pzxid),
      },
    }
    return encodeNodeRecord(node)
  })
}
