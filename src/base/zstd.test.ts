import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, utf8Bytes } from './bytes.ts'
import { ZooArkError } from './errors.ts'
import { nodeZstd, wasmZstd, type Zstd, zstd } from './zstd.ts'

const native = nodeZstd()
const codecs: [string, Zstd][] = [['wasm', await wasmZstd()]]
if (native !== undefined) codecs.push(['node', native])

const text = utf8Bytes('The time machine for Apache ZooKeeper. The time machine for Apache ZooKeeper.')
/** Made with Debian's zstd 1.5.4 command from the text above: with and without checksum, and from a pipe, without content size. */
const withChecksum = Buffer.from('KLUv/SRNfQEAdAJUaGUgdGltZSBtYWNoaW5lIGZvciBBcGFjaGUgWm9vS2VlcGVyLiABAK8e9QTO7mr5', 'base64')
const withoutChecksum = Buffer.from('KLUv/SBNbQEAcgIJEMC3AWIrCQhP8gKu6nLgWk4Ge/1FJvGtSIM3i2/OitDHO76NAQCvHvUE', 'base64')
const withoutSize = Buffer.from('KLUv/QRYfQEAdAJUaGUgdGltZSBtYWNoaW5lIGZvciBBcGFjaGUgWm9vS2VlcGVyLiABAK8e9QTO7mr5', 'base64')
const damaged = expect.objectContaining({ code: 'REPOSITORY_DAMAGED' })

it('one codec is chosen for all callers: that of Node where it has zstd', async () => {
  expect(await zstd()).toBe(await zstd())
  expect((await zstd()).form).toBe(native === undefined ? 'wasm' : 'node')
})

describe.each(codecs)('the %s codec', (_name, codec) => {
  it('reads frames of the zstd command', () => {
    expect(codec.decompress(withChecksum, text.length)).toEqual(text)
    expect(codec.decompress(withoutChecksum, text.length)).toEqual(text)
  })

  it('refuses a frame that does not name its content size, before decoding it', () => {
    expect(() => codec.decompress(withoutSize, text.length)).toThrow(damaged)
  })

  it('refuses a frame cut at any byte, a byte too long, or followed by another', () => {
    for (let length = 0; length < withChecksum.length; length++) {
      expect(() => codec.decompress(withChecksum.subarray(0, length), text.length), `cut at ${length}`).toThrow(damaged)
    }
    expect(() => codec.decompress(concatBytes([withChecksum, Uint8Array.of(0)]), text.length)).toThrow(damaged)
    expect(() => codec.decompress(concatBytes([withChecksum, withChecksum]), text.length)).toThrow(damaged)
    expect(() => codec.decompress(concatBytes([withChecksum, withChecksum]), 2 * text.length)).toThrow(damaged)
  })

  it('refuses a frame that holds another length than expected', () => {
    expect(() => codec.decompress(withChecksum, text.length - 1)).toThrow(damaged)
    expect(() => codec.decompress(withChecksum, 2 ** 40)).toThrow(damaged)
  })

  it('under any flipped bit gives a coded error or as many bytes as expected, never another throw', () => {
    for (const frame of [withChecksum, withoutChecksum]) {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const flipped = new Uint8Array(frame)
        flipped[bit >>> 3] ^= 1 << (bit & 7)
        try {
          expect(codec.decompress(flipped, text.length).length).toBe(text.length)
        } catch (error) {
          if (!(error instanceof ZooArkError)) throw error
          expect(error.code).toBe('REPOSITORY_DAMAGED')
        }
      }
    }
  })

  it('refuses a frame that claims terabytes without allocating them', () => {
    const claim = new Uint8Array(withChecksum.length + 7)
    claim.set(withChecksum.subarray(0, 4))
    claim[4] = 0xe0
    new DataView(claim.buffer).setBigUint64(5, 1n << 44n, true)
    expect(() => codec.decompress(claim, 2 ** 44)).toThrow(damaged)
  })

  it.each(codecs)('writes frames that the %s codec reads back, for any content and any level', (_other, decoder) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 400 }), fc.constantFrom(1, 3, 9), (seed, times, level) => {
        const plain = concatBytes(Array.from({ length: seed.length === 0 ? 0 : times }, () => seed))
        const decoded = decoder.decompress(codec.compress(plain, level), plain.length)
        expect(Buffer.compare(decoded, plain)).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('hands out results that stay as they are when it is used again', () => {
    const frame = codec.compress(text)
    const copy = new Uint8Array(frame)
    const plain = codec.decompress(frame, text.length)
    expect([frame.constructor, plain.constructor]).toEqual([Uint8Array, Uint8Array])
    codec.compress(new Uint8Array(5000).fill(7))
    codec.decompress(withChecksum, text.length)
    expect(new Uint8Array(frame)).toEqual(copy)
    expect(new Uint8Array(plain)).toEqual(text)
  })
})
