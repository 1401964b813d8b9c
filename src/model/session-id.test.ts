import { expect, it } from 'vitest'
import { formatSessionId, parseSessionId, toSessionId } from './session-id.ts'

it('a session id is read and written as ZooKeeper logs it, also with the highest bit set', () => {
  expect(formatSessionId(toSessionId(0x0100001abdde0006n))).toBe('0x100001abdde0006')
  expect(formatSessionId(parseSessionId('0xFE00000000000001'))).toBe('0xfe00000000000001')
  expect(parseSessionId('0xfe00000000000001')).toBeLessThan(0n)
})

it.each(['', '1', '0x', '0x11112222333344445', 'x1'])('%j is no session id', (text) => {
  expect(() => parseSessionId(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})
