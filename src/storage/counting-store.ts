import type { ObjectStore } from './object-store.ts'

export interface StoreCounts {
  /** Calls of put, putIfAbsent and delete. */
  writes: number
  writtenBytes: number
  /** Calls of get, stat and list. */
  reads: number
  readBytes: number
}

/** The store, and what went through it: for statistics, benches and tests. `counts` is updated when a call succeeds. */
export function countingStore(store: ObjectStore): ObjectStore & { readonly counts: StoreCounts } {
  const counts: StoreCounts = { writes: 0, writtenBytes: 0, reads: 0, readBytes: 0 }
  return {
    description: store.description,
    counts,
    async put(key, bytes) {
      await store.put(key, bytes)
      counts.writes++
      counts.writtenBytes += bytes.length
    },
    async putIfAbsent(key, bytes) {
      const created = await store.putIfAbsent(key, bytes)
      counts.writes++
      if (created) counts.writtenBytes += bytes.length
      return created
    },
    async delete(key) {
      await store.delete(key)
      counts.writes++
    },
    async get(key, range) {
      const bytes = await store.get(key, range)
      counts.reads++
      counts.readBytes += bytes.length
      return bytes
    },
    async stat(key) {
      const found = await store.stat(key)
      counts.reads++
      return found
    },
    list(prefix) {
      counts.reads++
      return store.list(prefix)
    },
  }
}
