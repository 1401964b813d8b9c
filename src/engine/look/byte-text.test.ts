import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { highOf, lowOf } from '../../jute/long.ts'
import { ByteText, printableText } from './byte-text.ts'

function written(write: (text: ByteText) => void, capacity?: number): string {
  const parts: Buffer[] = []
  const text = new ByteText((bytes) => {
    parts.push(Buffer.from(bytes))
  }, capacity)
  write(text)
  text.flush()
  return Buffer.concat(parts).toString('utf8')
}

describe('numbers written as bytes', () => {
  it('are those of JavaScript for every 64-bit value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), fc.bigInt(-300n, 300n), fc.bigInt(0n, 1n << 54n)), (value) => {
        expect(written((text) => text.long(highOf(value), lowOf(value)))).toBe(value.toString())
        expect(written((text) => text.hex(highOf(value), lowOf(value)))).toBe(`0x${BigInt.asUintN(64, value).toString(16)}`)
      }),
    )
  })

  it.each([0, 9, 10, 99, 100, 2147483647, 2147483648, -2147483648, 4294967296, Number.MAX_SAFE_INTEGER])('%i', (value) => {
    expect(written((text) => text.number(value))).toBe(String(value))
  })
})

describe('times written as bytes', () => {
  it('are ISO 8601 from 1970 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
        const value = BigInt(ms)
        expect(written((text) => text.time(highOf(value), lowOf(value)))).toBe(new Date(ms).toISOString())
      }),
    )
  })

  it('are the bare number outside', () => {
    expect(written((text) => text.time(-1, -1))).toBe('-1')
    expect(written((text) => text.time(0x7fffffff, -1))).toBe('9223372036854775807')
    expect(written((text) => text.time(highOf(253_402_300_800_000n), lowOf(253_402_300_800_000n)))).toBe('253402300800000')
  })
})

describe('strings and data written as bytes', () => {
  it('base64 is that of Buffer, also across the edge of the buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(200), (bytes, before) => {
        const text = written((out) => {
          for (let i = 0; i < before; i++) out.byte(0x2e)
          out.base64(bytes, 0, bytes.length)
        }, 256)
        expect(text).toBe('.'.repeat(before) + Buffer.from(bytes).toString('base64'))
      }),
    )
    const long = new Uint8Array(500_001).map((_, i) => i * 7)
    expect(written((out) => out.base64(long, 0, long.length))).toBe(Buffer.from(long).toString('base64'))
  })

  it('a JSON string reads back to the same text, and bytes that are not UTF-8 are told', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (value) => {
        const bytes = new TextEncoder().encode(value)
        expect(JSON.parse(written((out) => expect(out.jsonString(bytes, 0, bytes.length)).toBe(true)))).toBe(value)
      }),
    )
    const broken = Uint8Array.of(0x61, 0xff, 0x62)
    expect(written((out) => expect(out.jsonString(broken, 0, 3)).toBe(false))).toBe('"a\\\\xffb"')
  })

  it('what goes to a terminal cannot move its cursor', () => {
    expect(printableText('a\u001b[2Jb\u202ec\nd')).toBe('a\\x1b[2Jb\\u202ec\\x0ad')
    const bytes = new TextEncoder().encode('é\u001b]0;x\u0007')
    expect(written((out) => out.printable(bytes, 0, bytes.length))).toBe('é\\x1b]0;x\\x07')
  })

  it('everything goes out in order whatever the capacity', () => {
    const text = written((out) => {
      for (let i = 0; i < 1000; i++) {
        out.number(i)
        out.byte(0x20)
      }
    }, 1)
    expect(text).toBe(Array.from({ length: 1000 }, (_, i) => `${i} `).join(''))
  })
})
