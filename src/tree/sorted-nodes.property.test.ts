import fc from 'fast-check'
import { expect, test } from 'vitest'
import { putInt32 } from '../jute/long.ts'
import { nodeTail } from '../model/node-record.ts'
import { DataTree } from './data-tree.ts'

/** A record with this path and nothing else. */
function recordOf(path: Uint8Array): Uint8Array {
  const record = new Uint8Array(4 + path.length + 4 + nodeTail.length)
  putInt32(record, 0, path.length)
  record.set(path, 4)
  record.fill(0xff, 8 + path.length, 16 + path.length)
  return record
}

function treeOf(paths: readonly Uint8Array[]): DataTree {
  const tree = new DataTree({ digestChecks: 'none' })
  const records = [new Uint8Array(0), ...paths].map(recordOf)
  const window = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0))
  const starts = new Uint32Array(records.length + 1)
  for (const [i, record] of records.entries()) {
    window.set(record, starts[i])
    starts[i + 1] = starts[i] + record.length
  }
  tree.adoptRecords(window, starts, records.length)
  return tree
}

/** Names over few bytes, so that many share long beginnings, one is the beginning of another, and zeros and 0xff stand at the ends. */
const names = fc.uniqueArray(
  fc.array(fc.constantFrom(0, 1, 0x30, 0x31, 0xff), { minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 400, selector: (name) => name.toString('hex') },
)

test('any number of siblings comes in bytewise order, however much their names share', () => {
  fc.assert(
    fc.property(names, (siblings) => {
      const tree = treeOf(siblings.map((name) => Buffer.concat([Buffer.from('/'), name])))
      const found = Array.from(tree.sortedNodes().subarray(1), (index) => Buffer.from(tree.node(index).path).toString('hex'))
      const expected = siblings.toSorted((a, b) => Buffer.compare(a, b)).map((name) => `2f${name.toString('hex')}`)
      expect(found).toEqual(expected)
    }),
  )
})

test('names that are each the beginning of the next are sorted without depth', () => {
  const longest = Buffer.alloc(3000, 'a')
  const names = Array.from({ length: longest.length }, (_, i) => longest.subarray(0, ((i * 7) % longest.length) + 1))
  const tree = treeOf(names.map((name) => Buffer.concat([Buffer.from('/'), name])))
  const lengths = Array.from(tree.sortedNodes().subarray(1), (index) => tree.node(index).path.length - 1)
  expect(lengths).toEqual(names.map(({ length }) => length).toSorted((a, b) => a - b))
})
