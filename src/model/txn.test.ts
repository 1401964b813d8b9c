import { describe, expect, it } from 'vitest'
import { bytesOf, joined } from '../../test/formats/hand-written.ts'
import { aclEntriesMax, formatAcl } from './acl.ts'
import { txnPaths } from './txn-paths.ts'
import { closeSessionBodyEnd, closeSessionPathsMax } from './txn-session.ts'
import { txnTypes } from './txn-layout.ts'
import { multiPartsMax } from './txn-multi.ts'
import { type TxnRecord, decodeTxn, encodeTxn } from './txn.ts'

const damaged = expect.objectContaining({ code: 'RECORD_DAMAGED' })
const header = (type: string) => bytesOf(`0100001abdde0006 00000007 0000000100000009 0000018bcfe56800 ${type}`)
const digest = bytesOf('00000002 fedcba9876543210')
const acl = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65'
const path = '00000002 2f61'
const data = '00000002 6869'

/** One body of each type, written by hand from zookeeper.jute. */
const bodies: readonly (readonly [string, string, string])[] = [
  ['create', '00000001', `${path} ${data} ${acl} 01 00000005`],
  ['create2', '0000000f', `${path} ffffffff ffffffff 00 fffffffe`],
  ['createContainer', '00000013', `${path} ${data} ${acl} 00000005`],
  ['createTTL', '00000015', `${path} ${data} ${acl} 00000005 0000000000002710`],
  ['delete', '00000002', path],
  ['deleteContainer', '00000014', path],
  ['setData', '00000005', `${path} ${data} 00000003`],
  ['reconfig', '00000010', `${path} ${data} ffffffff`],
  ['setACL', '00000007', `${path} ${acl} 00000003`],
  ['check', '0000000d', `${path} 00000003`],
  ['createSession', 'fffffff6', '00001770'],
  ['closeSession', 'fffffff5', `00000002 ${path} 00000004 2f612f62`],
  ['error', 'ffffffff', 'ffffff9b'],
  ['multi', '0000000e', `00000002 00000001 0000002c ${path} ${data} ${acl} 00 00000001 ffffffff 00000004 fffffffe`],
]

const decode = (bytes: Uint8Array) => decodeTxn(bytes, 0, bytes.length)
const recordOf = (kind: string): TxnRecord => {
  const [, type, body] = bodies.find(([each]) => each === kind) ?? ['', '', '']
  return decode(joined(header(type), bytesOf(body))).record
}

