import { fixedClock } from '../../src/base/clock.ts'
import type { RepositoryOptions } from '../../src/repository/repository.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'

export const options: RepositoryOptions = { clock: fixedClock(Date.UTC(2026, 10, 20)), writer: 'zooark/test' }

/** Bytes that do not compress, the same for the same seed (xorshift). */
export function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed * 2654435761 + 1
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** A few kilobytes that compress well. */
export function textChunk(which: number): Uint8Array {
  return new TextEncoder().encode(
    Array.from({ length: 100 }, (_, line) => `/app/service-${which}/node-${line} {"host":"10.0.0.${line}"}\n`).join(''),
  )
}

export async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}
