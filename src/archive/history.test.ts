import { describe, expect, test } from 'vitest'
import { HistoryMaker } from '../../test/archive/history-maker.ts'
import { collector, create, path, remove, setData, type PlainTxn } from '../../test/archive/txns.ts'
import { toZxid } from '../model/zxid.ts'
import { planPath } from './plan-path.ts'
import { readSegments } from './segment-reader.ts'
import { payloadTimeMs } from './segment-format.ts'
import { resolvePoint, type ResolvedPoint } from './resolve-point.ts'
import { timelineOf } from './history.ts'
import { beginArchive } from './archive-draft.ts'

const nowMs = 100_000

function run(from: bigint, times: readonly number[]): PlainTxn[] {
  return times.map((timeMs, i) => ({ zxid: from + BigInt(i), timeMs, record: setData('/a') }))
}

/** A point at 10, txns 11 to 15, a gap, a point at 30, txns 31 and 32. */
async function withGap(): Promise<HistoryMaker> {
  const maker = await HistoryMaker.create()
  await maker.start()
  await maker.commit({ point: { zxid: 10n, timeMs: 1000, name: 'first' }, after: 10n, txns: run(11n, [1100, 1200, 1300]) })
  await maker.commit({ after: 13n, txns: run(14n, [1400, 1500]) })
  await maker.commit({
    point: { zxid: 30n, timeMs: 3000 },
    gap: { after: 15n, before: 30n, cause: 'purged by the server' },
    after: 30n,
    txns: run(31n, [3100, 3200]),
  })
  await maker.commit({ point: { zxid: 32n, timeMs: 3200, name: 'last' }, capturedAtMs: 5000 })
  return maker
}

async function resolve(maker: HistoryMaker, text: string): Promise<ResolvedPoint> {
  return resolvePoint(await maker.history(), maker.repository, text, nowMs)
}

describe('a timeline', () => {
  test('is restorable from each point through the segments that follow it without a break', async () => {
    const { intervals, gaps } = timelineOf(await (await withGap()).history(), '1')
    expect(intervals).toEqual([
      { from: 10n, through: 15n, fromTimeMs: 1000, throughTimeMs: 1500 },
      { from: 30n, through: 32n, fromTimeMs: 3000, throughTimeMs: 3200 },
    ])
    expect(gaps).toEqual([{ after: 15n, before: 30n, cause: 'purged by the server' }])
  })

  test('shows a gap that nobody recorded', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 10n } })
    await maker.commit({ point: { zxid: 20n } })
    expect(timelineOf(await maker.history(), '1').gaps).toEqual([{ after: 10n, before: 20n, cause: expect.any(String) }])
  })

  test('reaches into its parent as far as the fork', async () => {
    const maker = await withGap()
    await maker.start('1', 13n)
    await maker.commit({ point: { zxid: 0x100000000n, timeMs: 1300 }, after: 0x100000000n, txns: run(0x100000001n, [9000]) })
    const { intervals } = timelineOf(await maker.history(), '2')
    expect(intervals).toMatchObject([
      { from: 10n, through: 13n },
      { from: 0x100000000n, through: 0x100000001n },
    ])
  })

  test('carries on from the segment that ends where the run starts', async () => {
    const { segments } = timelineOf(await (await withGap()).history(), '1')
    expect(segments.map(({ previous }) => previous === null)).toEqual([true, false, true])
    expect(segments[1].previous).toBe(segments[0].object.key.split('.')[1])
  })

  test('is fenced when another writer committed first', async () => {
    const maker = await withGap()
    const history = await maker.history()
    const [one, two] = [
      await beginArchive(maker.repository, history, { timeline: '1' }),
      await beginArchive(maker.repository, history, { timeline: '1' }),
    ]
    one.addGap({ after: toZxid(1n), before: toZxid(5n), cause: 'one' })
    await one.commit({ kind: 'test' })
    two.addGap({ after: toZxid(1n), before: toZxid(5n), cause: 'two' })
    await expect(two.commit({ kind: 'test' })).rejects.toMatchObject({ code: 'REPOSITORY_FENCED' })
  })
})

describe('planPath', () => {
  test.each([
    [10n, 10n, []],
    [12n, 10n, [13n]],
    [15n, 10n, [13n, 15n]],
    [31n, 30n, [32n]],
    [32n, 32n, []],
  ])('goes to %s from the nearest point at or before, with the segments between', async (zxid, point, segments) => {
    const path = planPath(await (await withGap()).history(), '1', toZxid(zxid))
    expect(path.point.zxid).toBe(point)
    expect(path.segments.map(({ last }) => last)).toEqual(segments)
  })

  test.each([
    [9n, 'POINT_NOT_REACHABLE', 'before the first restorable interval'],
    [20n, 'POINT_IN_GAP', 'purged by the server'],
    [33n, 'POINT_NOT_REACHABLE', 'after the last restorable interval'],
  ])('refuses %s', async (zxid, code, message) => {
    const history = await (await withGap()).history()
    expect(() => planPath(history, '1', toZxid(zxid))).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })

  test('refuses a timeline that does not exist', async () => {
    const history = await (await withGap()).history()
    expect(() => planPath(history, '7', toZxid(10n))).toThrow(expect.objectContaining({ code: 'POINT_NOT_REACHABLE' }))
  })
})

