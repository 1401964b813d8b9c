import { describe, expect, test } from 'vitest'
import { quietContext, sampleHistory, StoredHistory } from '../../test/engine/stored-history.ts'
import { hashOnlySink } from '../archive/state-ref.ts'
import { writeState } from '../archive/write-state.ts'
import { toHex } from '../base/hex.ts'
import { makeZxid, type Zxid } from '../model/zxid.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { loadPoint } from './load-point.ts'
import type { ProgressEvent } from './run-context.ts'

const rootOf = async (tree: DataTree): Promise<string> => toHex((await writeState(hashOnlySink, tree)).stateRoot)

describe('a stored point', () => {
  test('is the state that the server had after that txn, for every txn', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    const roots = new Map<Zxid, string>()
    server.openSession()
    for (let i = 0; i < 30; i++) {
      const zxid = server.create(`/n${i}`, `value ${i}`, { ephemeral: i % 3 === 0 })
      roots.set(zxid, await rootOf(server.tree))
      if (i === 11) await server.commit({ end: 'point' })
      if (i === 20) await server.commit()
    }
    await server.commit({ end: 'point' })
    const history = await server.history()
    for (const [zxid, root] of roots) {
      const loaded = await loadPoint(server.repository, history, { timeline: '1', zxid }, quietContext())
      expect(loaded.tree.lastZxid).toBe(zxid)
      expect(await rootOf(loaded.tree)).toBe(root)
      expect(loaded.path.point.zxid <= zxid).toBe(true)
      // One digest of the point, one of each txn.
      expect(loaded.digestsChecked).toBe(1 + loaded.txns)
    }
  })

  test('that a txn with another digest leads to is refused, and the ones before it are not', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    const before = server.create('/a')
    const wrong = server.create('/b', 'x', { digest: 'wrong' })
    const behind = server.create('/c')
    await server.commit()
    const history = await server.history()
    await expect(loadPoint(server.repository, history, { timeline: '1', zxid: before }, quietContext())).resolves.toMatchObject({ txns: 1 })
    for (const zxid of [wrong, behind]) {
      const place = { zxid: '0x100000002', object: history.timelines[0].segments[0].object.key }
      await expect(loadPoint(server.repository, history, { timeline: '1', zxid }, quietContext())).rejects.toMatchObject({
        code: 'REPOSITORY_DAMAGED',
        place,
      })
    }
  })

  test('behind a txn that does not fit the state is refused also where no digest tells', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    const zxid = server.txn({ kind: 'delete', path: Buffer.from('/never/there') }, 'none')
    await server.commit()
    const loading = loadPoint(server.repository, await server.history(), { timeline: '1', zxid }, quietContext())
    await expect(loading).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED', place: { zxid: '0x100000001' } })
  })

  test('is refused when the digest of its commit is not that of its state', async () => {
    const server = await StoredHistory.create()
    const zxid = server.create('/a')
    server.dropPending()
    await server.commit({ base: 'point', pointDigest: '0x1234' })
    const loading = loadPoint(server.repository, await server.history(), { timeline: '1', zxid }, quietContext())
    await expect(loading).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED', place: { zxid: '0x100000001' } })
  })

  test('of a zxid that no txn has is refused with the one before it', async () => {
    const server = await StoredHistory.create()
    await server.commit({ base: 'point' })
    server.create('/a')
    await server.commit()
    // The interval runs from 0 to 0x100000001; nothing has 0x5.
    const loading = loadPoint(server.repository, await server.history(), { timeline: '1', zxid: makeZxid(0n, 5n) }, quietContext())
    await expect(loading).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE', hint: 'Use 0x0 for the state at that moment.' })
  })

  test('tells how far it is, and stops when it is told to', async () => {
    const server = await sampleHistory()
    const history = await server.history()
    const target = { timeline: '1', zxid: makeZxid(1n, 100n) }
    const events: ProgressEvent[] = []
    await loadPoint(server.repository, history, target, { ...quietContext(), onProgress: (event) => events.push(event) })
    expect(events[0]).toMatchObject({ step: 'loading', unit: 'znodes', total: history.timelines[0].points[0].state.znodes })
    expect(events.at(-1)).toMatchObject({ step: 'replaying', unit: 'txns', done: 58 })
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    await expect(loadPoint(server.repository, history, target, quietContext(controller.signal))).rejects.toThrow('enough')
  })
})
