import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/checksum.ts'
import { toHex } from '../../src/base/hex.ts'
import { EnvelopeWriter } from '../../src/repository/envelope.ts'
import { createRepository, openRepository } from '../../src/repository/repository.ts'
import type { Commit } from '../../src/repository/types.ts'
import { countingStore } from '../../src/storage/counting-store.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { readOnlyStore } from '../../src/storage/read-only-store.ts'
import { keysOf, noise, options, textChunk } from './helpers.ts'

const create = (store: ObjectStore) => createRepository(store, { ...options, id: 'r-1' })
const coded = (code: string, object?: string) =>
  expect.objectContaining(object === undefined ? { code } : { code, place: expect.objectContaining({ object }) })

describe('a new repository', () => {
  it('is found again with its id and time of creation', async () => {
    const store = memoryStore()
    await create(store)
    const repository = await openRepository(readOnlyStore(store), options)
    expect(repository).toMatchObject({ id: 'r-1', createdTime: '2026-11-20T00:00:00.000Z', description: 'memory' })
    expect(await repository.timelines()).toEqual([])
    expect(await repository.commits('main')).toEqual([])
    expect(await keysOf(store)).toEqual(['repository'])
  })

  it('created twice stays the first one', async () => {
    const store = memoryStore()
    await create(store)
    expect((await createRepository(store, { ...options, id: 'r-2' })).id).toBe('r-1')
  })

  it('is refused in a store that holds something else, and nothing is written', async () => {
    const store = memoryStore()
    await store.put('version-2/log.1', new Uint8Array(1))
    await expect(create(store)).rejects.toThrow(coded('REPOSITORY_PLACE_TAKEN', 'version-2/log.1'))
    expect(await keysOf(store)).toEqual(['version-2/log.1'])
  })

  it.each([
    ['a later format', { format: 2, id: 'r', created: 'x', writer: 'x', requires: [] }],
    ['a feature of the future', { format: 1, id: 'r', created: 'x', writer: 'x', requires: ['sealed'] }],
    ['a later format that says everything else in another way', { format: 9 }],
  ])('with %s is refused as too new', async (_what, header) => {
    const store = memoryStore()
    await store.put('repository', new EnvelopeWriter('repository', 'none').finish(header).bytes)
    await expect(openRepository(store, options)).rejects.toThrow(coded('REPOSITORY_FORMAT_TOO_NEW', 'repository'))
    await expect(create(store)).rejects.toThrow(coded('REPOSITORY_FORMAT_TOO_NEW', 'repository'))
  })

  it('that says nothing of a repository is damaged', async () => {
    const store = memoryStore()
    await store.put('repository', new EnvelopeWriter('repository', 'none').finish({ format: 1 }).bytes)
    await expect(openRepository(store, options)).rejects.toThrow(coded('REPOSITORY_DAMAGED', 'repository'))
  })

  it('is not found in an empty store', async () => {
    await expect(openRepository(memoryStore(), options)).rejects.toThrow(coded('REPOSITORY_NOT_FOUND'))
  })
})