describe('decodeTxn', () => {
  it.each(bodies)('decodes %s with and without a digest, and writes it back to the same bytes', (kind, type, body) => {
    const bare = joined(header(type), bytesOf(body))
    const txn = decode(bare)
    expect(txn.header).toEqual({
      clientId: 0x0100001abdde0006n,
      cxid: 7,
      zxid: 0x100000009n,
      time: 1_700_000_000_000n,
      type: txnTypes[txn.record.kind as 'create'],
    })
    expect(txn.record.kind).toBe(kind)
    expect(txn.digest).toBeUndefined()
    expect(txn.trailing).toBeUndefined()
    expect(encodeTxn(txn)).toEqual(bare)
    const digested = joined(bare, digest)
    expect(decode(digested).digest).toEqual({ version: 2, treeDigest: BigInt.asIntN(64, 0xfedcba9876543210n) })
    expect(decode(digested).trailing).toBeUndefined()
    expect(encodeTxn(decode(digested))).toEqual(digested)
  })

  it('gives the fields of each record', () => {
    expect(recordOf('create')).toMatchObject({ path: bytesOf('2f61'), data: bytesOf('6869'), ephemeral: true, parentCversion: 5 })
    expect(recordOf('create2')).toMatchObject({ data: null, acl: null, ephemeral: false, parentCversion: -2 })
    expect(recordOf('createTTL')).toMatchObject({ parentCversion: 5, ttlMs: 10_000n })
    expect(recordOf('setData')).toMatchObject({ path: bytesOf('2f61'), data: bytesOf('6869'), version: 3 })
    expect(recordOf('setACL')).toMatchObject({ version: 3 })
    expect(recordOf('createSession')).toEqual({ kind: 'createSession', timeoutMs: 6000 })
    expect(recordOf('closeSession')).toEqual({ kind: 'closeSession', paths: [bytesOf('2f61'), bytesOf('2f612f62')] })
    expect(recordOf('error')).toEqual({ kind: 'error', err: -101 })
    const multi = recordOf('multi')
    expect(multi).toMatchObject({ parts: [{ record: { kind: 'create', parentCversion: 1 } }, { record: { kind: 'error', err: -2 } }] })
    expect(txnPaths(multi)).toEqual([bytesOf('2f61')])
    const create = recordOf('create')
    expect(create.kind === 'create' && create.acl?.map(formatAcl)).toEqual(['world:anyone:cdrwa'])
  })

  it('takes a create without parentCVersion as the old form, and only a create outside a multi', () => {
    const old = joined(header('00000001'), bytesOf(`${path} ${data} ${acl} 01`))
    expect(decode(old).record).not.toHaveProperty('parentCversion')
    expect(encodeTxn(decode(old))).toEqual(old)
    expect(() => decode(joined(header('0000000f'), bytesOf(`${path} ${data} ${acl} 01`)))).toThrow(damaged)
    expect(() => decode(joined(header('0000000e'), bytesOf(`00000001 00000001 00000028 ${path} ${data} ${acl} 00`)))).toThrow(damaged)
  })

  it('tells a closeSession without body from one with a digest only and one with a body', () => {
    const close = (body: string) => decode(joined(header('fffffff5'), bytesOf(body)))
    expect(close('').record).toEqual({ kind: 'closeSession' })
    expect(close('00000002 0000000012345678')).toMatchObject({
      record: { kind: 'closeSession' },
      digest: { version: 2, treeDigest: 0x12345678n },
    })
    expect(close('00000002 0000000012345678').record).not.toHaveProperty('paths')
    expect(close('00000000').record).toEqual({ kind: 'closeSession', paths: [] })
    expect(close('00000000 00000002 0000000012345678')).toMatchObject({ record: { paths: [] }, digest: { version: 2 } })
    expect(close('00000001 00000004 2f616263')).toMatchObject({ record: { paths: [bytesOf('2f616263')] } })
    expect(close('ffffffff').record).toEqual({ kind: 'closeSession', paths: null })
    for (const body of ['01', '00000001', '00000001 00000002 6161', '00000000 00']) expect(() => close(body)).toThrow(damaged)
    const bytes = bytesOf('ffff 00000001 00000002 2f61 00000002 0000000000000000')
    expect(closeSessionBodyEnd(bytes, 2, bytes.length)).toBe(12)
  })

  it('keeps an error whose body has another length, digest or not', () => {
    for (const body of ['', '00', 'ffffff9b 00', 'ffffff9b 00112233445566778899aa', 'ffffff9b 00112233445566778899aabbcc']) {
      const bytes = joined(header('ffffffff'), bytesOf(body))
      const txn = decode(bytes)
      expect(txn.record.kind).toBe('error')
      expect(txn.digest).toBeUndefined()
      expect(encodeTxn(txn)).toEqual(bytes)
    }
  })

  it('reports an unknown type with everything after the header, and guesses nothing', () => {
    const bytes = joined(header('00000063'), bytesOf('00000002 2f61'), digest)
    expect(decode(bytes).record).toEqual({ kind: 'unknown', type: 99, body: joined(bytesOf('00000002 2f61'), digest) })
    expect(encodeTxn(decode(bytes))).toEqual(bytes)
    const part = joined(header('0000000e'), bytesOf('00000001 00000063 00000003 010203'))
    expect(decode(part).record).toEqual({ kind: 'multi', parts: [{ record: { kind: 'unknown', type: 99, body: bytesOf('010203') } }] })
    expect(encodeTxn(decode(part))).toEqual(part)
  })

  it('keeps bytes after a record and after a digest', () => {
    for (const tail of ['00', '0011223344556677889900', '00000002 0000000000000000 ff']) {
      const bytes = joined(header('00000002'), bytesOf(path), bytesOf(tail))
      expect(encodeTxn(decode(bytes))).toEqual(bytes)
    }
    const part = joined(header('0000000e'), bytesOf(`00000001 00000002 00000008 ${path} aabb`))
    expect(decode(part).record).toMatchObject({ parts: [{ trailing: bytesOf('aabb') }] })
    expect(encodeTxn(decode(part))).toEqual(part)
  })
})

