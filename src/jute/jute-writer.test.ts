import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../test/formats/hand-written.ts'
import { JuteReader } from './jute-reader.ts'
import { JuteWriter } from './jute-writer.ts'

type Value = { kind: 'byte' | 'bool' | 'int' | 'long' | 'buffer' | 'raw'; value: unknown }

describe('JuteWriter', () => {
  it('writes each kind of value big-endian', () => {
    const writer = new JuteWriter()
    writer.writeByte(0x1ff)
    writer.writeBool(true)
    writer.writeInt(-2)
    writer.writeLong(-2n)
    writer.writeBuffer(bytesOf('6869'))
    writer.writeBuffer(null)
    writer.writeRaw(bytesOf('2a'))
    expect(writer.toBytes()).toEqual(bytesOf('ff 01 fffffffe fffffffffffffffe 00000002 6869 ffffffff 2a'))
    expect(writer.length).toBe(25)
  })

  it('loses no byte where its buffer grows, whatever value meets the end of it', () => {
    for (let filled = 240; filled <= 260; filled++) {
      const writer = new JuteWriter()
      writer.writeRaw(new Uint8Array(filled))
      writer.writeByte(7)
      writer.writeBool(true)
      writer.writeInt(0x01020304)
      writer.writeLong(0x05060708090a0b0cn)
      expect(writer.toBytes().subarray(filled)).toEqual(bytesOf('07 01 01020304 05060708090a0b0c'))
    }
  })

  it('gives to the reader the values that it was given', () => {
    const value = fc.oneof(
      fc.record({ kind: fc.constant('byte'), value: fc.integer({ min: 0, max: 255 }) }),
      fc.record({ kind: fc.constant('bool'), value: fc.boolean() }),
      fc.record({ kind: fc.constant('int'), value: fc.integer() }),
      fc.record({ kind: fc.constant('long'), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      fc.record({ kind: fc.constant('buffer'), value: fc.option(fc.uint8Array({ maxLength: 400 })) }),
    )
    fc.assert(
      fc.property(fc.array(value as fc.Arbitrary<Value>, { maxLength: 60 }), (values) => {
        const writer = new JuteWriter()
        for (const each of values) write(writer, each)
        const reader = new JuteReader(writer.toBytes())
        expect(values.map((each) => read(reader, each.kind))).toEqual(values.map((each) => each.value))
        expect(reader.remaining).toBe(0)
      }),
    )
  })
})

function write(writer: JuteWriter, { kind, value }: Value): void {
  if (kind === 'byte') writer.writeByte(value as number)
  if (kind === 'bool') writer.writeBool(value as boolean)
  if (kind === 'int') writer.writeInt(value as number)
  if (kind === 'long') writer.writeLong(value as bigint)
  if (kind === 'buffer') writer.writeBuffer(value as Uint8Array | null)
}

function read(reader: JuteReader, kind: Value['kind']): unknown {
  if (kind === 'byte') return reader.readByte()
  if (kind === 'bool') return reader.readBool()
  if (kind === 'int') return reader.readInt()
  return kind === 'long' ? reader.readLong() : reader.readBuffer()
}
