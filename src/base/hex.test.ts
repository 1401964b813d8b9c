import { expect, it } from 'vitest'
import { fromHex, toHex } from './hex.ts'

it('hexadecimal is lower case, two digits a byte, and reads back', () => {
  expect(toHex(Uint8Array.of(0, 10, 255))).toBe('000aff')
  expect(fromHex('000aff')).toEqual(Uint8Array.of(0, 10, 255))
})

it.each(['0', '0A', 'zz', '0x00', '00 00'])('refuses %s', (text) => {
  expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})
