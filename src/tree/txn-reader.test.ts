import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bytes, body, nodeRecord, op, openAcl, session, txn } from '../../test/tree/txn-bytes.ts'
import { describeTree, loadRecords } from '../../test/tree/tree-text.ts'
import { ZooArkError } from '../base/errors.ts'
import { DataTree } from './data-tree.ts'

const fields = { path: '/a/new', data: 'some data', acl: ['31 digest u:p', '1 ip 10.0.0.0/8'], parentCversion: 3 }
const multi = body.multi([
  { type: op.create, body: body.create(fields) },
  { type: op.setData, body: body.setData('/a', 'x', 2) },
  { type: op.check, body: body.check('/a', 2) },
  { type: op.delete, body: body.delete('/a/b') },
])

const txns: readonly (readonly [string, Uint8Array])[] = [
  ['create', txn(op.create, { zxid: 101n, digest: 5n }, body.create({ ...fields, ephemeral: true }))],
  ['old create', txn(op.create, { zxid: 101n }, body.createV0(fields))],
  ['create2', txn(op.create2, { zxid: 101n, digest: 5n }, body.create(fields))],
  ['createContainer', txn(op.container, { zxid: 101n }, body.container(fields))],
  ['createTTL', txn(op.ttl, { zxid: 101n, digest: 5n }, body.ttl(fields, 99n))],
  ['delete', txn(op.delete, { zxid: 101n, digest: 5n }, body.delete('/a/b'))],
  ['setData', txn(op.setData, { zxid: 101n, digest: 5n }, body.setData('/a', 'other', 2))],
  ['reconfig', txn(op.reconfig, { zxid: 101n, digest: 5n }, body.setData('/a', 'other', -1))],
  ['setACL', txn(op.setACL, { zxid: 101n, digest: 5n }, body.setAcl('/a', openAcl, 2))],
  ['multi', txn(op.multi, { zxid: 101n, digest: 5n }, multi)],
  ['createSession', txn(op.createSession, { zxid: 101n, digest: 5n }, body.timeout(4000))],
  ['closeSession', txn(op.closeSession, { zxid: 101n, digest: 5n }, body.close(['/a/b']))],
  ['error', txn(op.error, { zxid: 101n, digest: 5n }, body.error(-101))],
]

function smallTree(): DataTree {
  const tree = new DataTree()
  tree.addSession(Number(session >> 32n), Number(BigInt.asIntN(32, session)), 4000)
  const records = [
    nodeRecord('', '', -1n, { cversion: 1 }),
    nodeRecord('/a', 'data', -1n, { cversion: 2, version: 1, aversion: 1 }),
    nodeRecord('/a/b', null, -1n, { ephemeralOwner: session }),
  ]
  loadRecords(tree, records, 100n)
  return tree
}

/** Applies what may be damaged; the error, or undefined when it was taken. */
function attempt(tree: DataTree, bytes: Uint8Array, start = 0, end = bytes.length): ZooArkError | undefined {
  try {
    tree.applyTxn(bytes, start, end)
    return undefined
  } catch (error) {
    if (error instanceof ZooArkError) return error
    throw error
  }
}

