import { beforeAll, describe, expect, test } from 'vitest'
import { quietContext, sampleHistory, StoredHistory } from '../../test/engine/stored-history.ts'
import { keysIn, tamperedStore } from '../../test/engine/tampered-store.ts'
import { fixedClock } from '../base/clock.ts'
import { ZooArkError } from '../base/errors.ts'
import { openRepository } from '../repository/repository.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type VerifyLevel, type VerifyReport, verifyRepository } from './verify.ts'

async function verify(store: ObjectStore, level: VerifyLevel, timeline?: string): Promise<VerifyReport> {
  const repository = await openRepository(store, { clock: fixedClock(0), writer: 'zooark/test', threads: 0 })
  return await verifyRepository(repository, { level, ...(timeline === undefined ? {} : { timeline }) }, quietContext())
}

/** What a person learns: the objects and zxids that findings name, or the code of a failure. */
async function outcome(store: ObjectStore, level: VerifyLevel): Promise<string[]> {
  try {
    const report = await verify(store, level)
    expect(report.ok).toBe(report.findings.length === 0)
    return report.findings.map(({ place }) => place.object ?? place.zxid ?? '')
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    return [`${error.code} ${error.place.object}`]
  }
}

describe('a whole repository', () => {
  let server: StoredHistory
  beforeAll(async () => {
    server = await sampleHistory()
  })

  test('is found whole at every level, and the report counts what was looked at', async () => {
    expect(await verify(server.store, 'chain')).toMatchObject({ ok: true, findings: [], timelines: 1, commits: 3, points: 3, segments: 2 })
    expect(await verify(server.store, 'hash')).toMatchObject({ ok: true, findings: [], unreferenced: [] })
    expect(await verify(server.store, 'parse')).toMatchObject({ ok: true, txns: 80 })
    // 80 txns with a digest each, and three points.
    expect(await verify(server.store, 'replay')).toMatchObject({ ok: true, txns: 80, digestsChecked: 83 })
  })

  test('of which a server was to be started and none was named says that it was not', async () => {
    const report = await verify(server.store, 'boot')
    expect(report).toMatchObject({ ok: true, boot: { states: [], skipped: expect.stringContaining('no') } })
  })

  test('of which a timeline is asked for that does not exist is refused', async () => {
    await expect(verify(server.store, 'chain', '7')).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE' })
  })

  test('stops where it is told to, at every level', async () => {
    const controller = new AbortController()
    controller.abort(new ZooArkError('INTERRUPTED', 'enough'))
    const repository = await openRepository(server.store, { clock: fixedClock(0), writer: 'zooark/test' })
    const verifying = verifyRepository(repository, { level: 'replay' }, quietContext(controller.signal))
    await expect(verifying).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  test('with objects of an interrupted backup is whole, and they are named', async () => {
    const other = await sampleHistory()
    const [head] = (await other.history()).timelines.map((timeline) => timeline.head)
    const draft = await other.repository.begin('1', head)
    const left = await draft.putBlob('segment', 'left', {}, [])
    await draft.abandon()
    expect(await verify(other.store, 'replay')).toMatchObject({ ok: true, unreferenced: [left.key] })
  })
})

describe('damage', () => {
  let store: ObjectStore
  let keys: string[]
  let newestHead: string
  beforeAll(async () => {
    store = (await sampleHistory()).store
    keys = await keysIn(store)
    newestHead = keys.filter((key) => key.startsWith('head/')).at(-1) ?? ''
  })

  test('the sample has every kind of object', () => {
    const kinds = new Set(keys.map((key) => key.split('/')[0]))
    expect(kinds).toEqual(new Set(['repository', 'head', 'pack', 'segment']))
    expect(keys.length).toBe(1 + 3 + 3 + 2)
  })

  test('every object that is gone is named at level chain and at every deeper one', async () => {
    for (const key of keys) {
      const from = tamperedStore(store, key, 'gone')
      for (const level of ['chain', 'hash', 'parse', 'replay'] as const) {
        const named = await outcome(from, level)
        // Without its newest head a repository is the one before the last commit: what that commit had brought is left over.
        if (key === newestHead) expect(named).toEqual([])
        else if (key === 'repository') expect(named).toEqual(['REPOSITORY_NOT_FOUND repository'])
        else expect(named, `${key} at ${level}`).toContain(key)
      }
    }
    const rolledBack = await verify(tamperedStore(store, newestHead, 'gone'), 'replay')
    expect(rolledBack).toMatchObject({ ok: true, commits: 2, points: 2, txns: 60 })
    expect(rolledBack.unreferenced.length).toBe(2)
  })

  test('every object that is cut short is named at level chain', async () => {
    for (const key of keys) {
      const whole = await store.get(key)
      for (const length of [0, 1, Math.floor(whole.length / 2), whole.length - 1]) {
        const from = tamperedStore(store, key, whole.subarray(0, length))
        const expected = key === 'repository' ? ['REPOSITORY_DAMAGED repository'] : [key]
        expect(await outcome(from, 'chain'), `${key} cut at ${length}`).toEqual(expected)
      }
    }
  })

  test('every object with a flipped bit is named at level hash, and no deeper level says that it is whole', async () => {
    for (const key of keys) {
      const whole = await store.get(key)
      // Bits all over the object, in front, in its blocks, its index and its footer.
      for (let i = 0; i <= 12; i++) {
        const bit = Math.min(whole.length * 8 - 1, Math.floor((whole.length * 8 * i) / 12) + i)
        const flipped = whole.slice()
        flipped[bit >>> 3] ^= 1 << (bit & 7)
        const from = tamperedStore(store, key, flipped)
        const named = await outcome(from, 'hash')
        if (key === 'repository')
          expect(named, `bit ${bit}`).toEqual([expect.stringMatching(/^REPOSITORY_(DAMAGED|FORMAT_TOO_NEW) repository$/)])
        else expect(named, `${key} bit ${bit}`).toEqual([key])
        expect((await outcome(from, 'replay')).length, `${key} bit ${bit}`).toBeGreaterThan(0)
      }
    }
  })

  test('of one segment leaves the rest looked at: later txns are replayed from the next point', async () => {
    const segments = keys.filter((key) => key.startsWith('segment/'))
    const report = await verify(tamperedStore(store, segments[0], 'gone'), 'replay')
    // Nothing of the first 60; the 20 of the second.
    expect(report.txns).toBe(20)
    expect(new Set(report.findings.map(({ place }) => place.object))).toEqual(new Set([segments[0]]))
  })
})

describe('bytes that are whole and say something wrong', () => {
  test('a txn with a digest that its state does not have is found by replay alone, with its zxid', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    server.create('/a')
    server.create('/b', 'x', { digest: 'wrong' })
    server.create('/c')
    await server.commit({ end: 'point' })
    server.create('/d')
    await server.commit({ end: 'point' })
    for (const level of ['chain', 'hash', 'parse'] as const) expect(await verify(server.store, level)).toMatchObject({ ok: true })
    const report = await verify(server.store, 'replay')
    const object = (await keysIn(server.store)).find((key) => key.startsWith('segment/0000000100000001'))
    expect(report.findings).toEqual([
      { code: 'REPOSITORY_DAMAGED', message: expect.stringContaining('digest'), place: { zxid: '0x100000002', object } },
    ])
    // It goes on from the point behind: the txn that created /d.
    expect(report.txns).toBe(1)
  })

  test('a recovery point that is not the state the txns lead to is found by replay, and its own txns are replayed from it', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    server.create('/a')
    // Sessions are in no digest: only the root tells.
    server.tree.addSession(1, 2, 3000)
    await server.commit({ end: 'point' })
    server.create('/b')
    await server.commit({ end: 'point' })
    expect(await verify(server.store, 'parse')).toMatchObject({ ok: true })
    const report = await verify(server.store, 'replay')
    expect(report.findings).toEqual([
      { code: 'REPOSITORY_DAMAGED', message: expect.stringContaining('root'), place: { zxid: '0x100000001' } },
    ])
    expect(report.txns).toBe(2)
  })

  test('a recovery point whose state has another digest than its commit says is found by replay', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point', pointDigest: '0x1' })
    expect(await verify(server.store, 'parse')).toMatchObject({ ok: true })
    const report = await verify(server.store, 'replay')
    expect(report.findings).toEqual([{ code: 'REPOSITORY_DAMAGED', message: expect.stringContaining('0x1'), place: { zxid: '0x0' } }])
  })

  test('a segment that claims another digest than the state has at its ends is found by replay, which goes on', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    server.create('/a')
    await server.commit({ segmentDigest: 0x5n })
    server.create('/b')
    await server.commit({ end: 'point' })
    expect(await verify(server.store, 'parse')).toMatchObject({ ok: true })
    const { findings, txns } = await verify(server.store, 'replay')
    expect(findings.map(({ place }) => place.zxid)).toEqual(['0x0', '0x100000001'])
    expect(txns).toBe(2)
  })

  test('a txn of a type that no ZooKeeper writes is found by parse', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    server.txn({ kind: 'unknown', type: 77, body: new Uint8Array(4) }, 'none')
    await server.commit()
    expect(await verify(server.store, 'hash')).toMatchObject({ ok: true })
    const report = await verify(server.store, 'parse')
    expect(report.findings).toMatchObject([{ code: 'TXN_TYPE_UNKNOWN', place: { zxid: '0x100000001' } }])
  })
})

