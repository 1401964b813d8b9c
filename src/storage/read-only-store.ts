import { ZooArkError } from '../base/errors.ts'
import type { ObjectStore } from './object-store.ts'

/** The store without its writes: for commands that only look. They refuse with STORE_UNREADABLE. */
export function readOnlyStore(store: ObjectStore): ObjectStore {
  const refuse = async (key: string): Promise<never> => {
    throw new ZooArkError('STORE_UNREADABLE', 'the repository was opened for reading only', { place: { object: key } })
  }
  return {
    description: store.description,
    put: refuse,
    putIfAbsent: refuse,
    delete: refuse,
    get: (key, range) => store.get(key, range),
    list: (prefix) => store.list(prefix),
    stat: (key) => store.stat(key),
  }
}
