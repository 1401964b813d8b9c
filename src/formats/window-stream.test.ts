import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySource } from '../../test/formats/hand-written.ts'
import { adler32Plain } from '../base/checksum.ts'
import type { ByteSource } from './byte-source.ts'
import { WindowStream } from './window-stream.ts'

/** Bytes whose value tells their place, so that a lost or doubled piece shows. */
function counted(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)
}

describe('WindowStream', () => {
  it('gives every byte once, in order, whatever is left unread of each window, with the right offsets and sum', async () => {
    const bytes = counted(400_000)
    await fc.assert(
      fc.asyncProperty(
        fc
          .tuple(fc.integer({ min: 20_000, max: 200_000 }), fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 6 }))
          .map(([large, more]) => [large, ...more]),
        fc.constantFrom('fresh' as const, 'reused' as const),
        fc.constantFrom(undefined, 1, 100_000),
        async (takes, windows, windowLength) => {
          const stream = new WindowStream(memorySource(bytes), {
            windows,
            sum: 'adler32',
            offset: 1000,
            ...(windowLength === undefined ? {} : { windowLength }),
          })
          let taken = 0
          for (let i = 0; ; i++) {
            const want = takes[i % takes.length]
            const there = await stream.has(want)
            const length = there ? want : stream.end - stream.position
            expect(stream.offsetOf(stream.position)).toBe(1000 + taken)
            expect(
              Buffer.compare(stream.window.subarray(stream.position, stream.position + length), bytes.subarray(taken, taken + length)),
            ).toBe(0)
            stream.position += length
            taken += length
            expect(stream.adlerThrough(stream.position)).toBe(adler32Plain(bytes, 0, taken))
            if (!there) break
          }
          expect(taken).toBe(bytes.length)
          await stream.idle()
        },
      ),
      { numRuns: 30 },
    )
  })

  it('leaves fresh windows as they were handed out', async () => {
    const bytes = counted(400_000)
    const stream = new WindowStream(memorySource(bytes), { windows: 'fresh', windowLength: 1 })
    const kept: { window: Uint8Array; start: number; end: number; offset: number }[] = []
    while (await stream.more()) {
      const { window, position, end } = stream
      kept.push({ window, start: position, end: end - 3, offset: stream.offsetOf(position) })
      stream.position = end - 3
    }
    expect(kept.length).toBeGreaterThan(3)
    for (const { window, start, end, offset } of kept) {
      expect(Buffer.compare(window.subarray(start, end), bytes.subarray(offset, offset + end - start))).toBe(0)
    }
  })

  it('takes no more than about twice the bytes that really are there, however many are asked for', async () => {
    const stream = new WindowStream(memorySource(counted(200_000)), { windowLength: 1 })
    expect(await stream.has(2 ** 30)).toBe(false)
    expect(stream.end - stream.position).toBe(200_000)
    expect(stream.window.length).toBeLessThan(600_000)
  })

  it('passes a failure of the source on to the one who asks for more, and to nobody else', async () => {
    const good = memorySource(counted(100_000))
    let reads = 0
    const failing: ByteSource = {
      remainingHint: undefined,
      close: async () => {},
      read: async (target, start, end) => {
        if (reads++ > 0) throw new Error('the disk')
        return good.read(target, start, end)
      },
    }
    const stream = new WindowStream(failing, { windowLength: 1 })
    expect(await stream.more()).toBe(true)
    stream.position = stream.end
    await expect(stream.more()).rejects.toThrow('the disk')
    const abandoned = new WindowStream({ ...failing }, { windowLength: 1 })
    reads = 0
    await abandoned.more()
    await expect(abandoned.idle()).resolves.toBeUndefined()
  })
})
