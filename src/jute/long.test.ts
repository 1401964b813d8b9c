import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareLong, highOf, int32At, joinLong, longAt, lowOf, putInt32, putLong } from './long.ts'

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

describe('64-bit values in halves', () => {
  it('agree with DataView for every value', () => {
    fc.assert(
      fc.property(long, fc.integer(), (value, small) => {
        const bytes = new Uint8Array(20)
        const view = new DataView(bytes.buffer)
        view.setBigInt64(3, value)
        view.setInt32(11, small)
        expect(longAt(bytes, 3)).toBe(value)
        expect(int32At(bytes, 11)).toBe(small)
        const own = new Uint8Array(20)
        putLong(own, 3, value)
        putInt32(own, 11, small)
        expect(own).toEqual(bytes)
      }),
    )
  })

  it('split and join to the same value', () => {
    fc.assert(fc.property(long, (value) => joinLong(highOf(value), lowOf(value)) === value))
  })

  it('are ordered as signed 64-bit numbers', () => {
    fc.assert(
      fc.property(long, long, (a, b) => {
        expect(Math.sign(compareLong(highOf(a), lowOf(a), highOf(b), lowOf(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
    expect(compareLong(1, -1, 1, 1)).toBe(1)
  })
})
