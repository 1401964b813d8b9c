/** The suite of the ObjectStore contract. Every driver and every decorator that can write passes it. */
import { afterEach, describe, expect, it } from 'vitest'
import type { ObjectStore, StoredObject } from '../../src/storage/object-store.ts'

export interface StoreUnderTest {
  readonly store: ObjectStore
  /** A second handle of the same place, as another process has. */
  readonly again: () => ObjectStore
  readonly dispose: () => Promise<void>
}

const bytesOf = (...values: number[]) => Uint8Array.from(values)
const coded = (code: string, object: string) => expect.objectContaining({ code, place: expect.objectContaining({ object }) })

async function listed(store: ObjectStore, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = []
  for await (const object of store.list(prefix)) found.push(object)
  return found
}

export function describeObjectStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    let current: StoreUnderTest | undefined
    const fresh = async () => {
      current = await make()
      return current
    }
    afterEach(async () => {
      await current?.dispose()
      current = undefined
    })

    it('is empty at first, and says so without an error', async () => {
      const { store } = await fresh()
      expect(await listed(store, '')).toEqual([])
      expect(await listed(store, 'pack/')).toEqual([])
      expect(await store.stat('pack/aa')).toBeUndefined()
      await expect(store.get('pack/aa')).rejects.toThrow(coded('OBJECT_NOT_FOUND', 'pack/aa'))
      await expect(store.get('pack/aa', { start: 0, end: 1 })).rejects.toThrow(coded('OBJECT_NOT_FOUND', 'pack/aa'))
      await store.delete('pack/aa')
      expect(store.description).not.toBe('')
    })

    it('gives back what was put, to this handle and to another', async () => {
      const { store, again } = await fresh()
      const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at * 7)
      await store.put('pack/one', bytes)
      await store.put('pack/empty', new Uint8Array(0))
      for (const handle of [store, again()]) {
        expect(Buffer.compare(await handle.get('pack/one'), bytes)).toBe(0)
        expect((await handle.get('pack/empty')).length).toBe(0)
        expect(await handle.stat('pack/one')).toEqual({ sizeBytes: 100_000 })
        expect(await handle.stat('pack/empty')).toEqual({ sizeBytes: 0 })
      }
    })

    it('keeps its own copy, and gives one away', async () => {
      const { store } = await fresh()
      const bytes = bytesOf(1, 2, 3)
      await store.put('a', bytes)
      bytes[0] = 9
      const got = await store.get('a')
      got[1] = 9
      expect(new Uint8Array(await store.get('a'))).toEqual(bytesOf(1, 2, 3))
      const part = await store.get('a', { start: 1, end: 3 })
      part[0] = 9
      expect(new Uint8Array(await store.get('a'))).toEqual(bytesOf(1, 2, 3))
    })

    it('keeps its own copy of a Buffer too, whose slice would be a view', async () => {
      const { store } = await fresh()
      const buffer = Buffer.from([1, 2, 3])
      await store.put('a', buffer)
      buffer[0] = 9
      expect([...(await store.get('a'))]).toEqual([1, 2, 3])
    })

    it('answers a range, clipped to the object', async () => {
      const { store } = await fresh()
      await store.put('a', bytesOf(0, 1, 2, 3, 4))
      const range = async (start: number, end: number) => [...(await store.get('a', { start, end }))]
      expect(await range(0, 5)).toEqual([0, 1, 2, 3, 4])
      expect(await range(1, 3)).toEqual([1, 2])
      expect(await range(3, 100)).toEqual([3, 4])
      expect(await range(5, 9)).toEqual([])
      expect(await range(7, 9)).toEqual([])
      expect(await range(2, 2)).toEqual([])
    })

    it('put of the same bytes is success, of other bytes an error that changes nothing', async () => {
      const { store, again } = await fresh()
      await store.put('a/b', bytesOf(1, 2))
      await store.put('a/b', bytesOf(1, 2))
      await again().put('a/b', bytesOf(1, 2))
      for (const other of [bytesOf(1, 3), bytesOf(1), bytesOf(2, 2, 3), bytesOf()]) {
        await expect(store.put('a/b', other)).rejects.toThrow(coded('REPOSITORY_DAMAGED', 'a/b'))
      }
      expect([...(await store.get('a/b'))]).toEqual([1, 2])
    })

    it('putIfAbsent creates once, and says false from then on, even for the same bytes', async () => {
      const { store, again } = await fresh()
      expect(await store.putIfAbsent('head/x/1', bytesOf(1))).toBe(true)
      expect(await store.putIfAbsent('head/x/1', bytesOf(2))).toBe(false)
      expect(await again().putIfAbsent('head/x/1', bytesOf(1))).toBe(false)
      expect([...(await again().get('head/x/1'))]).toEqual([1])
    })

    it('of many writers at once exactly one wins, and its bytes stand', async () => {
      const { store, again } = await fresh()
      const handles = [store, again(), again(), again()]
      const won = await Promise.all(
        Array.from({ length: 24 }, (_, writer) =>
          (handles[writer % 4] as ObjectStore).putIfAbsent('head/x/1', new Uint8Array(5000).fill(writer)),
        ),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(Buffer.compare(await store.get('head/x/1'), new Uint8Array(5000).fill(won.indexOf(true)))).toBe(0)
    })

    it('many writers of different keys do not disturb each other', async () => {
      const { store, again } = await fresh()
      const handles = [store, again()]
      await Promise.all(Array.from({ length: 40 }, (_, at) => (handles[at % 2] as ObjectStore).put(`deep/${at % 3}/${at}`, bytesOf(at))))
      expect(await listed(store, '')).toHaveLength(40)
      expect([...(await store.get('deep/1/37'))]).toEqual([37])
    })

    it('lists by text prefix in bytewise order of whole keys, with sizes', async () => {
      const { store } = await fresh()
      const keys = [
        'a-b',
        'a/b',
        'a.b/c',
        'a0',
        'a/b-c/d',
        'a/c',
        'a_/z',
        'b',
        'head/main/0000000002',
        'head/main/0000000010',
        'head/main-2/0000000001',
      ]
      for (const [at, key] of keys.entries()) await store.put(key, new Uint8Array(at))
      const all = await listed(store, '')
      expect(all.map(({ key }) => key)).toEqual([...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))))
      for (const { key, sizeBytes } of all) expect(sizeBytes).toBe(keys.indexOf(key))
      for (const prefix of ['a', 'a/', 'a/b', 'a/b-c/', 'head/main', 'head/main/', 'head/main/0000000001', 'c', 'a/b/']) {
        expect((await listed(store, prefix)).map(({ key }) => key)).toEqual(
          all.map(({ key }) => key).filter((key) => key.startsWith(prefix)),
        )
      }
    })

    it('a list that is left early does no harm', async () => {
      const { store } = await fresh()
      await store.put('a', bytesOf(1))
      await store.put('b', bytesOf(1))
      for await (const { key } of store.list('')) {
        expect(key).toBe('a')
        break
      }
      expect(await listed(store, '')).toHaveLength(2)
    })

    it('forgets what was deleted, and then takes the key again', async () => {
      const { store, again } = await fresh()
      await store.put('a/b', bytesOf(1))
      await again().delete('a/b')
      expect(await store.stat('a/b')).toBeUndefined()
      expect(await listed(store, '')).toEqual([])
      expect(await store.putIfAbsent('a/b', bytesOf(2))).toBe(true)
    })

    it.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', '.a', 'A', 'a b', 'a\0b', 'é', 'a'.repeat(513)])(
      'refuses the key %j',
      async (key) => {
        const { store } = await fresh()
        await expect(store.put(key, bytesOf(1))).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
        await expect(store.putIfAbsent(key, bytesOf(1))).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
        await expect(store.get(key)).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
        await expect(store.stat(key)).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
        await expect(store.delete(key)).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
        expect(await listed(store, '')).toEqual([])
      },
    )
  })
}
