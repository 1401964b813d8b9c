import { expect, it } from 'vitest'
import { BlockCache } from './block-cache.ts'

it('the least recently used block goes first, and the bytes stay below the bound', () => {
  const cache = new BlockCache(100)
  for (const key of ['a', 'b', 'c', 'd']) cache.add(key, new Uint8Array(25))
  expect(cache.get('a')).toBeDefined()
  cache.add('e', new Uint8Array(25))
  expect(cache.bytes).toBe(100)
  expect(cache.get('b')).toBeUndefined()
  expect(['a', 'c', 'd', 'e'].filter((key) => cache.get(key) === undefined)).toEqual([])
  cache.add('a', new Uint8Array(1))
  expect(cache.get('a')).toHaveLength(25)
})

it('a block that would push out the rest is not kept, and a cache of no bytes keeps nothing', () => {
  const cache = new BlockCache(100)
  cache.add('large', new Uint8Array(26))
  expect(cache.get('large')).toBeUndefined()
  const none = new BlockCache(0)
  none.add('a', new Uint8Array(1))
  expect(none.bytes).toBe(0)
})
