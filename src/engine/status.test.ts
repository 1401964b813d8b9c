import { describe, expect, test } from 'vitest'
import { quietContext, sampleHistory, startTimeMs, StoredHistory } from '../../test/engine/stored-history.ts'
import { keysIn, tamperedStore } from '../../test/engine/tampered-store.ts'
import { fixedClock } from '../base/clock.ts'
import { makeZxid } from '../model/zxid.ts'
import { openRepository } from '../repository/repository.ts'
import { readStatus } from './status.ts'

const later = quietContext(undefined, startTimeMs + 90_000)

describe('what can be restored right now', () => {
  test('is every txn from the first point to the last txn, and what came after the last look is lost', async () => {
    const server = await sampleHistory()
    const status = await readStatus(server.repository, undefined, later)
    expect(status).toMatchObject({ timelines: 1, points: 3, commits: 3, gaps: [], problems: [], unreferenced: 0 })
    expect(status.intervals).toMatchObject([{ timeline: '1', from: makeZxid(1n, 42n), through: makeZxid(1n, 122n) }])
    // The txn was stamped 478 s before the backup looked.
    expect(status.newest).toEqual({
      timeline: '1',
      zxid: makeZxid(1n, 122n),
      timeMs: startTimeMs - 478_000,
      capturedAtMs: startTimeMs,
      ageMs: 90_000,
    })
    const sizes = await Promise.all(
      (await keysIn(server.store)).filter((key) => key !== 'repository').map(async (key) => (await server.store.get(key)).length),
    )
    expect(status).toMatchObject({ objects: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) })
  })

  test('leaves out a gap, and names its ends and its cause', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    const after = server.create('/a')
    await server.commit()
    server.create('/lost')
    const before = server.create('/also-lost')
    server.dropPending()
    await server.commit({ base: 'point', gap: { after, before, cause: 'the logs were purged' } })
    server.create('/b')
    await server.commit()
    const status = await readStatus(server.repository, undefined, later)
    expect(status.intervals.map(({ from, through }) => [from, through])).toEqual([
      [0n, after],
      [before, server.lastZxid],
    ])
    const afterTimeMs = startTimeMs - 599_000
    expect(status.gaps).toEqual([{ timeline: '1', after, before, cause: 'the logs were purged', afterTimeMs, beforeTimeMs: startTimeMs }])
  })

  test('is estimated for the state that is farthest from a recovery point', async () => {
    const server = await sampleHistory()
    const { restore } = await readStatus(server.repository, undefined, later)
    expect(restore).toMatchObject({ txns: 60, znodes: 65 })
    expect(restore?.estimateMs).toBeGreaterThan(2000)
    for (let i = 0; i < 100; i++) server.setData('/app', `${i}`)
    await server.commit()
    for (let i = 0; i < 100; i++) server.setData('/app', `${i}`)
    await server.commit()
    const more = (await readStatus(server.repository, undefined, later)).restore
    expect(more).toMatchObject({ txns: 200 })
    expect(more?.estimateMs).toBeGreaterThan(restore?.estimateMs ?? 0)
  })

  test('of one timeline leaves the others out', async () => {
    const server = await sampleHistory()
    const forkZxid = makeZxid(1n, 102n)
    await server.commit({ start: { parent: '1', forkZxid, reason: 'restored' }, end: 'point' })
    expect((await readStatus(server.repository, undefined, later)).intervals.map(({ timeline }) => timeline)).toEqual(['1', '2', '2'])
    expect(await readStatus(server.repository, '1', later)).toMatchObject({ timelines: 1, newest: { timeline: '1' } })
    await expect(readStatus(server.repository, '9', later)).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE' })
  })

  test('of an empty repository is nothing', async () => {
    const { repository } = await StoredHistory.create()
    expect(await readStatus(repository, undefined, later)).toMatchObject({
      timelines: 0,
      intervals: [],
      gaps: [],
      newest: null,
      restore: null,
    })
  })

  test('does not pass over an object that is missing', async () => {
    const { store } = await sampleHistory()
    const segment = (await keysIn(store)).find((key) => key.startsWith('segment/')) ?? ''
    const repository = await openRepository(tamperedStore(store, segment, 'gone'), { clock: fixedClock(0), writer: 'zooark/test' })
    expect((await readStatus(repository, undefined, later)).problems).toMatchObject([{ object: segment, problem: 'missing' }])
  })
})
