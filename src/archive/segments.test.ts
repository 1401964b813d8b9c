import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batch, collector, create, path, payload, remove, setData, type PlainTxn } from '../../test/archive/txns.ts'
import { fixedClock } from '../base/clock.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { toZxid } from '../model/zxid.ts'
import { createRepository } from '../repository/repository.ts'
import type { BlobReader, Draft, Repository } from '../repository/types.ts'
import { memoryStore } from '../storage/memory-store.ts'
import { hashPath } from './path-hash.ts'
import { decodeBlockMeta, encodeBlockMeta, mayTouch } from './segment-format.ts'
import { openSegment, readSegment, readSegments } from './segment-reader.ts'
import { SegmentWriter, type SegmentWriterOptions, type StoredSegment } from './segment-writer.ts'

const after = toZxid(0x100000000n)

function txns(count: number, from = 0x100000001n): PlainTxn[] {
  return Array.from({ length: count }, (_, i) => ({ zxid: from + BigInt(i), timeMs: 5000 + i, record: create(`/n-${i}`) }))
}

async function openDraft(): Promise<{ repository: Repository; draft: Draft }> {
  const repository = await createRepository(memoryStore(), { id: 'test', clock: fixedClock(0), writer: 'test', threads: 0 })
  return { repository, draft: await repository.begin('1', null) }
}

async function store(
  all: readonly PlainTxn[],
  options: Partial<SegmentWriterOptions> = {},
): Promise<{ repository: Repository; segments: readonly StoredSegment[] }> {
  const { repository, draft } = await openDraft()
  const writer = new SegmentWriter(draft, { timeline: '1', after, ...options })
  const { window, starts, ends, count } = batch(all)
  writer.appendAll(window, starts, ends, count)
  return { repository, segments: await writer.finish() }
}

/** Adler-32 as its definition says. */
function adler(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}

