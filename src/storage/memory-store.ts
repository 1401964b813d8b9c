import { equalBytes } from '../base/bytes.ts'
import { type ByteRange, checkKey, differentBytes, type ObjectStore, objectNotFound } from './object-store.ts'

/** A store that lives as long as the process: for tests and for trials. */
export function memoryStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>()
  const putIfAbsent = async (key: string, bytes: Uint8Array) => {
    checkKey(key)
    if (objects.has(key)) return false
    // Not slice: that of a Buffer is a view.
    objects.set(key, new Uint8Array(bytes))
    return true
  }
  return {
    description: 'memory',
    putIfAbsent,
    async put(key, bytes) {
      if (await putIfAbsent(key, bytes)) return
      if (!equalBytes(objects.get(key) as Uint8Array, bytes)) throw differentBytes(key)
    },
    async get(key, range?: ByteRange) {
      checkKey(key)
      const bytes = objects.get(key)
      if (bytes === undefined) throw objectNotFound(key)
      return new Uint8Array(range === undefined ? bytes : bytes.subarray(range.start, Math.max(range.start, range.end)))
    },
    async *list(prefix) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort()
      for (const key of keys) {
        const bytes = objects.get(key)
        if (bytes !== undefined) yield { key, sizeBytes: bytes.length }
      }
    },
    async stat(key) {
      checkKey(key)
      const bytes = objects.get(key)
      return bytes === undefined ? undefined : { sizeBytes: bytes.length }
    },
    async delete(key) {
      checkKey(key)
      objects.delete(key)
    },
  }
}
