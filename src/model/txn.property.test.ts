import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toSessionId } from './session-id.ts'
import { txnTypes } from './txn-layout.ts'
import { type Txn, type TxnRecord, decodeTxn, encodeTxn } from './txn.ts'
import { toZxid } from './zxid.ts'

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const int = fc.integer()
const path = fc.uint8Array({ maxLength: 12 }).map((bytes) => Uint8Array.of(0x2f, ...bytes))
const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 40 }))
const acl = fc.option(fc.array(fc.record({ perms: int, scheme: bytesOrNull, id: bytesOrNull }), { maxLength: 4 }))
const created = { path, data: bytesOrNull, acl, parentCversion: int }

const part = fc.oneof(
  fc.record({ kind: fc.constantFrom('create', 'create2'), ephemeral: fc.boolean(), ...created }),
  fc.record({ kind: fc.constant('createContainer'), ...created }),
  fc.record({ kind: fc.constant('createTTL'), ttlMs: long, ...created }),
  fc.record({ kind: fc.constantFrom('delete', 'deleteContainer'), path }),
  fc.record({ kind: fc.constant('setData'), path, data: bytesOrNull, version: int }),
  fc.record({ kind: fc.constant('check'), path, version: int }),
  fc.record({ kind: fc.constant('error'), err: int }),
)
const record = fc.oneof(
  part,
  fc.record({ kind: fc.constant('reconfig'), path, data: bytesOrNull, version: int }),
  fc.record({ kind: fc.constant('setACL'), path, acl, version: int }),
  fc.record({ kind: fc.constant('createSession'), timeoutMs: int }),
  fc.record({ kind: fc.constant('closeSession'), paths: fc.option(fc.array(path, { maxLength: 5 })) }),
  fc.record({ kind: fc.constant('multi'), parts: fc.option(fc.array(fc.record({ record: part }), { maxLength: 6 })) }),
) as fc.Arbitrary<TxnRecord>

const txn = fc.record(
  {
    header: fc.record({ clientId: long.map(toSessionId), cxid: int, zxid: long.map(toZxid), time: long }),
    record,
    digest: fc.record({ version: int, treeDigest: long }),
  },
  { requiredKeys: ['header', 'record'] },
) as fc.Arbitrary<Txn>

it('every transaction comes back from its bytes, and its bytes from it', () => {
  fc.assert(
    fc.property(txn, (value) => {
      const type = txnTypes[value.record.kind as keyof typeof txnTypes]
      const bytes = encodeTxn(value)
      const decoded = decodeTxn(bytes, 0, bytes.length)
      expect(decoded).toEqual({ ...value, header: { ...value.header, type } })
      expect(encodeTxn(decoded)).toEqual(bytes)
    }),
    { numRuns: 500 },
  )
})

it('bytes at random are refused or come back the same', () => {
  const types = Object.values(txnTypes)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(...types), (bytes, type) => {
      if (bytes.length >= 32) new DataView(bytes.buffer).setInt32(28, type)
      try {
        const decoded = decodeTxn(bytes, 0, bytes.length)
        expect(encodeTxn(decoded)).toEqual(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'RECORD_DAMAGED' })
      }
    }),
    { numRuns: 2000 },
  )
})
