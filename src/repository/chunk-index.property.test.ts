import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sha256 } from '../base/checksum.ts'
import { toHex } from '../base/hex.ts'
import { ChunkIndex, PREFIX_LENGTH } from './chunk-index.ts'

const idOf = (seed: number) => sha256(Uint8Array.of(seed, seed >>> 8, seed >>> 16))

it('the index answers as a map by prefix does, however it grows', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5000), { maxLength: 4000 }), fc.array(fc.nat(6000), { maxLength: 200 }), (added, asked) => {
      const index = new ChunkIndex()
      const expected = new Map<string, number>()
      for (const [at, seed] of added.entries()) {
        const id = idOf(seed)
        index.add(id, 0, at, at + 1, at + 2, at + 3)
        const key = toHex(id.subarray(0, PREFIX_LENGTH))
        if (!expected.has(key)) expected.set(key, at)
      }
      expect(index.size).toBe(expected.size)
      for (const seed of [...asked, ...added.slice(0, 100)]) {
        const at = expected.get(toHex(idOf(seed).subarray(0, PREFIX_LENGTH)))
        const entry = index.find(idOf(seed))
        if (at === undefined) expect(entry).toBe(-1)
        else
          expect([index.packOf(entry), index.blockOf(entry), index.offsetOf(entry), index.lengthOf(entry)]).toEqual([
            at,
            at + 1,
            at + 2,
            at + 3,
          ])
      }
    }),
    { numRuns: 30 },
  )
})

it('ids that differ in one bit of the prefix are different chunks, wherever they stand in a buffer', () => {
  const index = new ChunkIndex()
  const buffer = new Uint8Array(100)
  index.add(buffer, 3, 7, 0, 0, 0)
  for (let bit = 0; bit < PREFIX_LENGTH * 8; bit++) {
    const other = new Uint8Array(PREFIX_LENGTH)
    other[bit >>> 3] = 1 << (bit & 7)
    expect(index.find(other)).toBe(-1)
  }
  expect(index.packOf(index.find(new Uint8Array(16)))).toBe(7)
})

it('thousands of ids made to fall on one slot are still told apart', () => {
  const index = new ChunkIndex()
  const id = new Uint8Array(16)
  for (let at = 0; at < 5000; at++) {
    new DataView(id.buffer).setUint32(12, at)
    index.add(id, 0, at, 0, 0, 0)
  }
  expect(index.size).toBe(5000)
  expect(index.packOf(index.find(id))).toBe(4999)
})
