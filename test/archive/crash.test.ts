import { expect, test } from 'vitest'
import { beginArchive } from '../../src/archive/archive-draft.ts'
import { readHistory, type History } from '../../src/archive/history.ts'
import { loadState } from '../../src/archive/load-state.ts'
import { planPath } from '../../src/archive/plan-path.ts'
import { readSegments } from '../../src/archive/segment-reader.ts'
import { fixedClock } from '../../src/base/clock.ts'
import { encodePath } from '../../src/model/znode-path.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { createRepository, openRepository } from '../../src/repository/repository.ts'
import { faultyStore } from '../../src/storage/faulty-store.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { PlainTree } from './plain-tree.ts'
import { batch, collector, setData } from './txns.ts'

const options = { clock: fixedClock(0), writer: 'test', threads: 0 }
const facts = { timeMs: null, digest: null, consistency: 'exact', name: null, maxEpochSeen: 1, source: {} } as const

/** A state that names its zxid. */
function treeAt(zxid: bigint): PlainTree {
  const tree = new PlainTree()
  const stat = {
    czxid: toZxid(1n),
    mzxid: toZxid(zxid),
    pzxid: toZxid(1n),
    ctime: 0n,
    mtime: 0n,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
  }
  tree.add({ path: encodePath('/'), data: Buffer.from(`state ${zxid}`), aclKey: -1n, stat })
  return tree
}

/** One backup: txns from where the last one ended, the state after them, the head. */
async function backUp(store: ObjectStore): Promise<void> {
  const repository = await openRepository(store, options)
  const history = await readHistory(repository)
  const last = history.timelines.at(-1)?.intervals.at(-1)?.through
  const start = { parent: null, forkZxid: null, reason: 'first' }
  const archive = await beginArchive(repository, history, last === undefined ? { start } : { timeline: '1' })
  try {
    const after = last ?? toZxid(0n)
    const run = archive.openRun(after)
    const txns = [1n, 2n, 3n].map((step) => ({ zxid: after + step, record: setData('/a') }))
    const { window, starts, ends, count } = batch(txns)
    run.appendAll(window, starts, ends, count)
    archive.addSegments(await run.finish())
    if (last === undefined) await archive.addPoint(treeAt(0n), toZxid(0n), facts)
    await archive.addPoint(treeAt(after + 3n), toZxid(after + 3n), facts)
    await archive.commit({ kind: 'test' })
  } finally {
    await archive.abandon()
  }
}

/** Everything from 0 through `through` is there, and nothing else. */
async function expectWhole(store: ObjectStore, through: bigint): Promise<History> {
  const repository = await openRepository(store, options)
  const history = await readHistory(repository)
  const [timeline] = history.timelines
  expect(timeline.intervals).toMatchObject([{ from: 0n, through }])
  for (const point of timeline.points) {
    const tree = await loadState(repository, point.state, new PlainTree(), point.zxid)
    expect(Buffer.from(tree.node(0).data ?? []).toString()).toBe(`state ${point.zxid}`)
  }
  const sink = collector()
  await readSegments(repository, timeline.segments, { after: toZxid(0n) }, sink)
  expect(sink.zxids).toEqual(Array.from({ length: Number(through) }, (_, i) => BigInt(i + 1)))
  expect((await repository.checkObjects('hash')).findings).toEqual([])
  expect(planPath(history, '1', toZxid(through)).zxid).toBe(through)
  return history
}

async function twoBackups(): Promise<ObjectStore> {
  const store = memoryStore()
  await createRepository(store, { ...options, id: 'test' })
  await backUp(store)
  await backUp(store)
  return store
}

test('a backup is more than one write', async () => {
  const counted = faultyStore(await twoBackups(), { failAtWrite: Infinity, mode: 'before' })
  await backUp(counted)
  expect(counted.writes).toBe(3)
})

test.each([1, 2, 3].flatMap((k) => (['before', 'after'] as const).map((mode) => ({ k, mode }))))(
  'stopped $mode write $k, the old history stands or the new one is whole, and the next run succeeds',
  async ({ k, mode }) => {
    const store = await twoBackups()
    await expectWhole(store, 6n)
    await expect(backUp(faultyStore(store, { failAtWrite: k, mode }))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const hasCommitted = k === 3 && mode === 'after'
    await expectWhole(store, hasCommitted ? 9n : 6n)
    await backUp(store)
    await expectWhole(store, hasCommitted ? 12n : 9n)
  },
)