describe('decodeTxn of hostile bytes', () => {
  it('refuses or decodes every truncation of every type, and never takes bytes from behind', () => {
    for (const [kind, type, body] of bodies) {
      const whole = joined(header(type), bytesOf(body))
      const padded = joined(whole, new Uint8Array(64).fill(0x41))
      for (let end = 0; end < whole.length; end++) {
        const outcome = attempt(padded, end)
        if (outcome === 'damaged') continue
        // What ends early and still decodes gives back the very bytes: an old create, a short error, a closeSession without body.
        expect(['create', 'error', 'closeSession']).toContain(kind)
        expect(outcome).toEqual(whole.subarray(0, end))
      }
    }
  })

  it('refuses or gives back the same bytes for every single flipped bit', () => {
    for (const [, type, body] of bodies) {
      const whole = joined(header(type), bytesOf(body), digest)
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const flipped = whole.slice()
        flipped[bit >> 3] ^= 1 << (bit & 7)
        const outcome = attempt(flipped, flipped.length)
        if (outcome !== 'damaged') expect(outcome).toEqual(flipped)
      }
    }
  })

  it.each(['fffffffe', '80000000', '7fffffff', '40000001', '00ffffff'])('refuses the length 0x%s wherever a length stands', (length) => {
    for (const [, type, body] of bodies.filter(([kind]) => kind !== 'error' && kind !== 'createSession')) {
      const bytes = bytesOf(body)
      const lied = joined(header(type), bytesOf(length), bytes.subarray(4))
      expect(attempt(lied, lied.length)).toBe('damaged')
    }
  })

  it('refuses counts above its limits even where the bytes for them would be there', () => {
    const count = (n: number) => bytesOf(n.toString(16).padStart(8, '0'))
    const filler = new Uint8Array((closeSessionPathsMax + 1) * 5)
    expect(attempt(joinedFast(header('0000000e'), count(multiPartsMax + 1), filler))).toBe('damaged')
    expect(attempt(joinedFast(header('fffffff5'), count(closeSessionPathsMax + 1), filler))).toBe('damaged')
    expect(attempt(joinedFast(header('00000007'), bytesOf(path), count(aclEntriesMax + 1), filler))).toBe('damaged')
  })

  it('refuses a multi in a multi at once, be it ten thousand deep', () => {
    let body = new Uint8Array(0)
    for (let depth = 0; depth < 10_000; depth++) {
      const outer = new Uint8Array(12 + body.length)
      outer.set(bytesOf(`00000001 0000000e ${body.length.toString(16).padStart(8, '0')}`))
      outer.set(body, 12)
      body = outer
    }
    expect(attempt(joinedFast(header('0000000e'), body))).toBe('damaged')
  })
})

function joinedFast(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** The bytes that decoding and encoding give back, or that it was refused; anything else thrown fails the test. */
function attempt(bytes: Uint8Array, end = bytes.length): Uint8Array | 'damaged' {
  let txn: ReturnType<typeof decodeTxn>
  try {
    txn = decodeTxn(bytes, 0, end)
  } catch (error) {
    expect(error).toEqual(damaged)
    return 'damaged'
  }
  return encodeTxn(txn)
}
