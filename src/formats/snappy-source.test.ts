import { describe, expect, it } from 'vitest'
import { bytesOf, joined, smallSnapshot, withBytes } from '../../test/formats/hand-written.ts'
import { decodeSnappyElements, snappyPlainLength } from './snappy-block.ts'
import { readSnapshot } from './snapshot-reader.ts'

// Blocks written by hand from google/snappy's format_description.txt; files of real servers are read in test/formats/vectors.test.ts.

function decode(block: Uint8Array): string | undefined {
  const plain = snappyPlainLength(block, 0, block.length)
  if (plain === undefined || plain.length > 100_000) return undefined
  const output = new Uint8Array(plain.length)
  return decodeSnappyElements(block, plain.at, block.length, output, plain.length) ? Buffer.from(output).toString('latin1') : undefined
}

const literal = (text: string) => joined(Uint8Array.of((text.length - 1) << 2), new TextEncoder().encode(text))

describe('a snappy block', () => {
  it('is made of literals of each length form', () => {
    expect(decode(joined(bytesOf('03'), literal('abc')))).toBe('abc')
    const long = 'x'.repeat(70)
    expect(decode(joined(bytesOf('46 f0 45'), new TextEncoder().encode(long)))).toBe(long)
    const longer = 'y'.repeat(300)
    expect(decode(joined(bytesOf('ac02 f4 2b01'), new TextEncoder().encode(longer)))).toBe(longer)
    expect(decode(joined(bytesOf('ac02 f8 2b0100'), new TextEncoder().encode(longer)))).toBe(longer)
    expect(decode(joined(bytesOf('ac02 fc 2b010000'), new TextEncoder().encode(longer)))).toBe(longer)
  })

  it('is made of copies of each offset form, which may overlap what they write', () => {
    expect(decode(joined(bytesOf('08'), literal('abcd'), bytesOf('01 04')))).toBe('abcdabcd')
    expect(decode(joined(bytesOf('08'), literal('abcd'), bytesOf('0e 0400')))).toBe('abcdabcd')
    expect(decode(joined(bytesOf('08'), literal('abcd'), bytesOf('0f 04000000')))).toBe('abcdabcd')
    expect(decode(joined(bytesOf('41'), literal('a'), bytesOf('fe 0100')))).toBe('a'.repeat(65))
    expect(decode(joined(bytesOf('0b'), literal('abc'), bytesOf('11 02')))).toBe('abcbcbcbcbc')
    // Offset 260 in the one-byte form: its high bits stand in the tag.
    const text = 'z'.repeat(255) + 'hello'
    expect(decode(joined(bytesOf('8802 f4 0301'), new TextEncoder().encode(text), bytesOf('21 04')))?.slice(260)).toBe('zzzz')
  })

  it.each([
    ['a literal longer than the input', '05 10 6162'],
    ['a literal longer than the plain length', '01 04 6162'],
    ['a copy from before the start', '08 00 61 01 02'],
    ['a copy with offset 0', '05 00 61 01 00'],
    ['a copy longer than the plain length', '03 00 61 fe 0100'],
    ['a copy whose offset is cut off', '08 00 61 0e 04'],
    ['a literal whose length is cut off', '08 f4 03'],
    ['too few plain bytes', '09 00 61'],
    ['a plain length of more than 32 bits', 'ffffffff7f 00 61'],
    ['a plain length that does not end', '808080808080 00'],
    ['nothing', ''],
  ])('with %s is refused', (_what, block) => {
    expect(decode(bytesOf(block))).toBeUndefined()
  })

  it('under every single flipped bit decodes or is refused, and never reaches outside', () => {
    const block = joined(bytesOf('4c'), literal('abcdefgh'), bytesOf('01 04 fe 0500'))
    expect(decode(block)).toHaveLength(76)
    for (let bit = 0; bit < block.length * 8; bit++) {
      const flipped = block.slice()
      flipped[bit >> 3] ^= 1 << (bit & 7)
      const text = decode(flipped)
      expect(text === undefined || text.length <= 100_000).toBe(true)
    }
  })
})

describe('a snappy stream', () => {
  const header = bytesOf('82534e4150505900 00000001 00000001')
  const half = smallSnapshot.length >> 1
  const block = (bytes: Uint8Array) => {
    const body = joined(
      bytesOf(varint(bytes.length)),
      bytesOf(
        `f4${(bytes.length - 1)
          .toString(16)
          .padStart(4, '0')
          .replace(/(..)(..)/, '$2$1')}`,
      ),
      bytes,
    )
    return joined(bytesOf(body.length.toString(16).padStart(8, '0')), body)
  }
  const varint = (n: number) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7]).map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const stream = joined(header, block(smallSnapshot.subarray(0, half)), block(smallSnapshot.subarray(half)))

  it('is a header and blocks; another header may stand between them', async () => {
    const summary = await withBytes('snapshot.5.snappy', stream, (path) => readSnapshot(path, {}))
    expect(summary).toMatchObject({ compression: 'snappy', nodes: 3, bytes: smallSnapshot.length })
    const two = joined(header, block(smallSnapshot.subarray(0, half)), header, block(smallSnapshot.subarray(half)))
    expect((await withBytes('snapshot.5.snappy', two, (path) => readSnapshot(path, {}))).nodes).toBe(3)
  })

  it('that is cut anywhere, or lies about a length, is refused', async () => {
    const damaged = expect.objectContaining({ code: 'SNAPSHOT_DAMAGED' })
    for (let length = 8; length < stream.length; length += 5) {
      await withBytes('snapshot.5.snappy', stream.subarray(0, length), (path) => expect(readSnapshot(path, {})).rejects.toEqual(damaged))
    }
    for (const lie of ['fffffffe', '7fffffff', '00000000', '00000001', '01400000']) {
      const lied = stream.slice()
      lied.set(bytesOf(lie), 16)
      await withBytes('snapshot.5.snappy', lied, (path) => expect(readSnapshot(path, {})).rejects.toEqual(damaged))
    }
  })
})