describe('a damaged txn', () => {
  it.each(txns)(
    '%s, cut at any byte, is refused with the offset in it and changes nothing, or ends where an older form ends',
    (name, bytes) => {
      for (let length = 0; length < bytes.length; length++) {
        const tree = smallTree()
        const before = describeTree(tree)
        const error = attempt(tree, bytes.subarray(0, length))
        if (error === undefined) {
          expect(length, name).toBeGreaterThanOrEqual(32)
          continue
        }
        expect(error.code).toBe('RECORD_DAMAGED')
        expect(error.place.offset).toBeGreaterThanOrEqual(0)
        expect(error.place.offset).toBeLessThanOrEqual(length)
        expect(describeTree(tree)).toEqual(before)
      }
    },
  )

  it.each(txns)('%s, with any bit flipped, is a coded error or leaves a sound tree', (_, bytes) => {
    for (let bit = 28 * 8; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      const tree = smallTree()
      const before = describeTree(tree)
      const error = attempt(tree, damaged)
      if (error !== undefined) {
        expect(error.code).toBe('RECORD_DAMAGED')
        expect(describeTree(tree)).toEqual(before)
      } else {
        expect(tree.sortedNodes().length).toBeLessThanOrEqual(tree.nodeCount)
      }
    }
  })

  it('gives offsets from its own start, wherever it stands in the window', () => {
    const bytes = txn(op.delete, { zxid: 101n }, new Bytes().int(1000).raw(new Uint8Array(10)).done())
    const window = new Uint8Array(500 + bytes.length)
    window.set(bytes, 500)
    expect(attempt(smallTree(), window, 500, window.length)?.place.offset).toBe(32)
  })

  it.each([
    ['a path without a slash', op.delete, body.delete('a')],
    ['a path that ends with a slash', op.delete, body.delete('/a/')],
    ['an empty path', op.delete, body.delete('')],
    ['a null path', op.delete, new Bytes().int(-1).done()],
    ['the root to be deleted', op.delete, body.delete('/')],
    ['the root to be created', op.create, body.create({ path: '/' })],
    ['data longer than the record', op.setData, new Bytes().buffer('/a').int(0x7fffffff).done()],
    ['an ACL of 2^31 - 1 entries', op.setACL, new Bytes().buffer('/a').int(0x7fffffff).done()],
    ['a multi of 2^31 - 1 parts', op.multi, new Bytes().int(0x7fffffff).done()],
    ['a multi part of a negative length', op.multi, new Bytes().int(1).int(op.delete).int(-5).done()],
    ['a multi part without parentCversion', op.multi, body.multi([{ type: op.create, body: body.createV0(fields) }])],
    ['a closeSession of 2^31 - 1 paths', op.closeSession, new Bytes().int(0x7fffffff).done()],
  ])('with %s is refused', (_, type, record) => {
    const tree = smallTree()
    const before = describeTree(tree)
    expect(attempt(tree, txn(type, { zxid: 101n }, record))?.code).toBe('RECORD_DAMAGED')
    expect(describeTree(tree)).toEqual(before)
  })

  it('nested a thousand deep is refused without recursion', () => {
    let record = body.multi([{ type: op.delete, body: body.delete('/a/b') }])
    for (let depth = 0; depth < 1000; depth++) record = body.multi([{ type: op.multi, body: record }])
    const bytes = txn(op.multi, { zxid: 101n }, record)
    expect(smallTree().applyTxn(bytes, 0, bytes.length)).toMatchObject({ verdict: 'unexpected', reason: 'nested-multi' })
  })

  it('of random bytes behind a valid header never crashes', () => {
    const types = fc.constantFrom(...Object.values(op))
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 80 }), (type, junk) => {
        const error = attempt(smallTree(), txn(type, { zxid: 101n }, junk))
        expect(error?.code ?? 'RECORD_DAMAGED').toBe('RECORD_DAMAGED')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a closeSession', () => {
  const digest = new Bytes().int(2).long(-1n).done()
  const list = body.close(['/a/b'])

  it.each([
    ['nothing', new Uint8Array(0), 'none'],
    ['a digest', digest, 'mismatch'],
    ['a list', list, 'none'],
    ['a list and a digest', new Bytes().raw(list).raw(digest).done(), 'mismatch'],
  ])('with %s behind its header deletes the ephemeral', (_, record, compared) => {
    const tree = smallTree()
    const bytes = txn(op.closeSession, { zxid: 101n }, record)
    expect(tree.applyTxn(bytes, 0, bytes.length)).toMatchObject({ verdict: 'applied', digest: compared })
    expect([tree.nodeCount, tree.sessionCount]).toEqual([2, 0])
  })
})