describe('commits', () => {
  it('form a chain that another process reads as it was written', async () => {
    const store = memoryStore()
    const repository = await create(store)
    let head: Commit | null = null
    const written: Commit[] = []
    for (let at = 0; at < 3; at++) {
      const draft = await repository.begin('main', head)
      draft.putChunk(textChunk(at))
      head = await draft.commit({ at, text: 'é', nested: [null, true, { x: 'y' }] })
      written.push(head)
    }
    expect(written.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(written.map(({ previous }) => previous)).toEqual([null, written[0].hash, written[1].hash])
    const reopened = await openRepository(store, options)
    expect(await reopened.commits('main')).toEqual(written)
    expect(await repository.commits('main')).toEqual(written)
    expect(await reopened.timelines()).toEqual(['main'])
    expect(toHex(sha256(await store.get('head/main/0000000002')))).toBe(written[1].hash)
    expect(written[0]).toMatchObject({ time: '2026-11-20T00:00:00.000Z', writer: 'zooark/test' })
  })

  it('of one timeline do not stand in the way of another', async () => {
    const store = memoryStore()
    const repository = await create(store)
    await (await repository.begin('main', null)).commit(1)
    await (await repository.begin('main-2', null)).commit(2)
    expect(await repository.timelines()).toEqual(['main', 'main-2'])
    expect((await repository.commits('main')).map(({ body }) => body)).toEqual([1])
    expect((await repository.commits('main-2')).map(({ body }) => body)).toEqual([2])
  })

  it('of two drafts on one head the second is fenced, and the first stands', async () => {
    const store = memoryStore()
    const first = await create(store)
    const base = await (await first.begin('main', null)).commit('base')
    const second = await openRepository(store, options)
    const drafts = [await first.begin('main', base), await second.begin('main', base)]
    drafts[0].putChunk(textChunk(1))
    drafts[1].putChunk(textChunk(2))
    const won = await drafts[1].commit('second came first')
    await expect(drafts[0].commit('late')).rejects.toThrow(coded('REPOSITORY_FENCED', 'head/main/0000000002'))
    await expect(drafts[0].flush()).rejects.toThrow(coded('REPOSITORY_FENCED'))
    expect((await first.commits('main')).at(-1)).toEqual(won)
    await expect((await first.begin('main', null)).commit('x')).rejects.toThrow(coded('REPOSITORY_FENCED', 'head/main/0000000001'))
    await expect((await first.begin('main', base)).commit('x')).rejects.toThrow(coded('REPOSITORY_FENCED'))
    await (await first.begin('main', won)).commit('goes on')
    expect(await first.commits('main')).toHaveLength(3)
  })

  it.each(['', 'Main', 'a/b', '-a', 'a.b', 'x'.repeat(65)])('are refused on a timeline named %j', async (name) => {
    const repository = await create(memoryStore())
    await expect(repository.begin(name, null)).rejects.toThrow(coded('USAGE'))
    await expect(repository.commits(name)).rejects.toThrow(coded('USAGE'))
  })
})

describe('chunks', () => {
  it('of any content and order come back equal, each stored once, to this process and another', async () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 90_000 }).map((size) => noise(size, size)),
      fc.nat(9).map(textChunk),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(chunk, { maxLength: 12 }), { maxLength: 4 }), fc.nat(), async (commits, seed) => {
        const store = memoryStore()
        const repository = await create(store)
        let head: Commit | null = null
        const known = new Map<string, Uint8Array>()
        for (const chunks of commits) {
          const draft = await repository.begin('main', head)
          let stored = 0
          for (const plain of chunks) {
            const id = draft.putChunk(plain)
            expect(toHex(id)).toBe(toHex(sha256(plain)))
            if (!known.has(toHex(id))) stored++
            known.set(toHex(id), plain)
            expect(draft.hasChunk(id)).toBe(true)
          }
          expect(draft.statistics.storedChunks).toBe(stored)
          expect(draft.statistics.knownChunks).toBe(chunks.length - stored)
          head = await draft.commit(null)
        }
        const ids = [...known.keys()].map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))).sort((a, b) => a[seed % 32] - b[seed % 32])
        for (const reader of [repository, await openRepository(store, { ...options, cacheBytesMax: 100_000 })]) {
          const read = await reader.chunks([...ids, ...ids])
          for (const [at, id] of [...ids, ...ids].entries()) expect(Buffer.compare(read[at], known.get(toHex(id)) as Uint8Array)).toBe(0)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('put into a buffer that is used again afterwards are what they were', async () => {
    const repository = await create(memoryStore())
    const draft = await repository.begin('main', null)
    const buffer = new Uint8Array(1000).fill(1)
    const id = draft.putChunk(buffer)
    buffer.fill(2)
    await draft.commit(null)
    expect((await repository.chunks([id]))[0]).toEqual(new Uint8Array(1000).fill(1))
  })

  it('of an abandoned draft do not count as known, and nothing refers to them', async () => {
    const store = memoryStore()
    const repository = await create(store)
    const draft = await repository.begin('main', null)
    const id = draft.putChunk(textChunk(1))
    await draft.abandon()
    await expect(repository.chunks([id])).rejects.toThrow(coded('OBJECT_NOT_FOUND', `chunk ${toHex(id)}`))
    const next = await repository.begin('main', null)
    expect(next.putChunkWithId(id, textChunk(1))).toBe('stored')
    await next.commit(null)
    expect(await repository.chunks([id])).toEqual([textChunk(1)])
    expect(() => draft.putChunk(textChunk(2))).toThrow(coded('BUG'))
  })

  it('that another process committed are found without opening anew', async () => {
    const store = memoryStore()
    const writer = await create(store)
    const reader = await openRepository(store, options)
    const draft = await writer.begin('main', null)
    const id = draft.putChunk(textChunk(1))
    await expect(reader.chunks([id])).rejects.toThrow(coded('OBJECT_NOT_FOUND'))
    await draft.commit(null)
    expect(await reader.chunks([id])).toEqual([textChunk(1)])
    expect((await reader.begin('main', (await reader.commits('main'))[0])).putChunkWithId(id, textChunk(1))).toBe('known')
  })

  it('a commit of known chunks writes only its head', async () => {
    const store = memoryStore()
    const repository = await create(store)
    const draft = await repository.begin('main', null)
    for (let at = 0; at < 100; at++) draft.putChunk(textChunk(at))
    const head = await draft.commit(null)
    const counting = countingStore(store)
    const again = await (await openRepository(counting, options)).begin('main', head)
    for (let at = 0; at < 100; at++) again.putChunk(textChunk(at))
    const commit = await again.commit(null)
    expect(commit.packs).toEqual([])
    expect(counting.counts.writes).toBe(1)
  })

  it('near each other are read in one go, and one chunk costs one block', async () => {
    const store = memoryStore()
    const writer = await create(store)
    const draft = await writer.begin('main', null)
    const ids = Array.from({ length: 500 }, (_, at) => draft.putChunk(noise(8000, at)))
    await draft.commit(null)
    const counting = countingStore(store)
    const reader = await openRepository(counting, { ...options, cacheBytesMax: 1_000_000 })
    await reader.chunks([ids[250]])
    const before = { ...counting.counts }
    await reader.chunks([ids[100]])
    expect(counting.counts.reads - before.reads).toBe(1)
    expect(counting.counts.readBytes - before.readBytes).toBeLessThan(60_000)
    const afterOne = { ...counting.counts }
    // Two blocks are cached by now: what lies before, between and after them.
    await reader.chunks(ids)
    expect(counting.counts.reads - afterOne.reads).toBe(3)
    await reader.chunks(ids.slice(-10))
    expect(counting.counts.reads - afterOne.reads).toBe(3)
  })

  it('fill packs of about eight megabytes, however many there are, with back-pressure', async () => {
    const store = memoryStore()
    const repository = await create(store)
    const draft = await repository.begin('main', null)
    const ids: Uint8Array[] = []
    for (let at = 0; at < 3000; at++) {
      ids.push(draft.putChunk(noise(8000, at)))
      if (draft.full) await draft.flush()
    }
    const commit = await draft.commit(null)
    expect(commit.packs).toHaveLength(3)
    for (const { sizeBytes } of commit.packs.slice(0, -1)) expect(sizeBytes / 2 ** 20).toBeCloseTo(8.6, 0)
    expect(draft.statistics.writtenBytes).toBeGreaterThan(24e6)
    expect((await repository.chunks([ids[2999], ids[0]])).map((chunk) => Buffer.compare(chunk, noise(8000, 0)) === 0)).toEqual([
      false,
      true,
    ])
  })
})

