import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import wabt from 'wabt'
import { adler32, adler32Form, adler32Plain, crc32, crc32Plain, sha256 } from './checksum.ts'
import { toHex } from './hex.ts'
import { kernelsBase64 } from './kernels-wasm.ts'

const ascii = (text: string) => new TextEncoder().encode(text)

/** The definition of RFC 1950, a byte at a time with a modulus at every step. */
function adlerByDefinition(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}

describe('published values', () => {
  it.each([adler32, adler32Plain])('Adler-32 of "Wikipedia" is 0x11e60398', (sum) => {
    expect(sum(ascii('Wikipedia'), 0, 9)).toBe(0x11e60398)
    expect(sum(new Uint8Array(0), 0, 0)).toBe(1)
  })
  it.each([crc32, crc32Plain])('CRC-32 of "123456789" is 0xcbf43926', (sum) => {
    expect(sum(ascii('123456789'), 0, 9)).toBe(0xcbf43926)
    expect(sum(new Uint8Array(0), 0, 0)).toBe(0)
  })
  it('SHA-256 of "abc" is that of FIPS 180-2', () => {
    expect(sha256(ascii('abc')).constructor).toBe(Uint8Array)
    expect(toHex(sha256(ascii('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('the fast forms and the plain forms', () => {
  const bytesOf = fc.uint8Array({ minLength: 0, maxLength: 20_000 })

  it('give the same value for every split of the input', () => {
    fc.assert(
      fc.property(bytesOf, fc.nat(), fc.nat(), (bytes, x, y) => {
        const [from, to] = [x % (bytes.length + 1), y % (bytes.length + 1)].sort((p, q) => p - q) as [number, number]
        const adler = adlerByDefinition(bytes)
        const split = (sum: typeof adler32, seed: number) => sum(bytes, to, bytes.length, sum(bytes, from, to, sum(bytes, 0, from, seed)))
        expect(split(adler32, 1)).toBe(adler)
        expect(split(adler32Plain, 1)).toBe(adler)
        const crc = crc32Plain(bytes, 0, bytes.length)
        expect(split(crc32, 0)).toBe(crc)
        expect(split(crc32Plain, 0)).toBe(crc)
      }),
    )
  })

  it('do not overflow on the largest bytes, across runs and across the window of the kernel', () => {
    for (const length of [127, 128, 5535, 5536, 5537, 5552, 5553, 262_144, 262_145, 600_001]) {
      const bytes = new Uint8Array(length).fill(255)
      expect(adler32(bytes, 0, length)).toBe(adlerByDefinition(bytes))
      expect(adler32Plain(bytes, 0, length)).toBe(adlerByDefinition(bytes))
      const fullSeed = 0xfff0fff0
      expect(adler32(bytes, 0, length, fullSeed)).toBe(adler32Plain(bytes, 0, length, fullSeed))
    }
  })
})

describe('the WebAssembly kernel', () => {
  it('is what kernels.wat assembles to', async () => {
    const assembler = await wabt()
    const module = assembler.parseWat('kernels.wat', readFileSync(new URL('kernels.wat', import.meta.url), 'utf8'), { simd: true })
    expect(Buffer.from(module.toBinary({}).buffer).toString('base64')).toBe(kernelsBase64)
  })

  it('is in use in this engine, so that these tests mean something', () => {
    expect(adler32Form()).toBe('kernel')
  })
})
