import { ZooArkError } from '../base/errors.ts'
import type { ObjectStore } from './object-store.ts'

export interface FaultPlan {
  /** The write (put, putIfAbsent or delete) that fails, counted from 1. */
  readonly failAtWrite: number
  /**
   * 'before': nothing of it happens. 'after': it happens, but the answer is lost. 'torn': half of the object stays under its name, as a file
   * system without hard links can leave it.
   */
  readonly mode: 'before' | 'after' | 'torn'
  /** 'crash' (default): every later call fails too, as for a process that died. 'once': the store is well again. */
  readonly afterwards?: 'crash' | 'once'
}

/** Stops at the k-th write: what a test of the order of writes needs. `writes` counts the writes begun. */
export function faultyStore(store: ObjectStore, plan: FaultPlan): ObjectStore & { readonly writes: number } {
  let writes = 0
  let crashed = false
  const fail = (key: string) =>
    new ZooArkError('STORE_FAILED', `stopped by the fault plan at write ${plan.failAtWrite}`, { place: { object: key } })
  const alive = (key: string) => {
    if (crashed) throw fail(key)
  }
  const write = async <T>(key: string, bytes: Uint8Array | undefined, act: () => Promise<T>): Promise<T> => {
    alive(key)
    writes++
    if (writes !== plan.failAtWrite) return act()
    crashed = plan.afterwards !== 'once'
    if (plan.mode === 'after') await act()
    if (plan.mode === 'torn' && bytes !== undefined) await store.putIfAbsent(key, bytes.subarray(0, bytes.length >>> 1))
    throw fail(key)
  }
  return {
    description: store.description,
    get writes() {
      return writes
    },
    put: (key, bytes) => write(key, bytes, () => store.put(key, bytes)),
    putIfAbsent: (key, bytes) => write(key, bytes, () => store.putIfAbsent(key, bytes)),
    delete: (key) => write(key, undefined, () => store.delete(key)),
    async get(key, range) {
      alive(key)
      return store.get(key, range)
    },
    async *list(prefix) {
      alive(prefix)
      yield* store.list(prefix)
    },
    async stat(key) {
      alive(key)
      return store.stat(key)
    },
  }
}