describe('timelines', () => {
  test('what a timeline shares with its parent is replayed once', async () => {
    const server = await sampleHistory()
    const forkZxid = server.lastZxid
    server.create('/after-the-fork')
    await server.commit({ start: { parent: '1', forkZxid, reason: 'restored' }, end: 'point' })
    expect(await verify(server.store, 'replay')).toMatchObject({ ok: true, timelines: 2, txns: 81 })
    const own = await verify(server.store, 'replay', '2')
    expect(own).toMatchObject({ ok: true, timelines: 1, points: 1, segments: 1, txns: 1 })
  })

  test('one that leaves its parent where that cannot be restored is found at level chain', async () => {
    const server = await sampleHistory()
    const forkZxid = (server.lastZxid + 5n) as typeof server.lastZxid
    await server.commit({ start: { parent: '1', forkZxid, reason: 'restored' }, end: 'point' })
    const report = await verify(server.store, 'chain')
    expect(report.findings).toMatchObject([{ code: 'REPOSITORY_DAMAGED', place: { object: 'head/2' } }])
  })

  test('whose commits cannot be read is named as unread, and the others are looked at', async () => {
    const server = await sampleHistory()
    server.create('/other')
    await server.commit({ start: { parent: '1', forkZxid: (server.lastZxid - 1n) as typeof server.lastZxid, reason: 'restored' } })
    await server.commit({ end: 'point' })
    const report = await verify(tamperedStore(server.store, 'head/2/0000000001', 'gone'), 'chain')
    expect(report).toMatchObject({ ok: false, unread: ['2'], timelines: 1, points: 3 })
    expect(new Set(report.findings.map(({ place }) => place.object))).toEqual(new Set(['head/2/0000000001']))
  })
})
