import { expect, it } from 'vitest'
import { compareBytes, concatBytes, equalBytes, utf8Bytes } from './bytes.ts'

it('bytes compare as unsigned, the shorter first', () => {
  expect(compareBytes(Uint8Array.of(255), Uint8Array.of(1))).toBeGreaterThan(0)
  expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false)
})

it('parts are joined in order into an array of their own', () => {
  const joined = concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)])
  expect(joined).toEqual(Uint8Array.of(1, 2, 3))
  expect(joined.buffer.byteLength).toBe(3)
  expect(utf8Bytes('é')).toEqual(Uint8Array.of(0xc3, 0xa9))
})
