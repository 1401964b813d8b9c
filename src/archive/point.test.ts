import { describe, expect, test } from 'vitest'
import { formatPoint, parsePoint } from './point.ts'

describe('parsePoint', () => {
  test.each([
    ['latest', { form: 'latest', timeline: null }],
    ['latest@2', { form: 'latest', timeline: '2' }],
    ['0x1400000003', { form: 'zxid', zxid: 0x1400000003n, timeline: null }],
    ['0xAB@12', { form: 'zxid', zxid: 0xabn, timeline: '12' }],
    ['2026-11-20T03:00:00Z', { form: 'time', timeMs: 1795143600000, timeline: null }],
    ['2026-11-20T04:00:00.250+01:00', { form: 'time', timeMs: 1795143600250, timeline: null }],
    ['2026-11-20T03:00Z@1', { form: 'time', timeMs: 1795143600000, timeline: '1' }],
    ['-15m', { form: 'ago', amount: 15, unit: 'm', timeline: null }],
    ['-30s@3', { form: 'ago', amount: 30, unit: 's', timeline: '3' }],
    ['name:before-upgrade', { form: 'name', name: 'before-upgrade', timeline: null }],
    ['before:0x10', { form: 'before-zxid', zxid: 0x10n, timeline: null }],
    ['before:delete:/a/b', { form: 'before-delete', path: new Uint8Array(Buffer.from('/a/b')), timeline: null }],
    ['before:delete:/a@b', { form: 'before-delete', path: new Uint8Array(Buffer.from('/a@b')), timeline: null }],
    ['before:delete:/a@7@1', { form: 'before-delete', path: new Uint8Array(Buffer.from('/a@7')), timeline: '1' }],
    ['before:delete:/a@7', { form: 'before-delete', path: new Uint8Array(Buffer.from('/a')), timeline: '7' }],
  ])('reads %s', (text, expected) => {
    expect(parsePoint(text)).toEqual(expected)
  })

  test.each([
    ['', 'it is empty'],
    ['newest', 'none of the known forms'],
    ['0x', 'not a zxid'],
    ['0x8000000000000000', 'not a zxid'],
    ['0x11112222333344445', 'not a zxid'],
    ['2026-11-20T03:00:00', 'has no zone'],
    ['2026-11-20', 'a time is written as'],
    ['2026-02-30T00:00:00Z', 'no such time'],
    ['2026-13-01T00:00:00Z', 'no such time'],
    ['-15', 'a time ago'],
    ['-1.5h', 'a time ago'],
    ['-15w', 'a time ago'],
    ['name:', 'no name of a point'],
    ['name:a b', 'no name of a point'],
    ['before:', 'needs a zxid'],
    ['before:yesterday', 'needs a zxid'],
    ['before:delete:a', 'does not start with /'],
    ['before:delete:/a/', 'ends with /'],
    ['latest@', 'not the number of a timeline'],
    ['latest@0', 'not the number of a timeline'],
    ['latest@x', 'not the number of a timeline'],
  ])('refuses %j because %s', (text, reason) => {
    expect(() => parsePoint(text)).toThrow(expect.objectContaining({ code: 'BAD_POINT', message: expect.stringContaining(reason) }))
  })

  test.each(['latest@2', '0x1400000003', '2026-11-20T03:00:00.000Z', '-15m', 'name:x@1', 'before:0x10', 'before:delete:/a/b'])(
    'formats %s as it was',
    (text) => {
      expect(formatPoint(parsePoint(text))).toBe(text)
    },
  )
})
