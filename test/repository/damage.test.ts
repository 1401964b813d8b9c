import { beforeAll, describe, expect, it } from 'vitest'
import { ZooArkError } from '../../src/base/errors.ts'
import { zstd } from '../../src/base/zstd.ts'
import { checkObjects } from '../../src/repository/check.ts'
import { createRepository, openRepository } from '../../src/repository/repository.ts'
import type { Commit } from '../../src/repository/types.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { keysOf, noise, options } from './helpers.ts'

const chunks = [new Uint8Array(300).fill(65), noise(200, 1), new TextEncoder().encode('{"host":"10.0.0.1"}'.repeat(20))]
const segment = [new Uint8Array(500).fill(66), noise(100, 2)]

/** The same store, but one object has other bytes (or is gone). */
function tampered(store: ObjectStore, key: string, bytes: Uint8Array | undefined): ObjectStore {
  const inner = memoryStore()
  return {
    ...store,
    async get(asked, range) {
      if (asked !== key) return await store.get(asked, range)
      if (bytes !== undefined) await inner.putIfAbsent(key, bytes)
      return await inner.get(asked, range)
    },
    async *list(prefix) {
      for await (const object of store.list(prefix)) {
        if (object.key !== key) yield object
        else if (bytes !== undefined) yield { key, sizeBytes: bytes.length }
      }
    },
  }
}

let store: ObjectStore
let ids: Uint8Array[]
let commits: Commit[]
const keys: Record<'repository' | 'head' | 'newest head' | 'pack' | 'blob', string> = {
  repository: 'repository',
  head: 'head/main/0000000001',
  'newest head': 'head/main/0000000002',
  pack: '',
  blob: '',
}

beforeAll(async () => {
  store = memoryStore()
  const repository = await createRepository(store, { ...options, id: 'r' })
  const draft = await repository.begin('main', null)
  ids = chunks.map((plain) => draft.putChunk(plain))
  const ref = await draft.putBlob(
    'segment',
    's',
    { a: 1 },
    segment.map((plain) => ({ plain, meta: Uint8Array.of(1, 2) })),
  )
  const first = await draft.commit({ text: 'x'.repeat(100) })
  const second = await (await repository.begin('main', first)).commit({ text: 'second' })
  commits = [first, second]
  keys.pack = first.packs[0].key
  keys.blob = ref.key
})

/** Reads everything; what comes without an error must be right. */
async function readAll(from: ObjectStore): Promise<void> {
  const repository = await openRepository(from, options)
  expect(repository.id).toBe('r')
  const chain = await repository.commits('main')
  expect(chain).toEqual(commits)
  const read = await repository.chunks(ids)
  for (const [at, plain] of chunks.entries()) expect(Buffer.compare(read[at], plain)).toBe(0)
  const blob = await repository.blob(chain[0].blobs[0])
  expect(blob.header).toEqual({ a: 1 })
  for (const [at, plain] of segment.entries()) {
    expect(blob.blockMeta(at)).toEqual(Uint8Array.of(1, 2))
    expect(Buffer.compare(await blob.block(at), plain)).toBe(0)
  }
}

/** `undefined` when all was read and right, else the code; any other throw fails the test. */
async function outcomeOf(from: ObjectStore, key: string): Promise<string | undefined> {
  try {
    await readAll(from)
    return undefined
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    expect(['REPOSITORY_DAMAGED', 'REPOSITORY_FORMAT_TOO_NEW']).toContain(error.code)
    expect(error.place.object).toBe(key)
    return error.code
  }
}

describe.each(Object.keys(keys) as (keyof typeof keys)[])('the %s', (name) => {
  it('cut off at any byte is damage that names it', async () => {
    const key = keys[name]
    const whole = await store.get(key)
    for (let length = 0; length < whole.length; length++) {
      expect(await outcomeOf(tampered(store, key, whole.subarray(0, length)), key), `cut at ${length}`).toBe('REPOSITORY_DAMAGED')
    }
  })

  it('with any bit flipped is a coded error that names it, or reads equal; level hash finds every one', async () => {
    const key = keys[name]
    const whole = await store.get(key)
    const readEqual: number[] = []
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = whole.slice()
      flipped[bit >>> 3] ^= 1 << (bit & 7)
      const from = tampered(store, key, flipped)
      if ((await outcomeOf(from, key)) === undefined) readEqual.push(bit >>> 3)
      if (bit % 7 !== 0) continue
      const { findings } = await checkObjects(from, await zstd(), 'hash')
      expect(
        findings.map(({ object }) => object),
        `bit ${bit}`,
      ).toEqual([key])
    }
    // Ranged reads never see the sixteen bytes in front, which the index repeats; and a zstd frame has bits that its decoder ignores.
    const preamble = readEqual.filter((at) => at < 16).length
    expect(preamble).toBe(name === 'pack' || name === 'blob' ? 16 * 8 : 0)
    expect(readEqual.length - preamble).toBeLessThanOrEqual(8)
    const indexOffset = new DataView(whole.buffer, whole.byteOffset).getUint32(whole.length - 60)
    for (const at of readEqual) expect(at).toBeLessThan(indexOffset)
  })

  it('gone is found, and named', async () => {
    const key = keys[name]
    const from = tampered(store, key, undefined)
    const expected = {
      repository: 'REPOSITORY_NOT_FOUND',
      head: 'REPOSITORY_DAMAGED',
      'newest head': undefined,
      pack: 'OBJECT_NOT_FOUND',
      blob: 'OBJECT_NOT_FOUND',
    }[name]
    if (expected !== undefined)
      await expect(readAll(from)).rejects.toThrow(expect.objectContaining({ code: expected, place: { object: key } }))
    else expect(await (await openRepository(from, options)).commits('main')).toEqual([commits[0]])
  })
})

it('the check names every object that is missing, of another size or damaged, and goes on after each', async () => {
  const pack = await store.get(keys.pack)
  const flipped = pack.slice()
  flipped[20] ^= 1
  const from = tampered(tampered(store, keys.blob, undefined), keys.pack, flipped)
  const progress: number[] = []
  const report = await checkObjects(from, await zstd(), 'hash', ({ doneObjects }) => progress.push(doneObjects))
  expect(report.findings).toEqual([
    { object: keys.pack, problem: 'damaged', message: expect.any(String) },
    { object: keys.blob, problem: 'missing', message: expect.any(String) },
  ])
  expect(progress).toEqual([1, 2, 3, 4])
  expect((await checkObjects(from, await zstd(), 'chain')).findings.map(({ object }) => object)).toEqual([keys.blob])
  expect(
    (await checkObjects(tampered(store, keys.pack, pack.subarray(1)), await zstd(), 'chain')).findings.map(({ object }) => object),
  ).toEqual([keys.pack])
})

it('objects that no commit refers to are listed, and are no finding', async () => {
  const other = memoryStore()
  const repository = await createRepository(other, { ...options, id: 'r' })
  await (await repository.begin('main', null)).commit(null)
  const draft = await repository.begin('main', (await repository.commits('main'))[0])
  await draft.putBlob('segment', 'left', {}, [])
  await draft.abandon()
  const report = await repository.checkObjects('hash')
  expect(report.findings).toEqual([])
  expect(report.unreferenced).toEqual((await keysOf(other)).filter((key) => key.startsWith('segment/')))
})
