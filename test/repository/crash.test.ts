import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRepository, openRepository } from '../../src/repository/repository.ts'
import type { Commit, ObjectRef } from '../../src/repository/types.ts'
import { type FaultPlan, faultyStore } from '../../src/storage/faulty-store.ts'
import { localStore } from '../../src/storage/local-store.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { noise, options, textChunk } from './helpers.ts'

const made = new Map<number, Uint8Array>()
function chunkAt(round: number, at: number): Uint8Array {
  const seed = round * 1000 + at
  const chunk = made.get(seed) ?? noise(100_000, seed)
  made.set(seed, chunk)
  return chunk
}
const CHUNKS = 20
/** Less than the bytes of one batch, so that each batch makes a pack. */
const small = { ...options, packBytesTarget: 900_000 }
const BLOBS = 2

/** One backup, as the engine makes it: two packs, two blobs, then the head. */
async function runRound(store: ObjectStore, round: number): Promise<Commit> {
  const repository = await openRepository(store, small)
  const head = (await repository.commits('main')).at(-1) ?? null
  const draft = await repository.begin('main', head)
  const ids: Uint8Array[] = []
  for (let at = 0; at < CHUNKS; at++) {
    ids.push(draft.putChunk(chunkAt(round, at)))
    if (draft.full) await draft.flush()
  }
  const blobs: ObjectRef[] = []
  for (let at = 0; at < BLOBS; at++)
    blobs.push(await draft.putBlob('segment', `s-${round}-${at}`, { round }, [{ plain: textChunk(round + at) }]))
  return await draft.commit({ round, first: Buffer.from(ids[0]).toString('hex'), last: Buffer.from(ids[CHUNKS - 1]).toString('hex') })
}

/** Everything that a commit says is there and equal, and the check agrees. */
async function expectWhole(store: ObjectStore, rounds: readonly number[]): Promise<void> {
  const repository = await openRepository(store, options)
  const commits = await repository.commits('main')
  expect(commits.map(({ body }) => (body as { round: number }).round)).toEqual(rounds)
  for (const { body, blobs } of commits) {
    const { round, first, last } = body as { round: number; first: string; last: string }
    const chunks = await repository.chunks([Buffer.from(first, 'hex'), Buffer.from(last, 'hex')])
    expect(Buffer.compare(chunks[0], chunkAt(round, 0))).toBe(0)
    expect(Buffer.compare(chunks[1], chunkAt(round, CHUNKS - 1))).toBe(0)
    for (const [at, ref] of blobs.entries()) expect(await (await repository.blob(ref)).block(0)).toEqual(textChunk(round + at))
  }
  expect((await repository.checkObjects('hash')).findings).toEqual([])
}

const HEAD_WRITE = 2 + BLOBS + 1

describe('stopped at the k-th write of a backup', () => {
  it('this suite knows how many writes there are', async () => {
    const store = memoryStore()
    await createRepository(store, { ...options, id: 'r' })
    const faulty = faultyStore(store, { failAtWrite: 1000, mode: 'before' })
    await runRound(faulty, 1)
    expect(faulty.writes).toBe(HEAD_WRITE)
  })

  const plans: FaultPlan[] = []
  for (let failAtWrite = 1; failAtWrite <= HEAD_WRITE; failAtWrite++) {
    for (const mode of ['before', 'after'] as const) plans.push({ failAtWrite, mode }, { failAtWrite, mode, afterwards: 'once' })
  }
  it.each(plans)('%o: the old head stands, the next run succeeds', async (plan) => {
    const store = memoryStore()
    await createRepository(store, { ...options, id: 'r' })
    await runRound(store, 1)
    const before = await (await openRepository(store, options)).commits('main')
    await expect(runRound(faultyStore(store, plan), 2)).rejects.toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
    // Only a head that was written and whose answer was lost may stand: then it is whole.
    const stands = plan.mode === 'after' && plan.failAtWrite === HEAD_WRITE
    await expectWhole(store, stands ? [1, 2] : [1])
    expect((await (await openRepository(store, options)).commits('main'))[0]).toEqual(before[0])
    await runRound(store, 2)
    await expectWhole(store, stands ? [1, 2, 2] : [1, 2])
  })

  it.each([1, 2])('%i of the creation of a repository: the next creation succeeds', async (failAtWrite) => {
    const store = memoryStore()
    for (const mode of ['before', 'after'] as const) {
      const creating = createRepository(faultyStore(store, { failAtWrite, mode }), { ...options, id: 'r' })
      if (failAtWrite === 1 && mode === 'before') await expect(creating).rejects.toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
      else await creating.catch(() => {})
    }
    await createRepository(store, { ...options, id: 'r' })
    await runRound(store, 1)
    await expectWhole(store, [1])
  })
})

describe('killed on a local disk', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'zooark-crash-'))
    await createRepository(localStore(root), { ...options, id: 'r' })
  })
  afterEach(() => rm(root, { recursive: true }))

  /** A store whose process dies after its n-th step. */
  const dying = (stopAfter: number, naming: 'link' | 'exclusive') => {
    let steps = 0
    return localStore(root, {
      naming,
      onStep: () => {
        if (++steps >= stopAfter) throw new Error('killed')
      },
    })
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 23, 25, 26, 27, 28, 29, 30])(
    'after step %i of its writes: the old head stands or the new one is whole, and the next run succeeds',
    async (stopAfter) => {
      await runRound(localStore(root), 1)
      await expect(runRound(dying(stopAfter, 'link'), 2)).rejects.toThrow('killed')
      const commits = await (await openRepository(localStore(root), options)).commits('main')
      await expectWhole(localStore(root), commits.length === 2 ? [1, 2] : [1])
      await runRound(localStore(root), 2)
      await expectWhole(localStore(root), commits.length === 2 ? [1, 2, 2] : [1, 2])
    },
  )

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20])(
    'after step %i, without hard links: a torn pack or blob is completed by the next run',
    async (stopAfter) => {
      const store = () => localStore(root, { naming: 'exclusive' })
      await runRound(store(), 1)
      await expect(runRound(dying(stopAfter, 'exclusive'), 2)).rejects.toThrow('killed')
      await expectWhole(store(), [1])
      await runRound(store(), 2)
      await expectWhole(store(), [1, 2])
    },
  )

  it('within the head, without hard links: the torn head is named, and once deleted the next run succeeds', async () => {
    const store = localStore(root, { naming: 'exclusive' })
    await runRound(store, 1)
    const stopInHead = (step: string, key: string) => {
      if (step === 'named' && key.startsWith('head/')) throw new Error('killed')
    }
    await expect(runRound(localStore(root, { naming: 'exclusive', onStep: stopInHead }), 2)).rejects.toThrow('killed')
    const torn = 'head/main/0000000002'
    await expect(runRound(store, 2)).rejects.toThrow(expect.objectContaining({ code: 'REPOSITORY_DAMAGED', place: { object: torn } }))
    await store.delete(torn)
    await runRound(store, 2)
    await expectWhole(store, [1, 2])
  })
})
