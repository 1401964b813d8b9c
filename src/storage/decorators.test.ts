import { expect, it } from 'vitest'
import { countingStore } from './counting-store.ts'
import { faultyStore } from './faulty-store.ts'
import { memoryStore } from './memory-store.ts'
import { readOnlyStore } from './read-only-store.ts'

const bytes = Uint8Array.of(1, 2, 3, 4)
const failed = expect.objectContaining({ code: 'STORE_FAILED' })

it('a read-only store reads, and refuses every write', async () => {
  const inner = memoryStore()
  await inner.put('a', bytes)
  const store = readOnlyStore(inner)
  const refused = expect.objectContaining({ code: 'STORE_UNREADABLE', place: { object: 'a' } })
  await expect(store.put('a', bytes)).rejects.toThrow(refused)
  await expect(store.putIfAbsent('a', bytes)).rejects.toThrow(refused)
  await expect(store.delete('a')).rejects.toThrow(refused)
  expect([...(await store.get('a', { start: 1, end: 2 }))]).toEqual([2])
  expect(await store.stat('a')).toEqual({ sizeBytes: 4 })
  for await (const object of store.list('')) expect(object).toEqual({ key: 'a', sizeBytes: 4 })
})

it('a counting store counts calls and bytes that succeeded', async () => {
  const store = countingStore(memoryStore())
  await store.put('a', bytes)
  expect(await store.putIfAbsent('a', bytes)).toBe(false)
  await store.get('a', { start: 0, end: 3 })
  await store.stat('a')
  await expect(store.get('b')).rejects.toThrow()
  expect(store.counts).toEqual({ writes: 2, writtenBytes: 4, reads: 2, readBytes: 3 })
})

it.each([
  ['before', undefined],
  ['after', 4],
  ['torn', 2],
] as const)('a faulty store stops %s its k-th write, and stays dead', async (mode, left) => {
  const inner = memoryStore()
  const store = faultyStore(inner, { failAtWrite: 2, mode })
  await store.put('a', bytes)
  await expect(store.putIfAbsent('b', bytes)).rejects.toThrow(failed)
  expect((await inner.stat('b'))?.sizeBytes).toBe(left)
  await expect(store.put('c', bytes)).rejects.toThrow(failed)
  await expect(store.get('a')).rejects.toThrow(failed)
  await expect(store.stat('a')).rejects.toThrow(failed)
  await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toThrow(failed)
  expect(store.writes).toBe(2)
})

it('a store that fails once is well again', async () => {
  const store = faultyStore(memoryStore(), { failAtWrite: 1, mode: 'before', afterwards: 'once' })
  await expect(store.put('a', bytes)).rejects.toThrow(failed)
  await store.put('a', bytes)
  expect((await store.get('a')).length).toBe(4)
})