describe('blobs', () => {
  it('come back with header, meta and blocks, opened by one read', async () => {
    const store = memoryStore()
    const repository = await create(store)
    const draft = await repository.begin('main', null)
    const blocks = [
      { plain: textChunk(1), meta: Uint8Array.of(1, 2) },
      { plain: noise(200_000, 1) },
      { plain: new Uint8Array(0), meta: new Uint8Array(1000).fill(7) },
    ]
    const ref = await draft.putBlob('segment', '0000-0001', { first: '0x1', n: 2 }, blocks)
    const empty = await draft.putBlob('segment', 'empty', {}, [])
    const commit = await draft.commit(null)
    expect(commit.blobs).toEqual([ref, empty])
    expect(ref.key).toBe(`segment/0000-0001.${toHex(sha256(await store.get(ref.key)))}`)
    const counting = countingStore(store)
    const reader = await (await openRepository(counting, options)).blob(ref)
    expect(counting.counts.reads).toBe(2)
    expect(reader.header).toEqual({ first: '0x1', n: 2 })
    expect(reader.blockCount).toBe(3)
    expect([reader.blockMeta(0), reader.blockMeta(1), reader.blockMeta(2)]).toEqual([
      Uint8Array.of(1, 2),
      new Uint8Array(0),
      new Uint8Array(1000).fill(7),
    ])
    expect(reader.blockPlainBytes(1)).toBe(200_000)
    expect(Buffer.compare(await reader.block(1), noise(200_000, 1))).toBe(0)
    expect((await reader.blocks(0, 3)).map((plain) => plain.length)).toEqual([textChunk(1).length, 200_000, 0])
    await expect(reader.block(3)).rejects.toThrow(coded('REPOSITORY_DAMAGED'))
    expect((await repository.blob(empty)).blockCount).toBe(0)
  })

  it('of the repository’s own kinds are refused', async () => {
    const repository = await create(memoryStore())
    for (const kind of ['head', 'pack', 'tmp', 'A', '']) {
      const draft = await repository.begin('main', null)
      await expect(draft.putBlob(kind, 'a', {}, [])).rejects.toThrow(coded('BUG'))
      await draft.abandon()
    }
  })
})

describe('a draft whose store fails', () => {
  it('gives that error from every later call', async () => {
    const inner = memoryStore()
    await create(inner)
    const repository = await openRepository(readOnlyStore(inner), options)
    const draft = await repository.begin('main', null)
    draft.putChunk(textChunk(1))
    await expect(draft.commit(null)).rejects.toThrow(coded('STORE_UNREADABLE'))
    expect(() => draft.putChunk(textChunk(2))).toThrow(coded('STORE_UNREADABLE'))
    await expect(draft.flush()).rejects.toThrow(coded('STORE_UNREADABLE'))
    await draft.abandon()
  })

  it('fails in the background without an unhandled rejection, and flush tells', async () => {
    const inner = memoryStore()
    await create(inner)
    const repository = await openRepository(readOnlyStore(inner), options)
    const draft = await repository.begin('main', null)
    const fill = async () => {
      for (let at = 0; at < 3000; at++) {
        draft.putChunk(noise(8000, at))
        await draft.flush()
      }
    }
    await expect(fill()).rejects.toThrow(coded('STORE_UNREADABLE'))
    expect(await inner.stat('repository')).toBeDefined()
  })
})
