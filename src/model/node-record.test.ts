import { describe, expect, it } from 'vitest'
import { bytesOf, joined } from '../../test/formats/hand-written.ts'
import {
  decodeNodeRecord,
  encodeNodeRecord,
  nodeDataLength,
  nodeDataStart,
  nodePathEnd,
  nodePathLength,
  nodeRecordEnd,
  nodeRecordLengthMin,
  nodeTail,
  nodeTailOf,
} from './node-record.ts'

const stat =
  '0000000000000002 0000000000000003 0000018bcfe56800 0000018bcfe56801 00000001 00000002 fffffffd 8000000000000000 0000000100000004'
const withData = bytesOf(`00000002 2f61 00000002 6869 0000000000000001 ${stat}`)
const withNull = bytesOf(`00000002 2f61 ffffffff 0000000000000001 ${stat}`)
const root = bytesOf(`00000000 00000000 ffffffffffffffff ${stat}`)

describe('node record', () => {
  it('is decoded field by field', () => {
    expect(decodeNodeRecord(withData, 0, withData.length)).toEqual({
      path: bytesOf('2f61'),
      data: bytesOf('6869'),
      aclKey: 1n,
      stat: {
        czxid: 2n,
        mzxid: 3n,
        ctime: 1_700_000_000_000n,
        mtime: 1_700_000_000_001n,
        version: 1,
        cversion: 2,
        aversion: -3,
        ephemeralOwner: -(2n ** 63n),
        pzxid: 0x100000004n,
      },
    })
    expect(decodeNodeRecord(withNull, 0, withNull.length).data).toBeNull()
    expect(decodeNodeRecord(root, 0, root.length).data).toEqual(new Uint8Array(0))
    expect(root.length).toBe(nodeRecordLengthMin)
  })

  it('is written back to the same bytes', () => {
    for (const bytes of [withData, withNull, root]) expect(encodeNodeRecord(decodeNodeRecord(bytes, 0, bytes.length))).toEqual(bytes)
  })

  it('has its fields where the helpers for bulk paths say', () => {
    const bytes = joined(root, withNull, withData)
    const start = root.length + withNull.length
    expect(nodeRecordEnd(bytes, 0)).toBe(root.length)
    expect(nodeRecordEnd(bytes, root.length)).toBe(start)
    expect(nodeDataLength(bytes, root.length)).toBe(-1)
    expect(nodePathLength(bytes, start)).toBe(2)
    expect(nodePathEnd(bytes, start)).toBe(start + 6)
    expect(nodeDataStart(bytes, start)).toBe(start + 10)
    expect(nodeTailOf(bytes, start)).toBe(start + 12)
    expect(nodeRecordEnd(bytes, start)).toBe(bytes.length)
    expect(bytes[nodeTailOf(bytes, start) + nodeTail.ephemeralOwner]).toBe(0x80)
  })

  it('that is cut short, or too long, or lies about its lengths, is refused', () => {
    const damaged = expect.objectContaining({ code: 'RECORD_DAMAGED' })
    for (let end = 0; end < withData.length; end++) expect(() => decodeNodeRecord(withData, 0, end)).toThrow(damaged)
    expect(() => decodeNodeRecord(joined(withData, bytesOf('00')), 0, withData.length + 1)).toThrow(damaged)
    for (const length of ['ffffffff', '7fffffff', 'fffffffe', '00000050']) {
      expect(() => decodeNodeRecord(joined(bytesOf(length), withData.subarray(4)), 0, withData.length)).toThrow(damaged)
      const other = joined(withData.subarray(0, 6), bytesOf(length), withData.subarray(10))
      if (length !== 'ffffffff') expect(() => decodeNodeRecord(other, 0, other.length)).toThrow(damaged)
    }
  })
})
