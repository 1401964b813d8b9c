import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeDigest } from '../../test/tree/plain-server.ts'
import { nodeRecord } from '../../test/tree/txn-bytes.ts'
import { digestChange, digestOfRecord, digestedStat } from './node-digest.ts'

const long = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const int = fc.integer()
const stat = fc.record({
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  pzxid: long,
})
const path = fc.string({ maxLength: 40 }).map((name) => `/${name}`)
const data = fc.option(fc.string({ maxLength: 600 }), { nil: null })

function digestOf(name: string, content: string | null, fields: typeof stat extends fc.Arbitrary<infer S> ? S : never): number {
  const record = nodeRecord(name, content, 5n, fields)
  const window = new Uint8Array(record.length + 3)
  window.set(record, 3)
  return digestOfRecord(window, new DataView(window.buffer), 3)
}

describe('the digest of a znode', () => {
  it('is zlib’s CRC-32 of path, data and stat in the digest’s order', () => {
    fc.assert(
      fc.property(path, data, stat, (name, content, fields) => {
        expect(BigInt(digestOf(name, content, fields))).toBe(nodeDigest(name, { data: content, stat: fields }))
      }),
    )
  })

  it('of null data equals that of empty data, and ignores the ACL', () => {
    const fields = { czxid: 1n, mzxid: 2n, ctime: 3n, mtime: 4n, version: 5, cversion: 6, aversion: 7, ephemeralOwner: 8n, pzxid: 9n }
    expect(digestOf('/a', null, fields)).toBe(digestOf('/a', '', fields))
  })

  it('changes with pzxid, cversion and aversion by what digestChange says, whatever path and data are', () => {
    fc.assert(
      fc.property(path, data, stat, int, int, int, (name, content, fields, pzxidLo, cversion, aversion) => {
        const pzxid = (fields.pzxid & ~0xffffffffn) | BigInt(pzxidLo >>> 0)
        const change =
          digestChange(Number(BigInt.asIntN(32, fields.pzxid)) ^ pzxidLo, digestedStat.pzxid + 4) ^
          digestChange(fields.cversion ^ cversion, digestedStat.cversion) ^
          digestChange(fields.aversion ^ aversion, digestedStat.aversion)
        expect((digestOf(name, content, fields) ^ change) >>> 0).toBe(digestOf(name, content, { ...fields, pzxid, cversion, aversion }))
      }),
    )
  })
})
