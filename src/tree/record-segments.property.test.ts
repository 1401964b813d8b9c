import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordSegments } from './record-segments.ts'

describe('RecordSegments', () => {
  it('never hands out room that is in use, in own segments and in an adopted window', () => {
    const length = fc.oneof(
      fc.integer({ min: 76, max: 400 }),
      fc.integer({ min: 60_000, max: 140_000 }),
      fc.constantFrom(65_535, 65_536, 65_537, 73_728, 73_729),
    )
    const step = fc.record({ kind: fc.constantFrom('allocate', 'allocate', 'release'), length, pick: fc.nat() })
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 76, max: 90_000 }), { maxLength: 12 }),
        fc.array(step, { maxLength: 120 }),
        (adopted, steps) => {
          const records = new RecordSegments()
          const live: { segment: number; offset: number; length: number }[] = []
          const window = records.adopt(new Uint8Array(adopted.reduce((a, b) => a + b, 0) + 1))
          adopted.reduce((offset, each) => {
            live.push({ segment: window, offset, length: each })
            return offset + each
          }, 0)
          for (const each of steps) {
            if (each.kind === 'allocate') {
              records.allocate(each.length)
              live.push({ segment: records.segment, offset: records.offset, length: each.length })
            } else if (live.length > 0) {
              const [gone] = live.splice(each.pick % live.length, 1)
              records.release(gone.segment, gone.offset, gone.length)
            }
            live.sort((a, b) => a.segment - b.segment || a.offset - b.offset)
            live.forEach(({ segment, offset, length: used }, i) => {
              expect(offset + used).toBeLessThanOrEqual(records.segments[segment].length)
              const next = live[i + 1]
              if (next?.segment === segment) expect(offset + used).toBeLessThanOrEqual(next.offset)
            })
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('uses the room of a released record again', () => {
    const records = new RecordSegments()
    const window = records.adopt(new Uint8Array(1000))
    records.release(window, 100, 300)
    expect(records.freeBytes).toBe(288)
    records.allocate(280)
    expect([records.segment, records.offset, records.freeBytes]).toEqual([window, 100, 0])
  })

  it('lets a record grow in place within its 16 bytes, but not where records stand side by side', () => {
    const records = new RecordSegments()
    const window = records.adopt(new Uint8Array(1000))
    records.allocate(100)
    const own = records.segment
    expect([records.fitsInPlace(own, 100, 112), records.fitsInPlace(own, 100, 113), records.fitsInPlace(own, 100, 96)]).toEqual([
      true,
      false,
      false,
    ])
    expect([records.fitsInPlace(window, 100, 100), records.fitsInPlace(window, 100, 101)]).toEqual([true, false])
  })
})
