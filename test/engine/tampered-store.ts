import { memoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'

/** The same store, but one object has other bytes, or is gone. */
export function tamperedStore(store: ObjectStore, key: string, bytes: Uint8Array | 'gone'): ObjectStore {
  const inner = memoryStore()
  return {
    ...store,
    async get(asked, range) {
      if (asked !== key) return await store.get(asked, range)
      if (bytes !== 'gone') await inner.putIfAbsent(key, bytes)
      return await inner.get(asked, range)
    },
    async *list(prefix) {
      for await (const object of store.list(prefix)) {
        if (object.key !== key) yield object
        else if (bytes !== 'gone') yield { key, sizeBytes: bytes.length }
      }
    },
  }
}

export async function keysIn(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}
