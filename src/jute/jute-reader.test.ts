import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../test/formats/hand-written.ts'
import { JuteReader } from './jute-reader.ts'

const damagedAt = (offset: number) => expect.objectContaining({ code: 'RECORD_DAMAGED', place: { offset } })

describe('JuteReader', () => {
  it('reads each kind of value from its big-endian bytes', () => {
    const reader = new JuteReader(bytesOf('ff 01 80000001 8000000000000002 00000002 6869 ffffffff 00000000 00000001 07 2a'))
    expect(reader.readByte()).toBe(255)
    expect(reader.readBool()).toBe(true)
    expect(reader.readInt()).toBe(-0x7fffffff)
    expect(reader.readLong()).toBe(-(2n ** 63n) + 2n)
    expect(reader.readBuffer()).toEqual(bytesOf('6869'))
    expect(reader.readBuffer()).toBeNull()
    expect(reader.readBytes()).toEqual(new Uint8Array(0))
    expect(reader.readVectorLength(1, 10)).toBe(1)
    expect(reader.readRest()).toEqual(bytesOf('07 2a'))
    expect(reader.remaining).toBe(0)
  })

  it('names the offset in the file, and stays where it was, when a value does not fit', () => {
    const reader = new JuteReader(bytesOf('00000009 6869'), 0, 6, 1000)
    expect(() => reader.readBuffer()).toThrow(damagedAt(1000))
    expect(reader.position).toBe(0)
    expect(() => reader.readLong()).toThrow(damagedAt(1000))
    expect(reader.readInt()).toBe(9)
    expect(() => reader.readInt()).toThrow(damagedAt(1004))
  })

  it.each(['fffffffe', '80000000', '7fffffff', '40000001'])('refuses the length 0x%s', (length) => {
    const bytes = bytesOf(`${length} 00`)
    expect(() => new JuteReader(bytes).readBuffer()).toThrow(damagedAt(0))
    expect(() => new JuteReader(bytes).readVectorLength(1, 100)).toThrow(damagedAt(0))
  })

  it('refuses a count whose elements cannot fit, before anything is made for them', () => {
    const reader = new JuteReader(bytesOf('00000003 0000000000000000'))
    expect(() => reader.readVectorLength(4, 100)).toThrow(damagedAt(0))
    expect(reader.readVectorLength(2, 100)).toBe(3)
  })

  it('does not read over the end of its span into the bytes behind it', () => {
    const reader = new JuteReader(bytesOf('00000001 ff 11223344'), 0, 5)
    expect(reader.readBuffer()).toEqual(bytesOf('ff'))
    expect(() => reader.readByte()).toThrow(damagedAt(5))
  })

  it('refuses a boolean that could not be written back, and null where none may be', () => {
    expect(() => new JuteReader(bytesOf('02')).readBool()).toThrow(damagedAt(0))
    expect(() => new JuteReader(bytesOf('ffffffff')).readBytes()).toThrow(damagedAt(0))
  })
})
