import { describe, expect, it } from 'vitest'
import { counterOf, epochOf, firstZxidOfEpoch, follows, formatZxid, makeZxid, parseZxid, toZxid } from './zxid.ts'

const z = parseZxid

describe('zxid', () => {
  it('divides into epoch and counter as ZooKeeper 3.4 to 3.9 does', () => {
    expect(epochOf(z('0x500000007'))).toBe(5n)
    expect(counterOf(z('0x500000007'))).toBe(7n)
    expect(formatZxid(makeZxid(5n, 7n))).toBe('0x500000007')
    expect(formatZxid(firstZxidOfEpoch(5n))).toBe('0x500000000')
  })

  it('is read and written as 0x and lower-case digits without leading zeros', () => {
    expect(formatZxid(z('0x00AbC'))).toBe('0xabc')
    expect(formatZxid(z('0x0'))).toBe('0x0')
    expect(formatZxid(toZxid(-1n))).toBe('0xffffffffffffffff')
  })

  it.each(['', '12', 'abc', '0x', '0xg', '-0x1', '0x1 ', '0x8000000000000000', '0x11112222333344445'])('is not %j', (text) => {
    expect(() => z(text)).toThrow(expect.objectContaining({ code: 'BAD_POINT' }))
  })

  it('does not take an epoch or a counter that does not fit', () => {
    for (const [epoch, counter] of [
      [2n ** 31n, 0n],
      [0n, 2n ** 32n],
      [-1n, 0n],
      [0n, -1n],
    ] as const) {
      expect(() => makeZxid(epoch, counter)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    }
  })

  it('follows another when nothing can lie between', () => {
    expect(follows(z('0x1'), z('0x2'))).toBe(true)
    expect(follows(z('0x500000009'), z('0x600000001'))).toBe(true)
    expect(follows(z('0x500000009'), z('0x800000001'))).toBe(true)
    expect(follows(z('0x5ffffffff'), z('0x600000000'))).toBe(true)
    expect(follows(z('0x1'), z('0x1'))).toBe(false)
    expect(follows(z('0x1'), z('0x3'))).toBe(false)
    expect(follows(z('0x500000009'), z('0x600000002'))).toBe(false)
    expect(follows(z('0x600000009'), z('0x500000001'))).toBe(false)
  })
})
