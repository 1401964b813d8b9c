import { describe, expect, it } from 'vitest'
import { formatCount, formatDuration, formatFields, formatSize, formatTable, formatTime, printable } from './format-text.ts'

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1024, '1.00 KiB'],
    [10_240, '10.0 KiB'],
    [102_400, '100 KiB'],
    [1_023_488, '0.98 MiB'],
    [326_107_136, '311 MiB'],
    [2 ** 32, '4.00 GiB'],
    [2 ** 60, '1024 PiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('%i is %s', (count, text) => {
    expect(formatCount(count)).toBe(text)
  })

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [3_599_499, '59 min 59 s'],
    [3_600_000, '1 h 00 min'],
    [86_400_000 * 5 + 3 * 3_600_000, '5 d 3 h'],
    [-1500, '-1.5 s'],
  ])('%i ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('times that no Date can hold keep their number', () => {
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(formatTime(9e15)).toBe('9000000000000000 ms')
  })
})

describe('tables', () => {
  it('align columns and end no line in spaces', () => {
    expect(
      formatTable(
        [{ title: 'path' }, { title: 'bytes', align: 'right' }, { title: 'kind' }],
        [
          ['/a', '1', ''],
          ['/long/path', '12345', 'x'],
        ],
      ),
    ).toEqual(['path        bytes  kind', '/a              1', '/long/path  12345  x'])
  })

  it('align values behind labels', () => {
    expect(
      formatFields([
        ['zxid', '0x1'],
        ['last processed', '0x2'],
      ]),
    ).toEqual(['zxid            0x1', 'last processed  0x2'])
  })

  it('let no path move the cursor or turn the text around', () => {
    expect(printable('/a\u001b[2Jb\r\n\u0085\u202e')).toBe('/a\\x1b[2Jb\\x0d\\x0a\\x85\\u{202e}')
    expect(printable('/ü/日本')).toBe('/ü/日本')
  })
})