describe('the txns of a path', () => {
  test('leave out what the parent did after the fork', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 10n }, after: 10n, txns: run(11n, [1, 2, 3, 4]) })
    await maker.start('1', 12n)
    await maker.commit({ after: 12n, txns: run(13n, [70, 80, 90]) })
    const { segments, point } = planPath(await maker.history(), '2', toZxid(14n))
    const sink = collector()
    await readSegments(maker.repository, segments, { after: point.zxid, through: toZxid(14n) }, sink)
    expect(sink.zxids).toEqual([11n, 12n, 13n, 14n])
    expect(sink.payloads.map((bytes) => payloadTimeMs(bytes, 0))).toEqual([1, 2, 70, 80])
  })

  test('come once where segments overlap', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 10n }, after: 10n, txns: run(11n, [1, 2, 3, 4]) })
    await maker.commit({ after: 12n, txns: run(13n, [3, 4, 5]) })
    const sink = collector()
    await readSegments(maker.repository, planPath(await maker.history(), '1', toZxid(15n)).segments, {}, sink)
    expect(sink.zxids).toEqual([11n, 12n, 13n, 14n, 15n])
  })
})

describe('resolvePoint', () => {
  test.each([
    ['latest', 32n],
    ['0xc', 12n],
    ['0xa', 10n],
    ['name:first', 10n],
    ['before:0xc', 11n],
    ['before:0xe', 13n],
    ['before:0xb', 10n],
    ['1970-01-01T00:00:01Z', 10n],
    ['1970-01-01T00:00:01.250Z', 12n],
    ['1970-01-01T00:00:01.500Z', 15n],
    ['1970-01-01T00:00:03.100Z', 31n],
    ['1970-01-01T00:00:04Z', 32n],
    ['-96s', 32n],
  ])('finds %s', async (text, zxid) => {
    expect(await resolve(await withGap(), text)).toMatchObject({ timeline: '1', zxid })
  })

  test.each([
    ['0x14', 'POINT_IN_GAP'],
    ['0x9', 'POINT_NOT_REACHABLE'],
    ['0x21', 'POINT_NOT_REACHABLE'],
    ['before:0xa', 'POINT_NOT_REACHABLE'],
    ['before:0x1e', 'POINT_NOT_REACHABLE'],
    ['name:none', 'POINT_NOT_REACHABLE'],
    ['latest@2', 'POINT_NOT_REACHABLE'],
    ['1970-01-01T00:00:00.500Z', 'POINT_NOT_REACHABLE'],
    ['1970-01-01T00:00:02Z', 'POINT_IN_GAP'],
    ['1970-01-01T00:00:06Z', 'POINT_NOT_REACHABLE'],
    ['-1s', 'POINT_NOT_REACHABLE'],
    ['before:delete:/b', 'POINT_NOT_REACHABLE'],
    ['nonsense', 'BAD_POINT'],
  ])('refuses %s with %s', async (text, code) => {
    await expect(resolve(await withGap(), text)).rejects.toMatchObject({ code })
  })

  test('refuses everything in an empty repository', async () => {
    await expect(resolve(await HistoryMaker.create(), 'latest')).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE' })
  })

  test('refuses a zxid between two epochs and names the txn before it', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({
      point: { zxid: 0x100000000n },
      after: 0x100000000n,
      txns: [...run(0x100000001n, [1, 2]), ...run(0x200000001n, [3])],
    })
    await expect(resolve(maker, '0x100000007')).rejects.toMatchObject({
      code: 'POINT_NOT_REACHABLE',
      message: expect.stringContaining('0x100000002'),
    })
    expect(await resolve(maker, 'before:0x200000001')).toMatchObject({ zxid: 0x100000002n })
  })

  test('takes a time where the clock stepped back as the longest prefix without a later txn', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({
      point: { zxid: 0n, timeMs: null },
      after: 0n,
      txns: run(1n, [1000, 5000, 2000, 2500, 6000, 3000]),
      capturedAtMs: 9000,
    })
    const expected: [number, bigint][] = [
      [500, 0n],
      [1000, 1n],
      [2600, 1n],
      [4999, 1n],
      [5000, 4n],
      [5999, 4n],
      [6000, 6n],
    ]
    for (const [timeMs, zxid] of expected) expect(await resolve(maker, new Date(timeMs).toISOString())).toMatchObject({ zxid })
  })

  test('asks which timeline is meant where two have the zxid, and takes what both share from the parent', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 10n }, after: 10n, txns: run(11n, [1, 2, 3, 4]) })
    await maker.start('1', 12n)
    await maker.commit({ after: 12n, txns: run(13n, [7, 8]), point: { zxid: 14n, name: 'twin' } })
    await maker.commit({ timeline: '1', point: { zxid: 13n, name: 'twin' } })
    expect(await resolve(maker, '0xb')).toMatchObject({ timeline: '1', zxid: 11n })
    expect(await resolve(maker, '0xb@2')).toMatchObject({ timeline: '2', zxid: 11n })
    await expect(resolve(maker, '0xd')).rejects.toMatchObject({ code: 'POINT_AMBIGUOUS' })
    expect(await resolve(maker, '0xd@2')).toMatchObject({ timeline: '2', zxid: 13n })
    await expect(resolve(maker, 'name:twin')).rejects.toMatchObject({ code: 'POINT_AMBIGUOUS' })
    expect(await resolve(maker, 'name:twin@1')).toMatchObject({ timeline: '1', zxid: 13n })
    expect(await resolve(maker, 'latest')).toMatchObject({ timeline: '2', zxid: 14n })
    expect(planPath(await maker.history(), '2', toZxid(13n)).segments.map(({ timeline }) => timeline)).toEqual(['1', '2'])
  })
})