describe('a segment', () => {
  test('is a ZooKeeper log file without padding, byte for byte', async () => {
    const all = txns(9)
    const { repository, segments } = await store(all, { blockBytesMax: 200 })
    const blob = await repository.blob(segments[0].object)
    expect(blob.blockCount).toBeGreaterThan(2)
    const expected = [Buffer.from('5a4b4c47000000020000000000000000', 'hex')]
    for (const txn of all) {
      const bytes = payload(txn)
      const head = Buffer.alloc(12)
      head.writeUInt32BE(adler(bytes), 4)
      head.writeInt32BE(bytes.length, 8)
      expected.push(head, Buffer.from(bytes), Buffer.from([0x42]))
    }
    expect(toHex(Buffer.concat(await blob.blocks(0, blob.blockCount)))).toBe(toHex(Buffer.concat(expected)))
  })

  test('says in its header what it holds', async () => {
    const times = [5000, 9000, 7000]
    const all = txns(3).map((txn, i) => ({ ...txn, timeMs: times[i] }))
    const { segments } = await store(all, { digest: () => -1n })
    expect(segments).toMatchObject([
      { after, first: 0x100000001n, last: 0x100000003n, firstTimeMs: 5000, lastTimeMs: 7000, maxTimeMs: 9000, count: 3, previous: null },
    ])
    expect(segments[0].digestAfter).toBe('0xffffffffffffffff')
  })

  test('names the one before it', async () => {
    const { repository, segments } = await store(txns(40), { blockBytesMax: 200, segmentBytesMax: 600 })
    expect(segments.length).toBeGreaterThan(3)
    for (let i = 1; i < segments.length; i++) {
      expect(segments[i].previous).toBe(segments[i - 1].object.key.split('.')[1])
      expect(segments[i].after).toBe(segments[i - 1].last)
    }
    const sink = collector()
    await readSegments(repository, segments, {}, sink)
    expect(sink.payloads.map(toHex)).toEqual(txns(40).map((txn) => toHex(payload(txn))))
  })

  test('gives back any range of its txns', async () => {
    const { repository, segments } = await store(txns(60), { blockBytesMax: 300, segmentBytesMax: 1500 })
    await fc.assert(
      fc.asyncProperty(fc.nat(62), fc.nat(62), async (low, high) => {
        const range = { after: toZxid(after + BigInt(low)), through: toZxid(after + BigInt(high)) }
        const sink = collector()
        for (const segment of segments) await readSegment(repository, segment, range, sink)
        const expected = txns(60).flatMap(({ zxid }) => (zxid > range.after && zxid <= range.through ? [zxid] : []))
        expect(sink.zxids).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('takes a txn that is longer than a block', async () => {
    const large = { zxid: 0x100000002n, record: setData('/big', 'y'.repeat(5000)) }
    const all = [txns(1)[0], large, { zxid: 0x100000003n, record: remove('/n-0') }]
    const { repository, segments } = await store(all, { blockBytesMax: 200 })
    const sink = collector()
    await readSegments(repository, segments, {}, sink)
    expect(sink.payloads.map(toHex)).toEqual(all.map((txn) => toHex(payload(txn))))
  })

  test('accepts the first txn of a later epoch', async () => {
    const all = [...txns(2), ...txns(2, 0x300000001n)]
    const { segments } = await store(all)
    expect(segments[0].last).toBe(0x300000002n)
  })

  test.each([
    ['a gap', [0x100000001n, 0x100000003n]],
    ['a repetition', [0x100000001n, 0x100000001n]],
    ['a step back', [0x100000001n, 0x100000002n, 0x100000001n]],
    ['a gap at the start', [0x100000002n]],
    ['an earlier epoch', [0x100000001n, 0x2n]],
    ['a later epoch that does not begin', [0x100000001n, 0x200000002n]],
  ])('refuses %s', async (_, zxids) => {
    const failure = await store(zxids.map((zxid) => ({ zxid, record: create('/a') }))).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'REPLAY_DIVERGED', place: { zxid: `0x${zxids.at(-1)?.toString(16)}` } })
  })

  test('is refused when a segment between two is missing', async () => {
    const { repository, segments } = await store(txns(40), { blockBytesMax: 200, segmentBytesMax: 600 })
    await expect(readSegments(repository, [segments[0], segments[2]], {}, collector())).rejects.toMatchObject({
      code: 'REPOSITORY_DAMAGED',
    })
  })

  test('is refused when the commit says something else of it', async () => {
    const { repository, segments } = await store(txns(5))
    const other = { ...segments[0], count: 6 }
    await expect(openSegment(repository, other)).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' })
  })
})

describe('the filter of a block', () => {
  test('has every path that its txns touch, and the sessions that they close', async () => {
    const all: PlainTxn[] = [
      { zxid: 1n, record: create('/a') },
      { zxid: 2n, record: { kind: 'multi', parts: [{ record: remove('/m1') as never }, { record: setData('/m2') as never }] } },
      { zxid: 3n, record: { kind: 'closeSession', paths: [path('/e1'), path('/e2')] } },
      { zxid: 4n, session: 0x1122334455667788n, record: { kind: 'closeSession' } },
      { zxid: 5n, record: { kind: 'setACL', path: path('/'), acl: [], version: 1 } },
      { zxid: 6n, record: { kind: 'error', err: -110 } },
      { zxid: 7n, record: { kind: 'createSession', timeoutMs: 5 } },
    ]
    const { repository, segments } = await store(all, { after: toZxid(0n) })
    const [meta] = (await openSegment(repository, segments[0])).metas
    const touched = ['/a', '/m1', '/m2', '/e1', '/e2', ''].map((text) => hashPath(Buffer.from(text)))
    for (const hash of [...touched, hashPath(Buffer.from('1122334455667788', 'hex'))]) expect(mayTouch(meta, hash)).toBe(true)
    expect(mayTouch(meta, hashPath(Buffer.from('/other')))).toBe(false)
    // Beside the seven: the session that closed with a list.
    expect(meta.hashes).toHaveLength(8)
    expect(meta.isOpaque).toBe(false)
  })

  test('says that it knows nothing where a txn cannot be read', async () => {
    const { repository, segments } = await store([{ zxid: 0x100000001n, record: { kind: 'unknown', type: 99, body: new Uint8Array(3) } }])
    const [meta] = (await openSegment(repository, segments[0])).metas
    expect(mayTouch(meta, hashPath(Buffer.from('/anything')))).toBe(true)
  })
})

describe('hostile bytes', () => {
  const meta = {
    count: 3,
    firstHi: 1,
    firstLo: 2,
    lastHi: 1,
    lastLo: 4,
    maxTimeMs: 1.7e12,
    isOpaque: false,
    hashes: Uint32Array.of(1, 500, 0xffffffff),
  }

  test('a block meta comes back as it was', () => {
    const { count, first, last, maxTimeMs, isOpaque, hashes } = decodeBlockMeta(encodeBlockMeta(meta))
    expect({ count, first, last, maxTimeMs, isOpaque, hashes }).toEqual({
      count: 3,
      first: 0x100000002n,
      last: 0x100000004n,
      maxTimeMs: 1.7e12,
      isOpaque: false,
      hashes: meta.hashes,
    })
  })

  test('a block meta that is cut anywhere is refused with the offset', () => {
    const bytes = encodeBlockMeta(meta)
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodeBlockMeta(bytes.subarray(0, end))).toThrow(
        expect.objectContaining({ code: 'REPOSITORY_DAMAGED', place: { offset: expect.any(Number) } }),
      )
    }
  })

  test('every flipped bit of a block of txns is refused', async () => {
    const { repository, segments } = await store(txns(3))
    const blob = await repository.blob(segments[0].object)
    const plain = await blob.block(0)
    for (let bit = 0; bit < plain.length * 8; bit++) {
      const damaged = plain.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      const failure = await readWith(blob, segments[0], damaged)
      expect(failure).toBeInstanceOf(ZooArkError)
      expect(failure).toMatchObject({ code: 'REPOSITORY_DAMAGED' })
    }
  })

  test('a block of txns that is cut anywhere is refused', async () => {
    const { repository, segments } = await store(txns(3))
    const blob = await repository.blob(segments[0].object)
    const plain = await blob.block(0)
    for (let end = 0; end < plain.length; end++)
      expect(await readWith(blob, segments[0], plain.slice(0, end))).toMatchObject({ code: 'REPOSITORY_DAMAGED' })
  })
})

/** What reading the segment ends with when its first block were these bytes. */
async function readWith(blob: BlobReader, segment: StoredSegment, plain: Uint8Array): Promise<unknown> {
  const fake: BlobReader = {
    ref: blob.ref,
    header: blob.header,
    blockCount: blob.blockCount,
    blockMeta: (i) => blob.blockMeta(i),
    blockPlainBytes: (i) => blob.blockPlainBytes(i),
    block: () => Promise.resolve(plain),
    blocks: () => Promise.resolve([plain]),
  }
  return readSegment({ blob: () => Promise.resolve(fake) }, segment, {}, collector()).then(
    () => 'no error',
    (error: unknown) => error,
  )
}