describe('before:delete', () => {
  const noise = (from: bigint, count: number): PlainTxn[] =>
    run(
      from,
      Array.from({ length: count }, () => 50),
    )

  async function after(txns: readonly PlainTxn[], znodes: Record<string, bigint> = {}): Promise<HistoryMaker> {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 0n, znodes }, after: 0n, txns: [...txns, ...noise(BigInt(txns.length + 1), 3)] })
    return maker
  }

  const at = (zxid: bigint, record: PlainTxn['record'], session = 0x77n): PlainTxn => ({ zxid, session, record })

  test.each<[string, PlainTxn[], bigint, Record<string, bigint>]>([
    ['a delete', [at(1n, create('/x')), at(2n, remove('/x'))], 1n, {}],
    ['the latest of two', [at(1n, create('/x')), at(2n, remove('/x')), at(3n, create('/x')), at(4n, remove('/x'))], 3n, {}],
    ['a znode that was there before', [at(1n, remove('/x'))], 0n, { '/x': 0n }],
    [
      'a delete within a multi',
      [at(1n, setData('/y')), at(2n, { kind: 'multi', parts: [{ record: remove('/x') as never }] })],
      1n,
      { '/x': 0n },
    ],
    ['a container that is swept', [at(1n, setData('/y')), at(2n, { kind: 'deleteContainer', path: path('/x') })], 1n, { '/x': 0n }],
    [
      'a session that names its ephemerals',
      [at(1n, create('/x', 'ephemeral')), at(2n, { kind: 'closeSession', paths: [path('/x')] })],
      1n,
      {},
    ],
    ['a session that names nothing', [at(1n, create('/x', 'ephemeral')), at(2n, setData('/y')), at(3n, { kind: 'closeSession' })], 2n, {}],
    ['a session that owned it before the log', [at(1n, setData('/y')), at(2n, { kind: 'closeSession' }, 0x99n)], 1n, { '/x': 0x99n }],
    [
      'a multi that failed is none',
      [
        at(1n, remove('/x')),
        at(2n, create('/x')),
        at(3n, { kind: 'multi', parts: [{ record: remove('/x') as never }, { record: { kind: 'error', err: -1 } }] }),
      ],
      0n,
      { '/x': 0n },
    ],
    [
      'another session is none',
      [at(1n, remove('/x')), at(2n, create('/x', 'ephemeral'), 5n), at(3n, { kind: 'closeSession' }, 6n)],
      0n,
      { '/x': 0n },
    ],
  ])('finds %s', async (_, txns, zxid, znodes) => {
    expect(await resolve(await after(txns, znodes), 'before:delete:/x')).toMatchObject({ zxid })
  })

  test('does not take a path that only begins alike', async () => {
    const maker = await after([at(1n, create('/x')), at(2n, remove('/xx')), at(3n, remove('/x/y'))], { '/xx': 0n })
    await expect(resolve(maker, 'before:delete:/x')).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE' })
  })

  test('says so when the deletion fell into a gap', async () => {
    const maker = await HistoryMaker.create()
    await maker.start()
    await maker.commit({ point: { zxid: 10n, znodes: { '/x': 0n } } })
    await maker.commit({ point: { zxid: 20n } })
    await expect(resolve(maker, 'before:delete:/x')).rejects.toMatchObject({ code: 'POINT_IN_GAP' })
  })

  test('looks behind later points', async () => {
    const maker = await after([at(1n, remove('/x'))], { '/x': 0n })
    await maker.commit({ point: { zxid: 3n } })
    expect(await resolve(maker, 'before:delete:/x')).toMatchObject({ zxid: 0n, beforeZxid: 1n })
  })
})
