import { describe, expect, it } from 'vitest'
import { body, nodeRecord, op, txn } from '../../test/tree/txn-bytes.ts'
import { loadRecords } from '../../test/tree/tree-text.ts'
import { DataTree } from './data-tree.ts'
import { formatStats, parseStats } from './quota.ts'

const system = [nodeRecord('', '', -1n, {}), nodeRecord('/zookeeper', '', -1n, {}), nodeRecord('/zookeeper/quota', '', -1n, {})]
const limitOf = (path: string, stats: string): Uint8Array[] => [
  nodeRecord(`/zookeeper/quota${path}`, '', -1n, {}),
  nodeRecord(`/zookeeper/quota${path}/zookeeper_limits`, 'count=100,bytes=-1', -1n, {}),
  nodeRecord(`/zookeeper/quota${path}/zookeeper_stats`, stats, -1n, { version: 4, mzxid: 9n }),
]

function treeOf(records: readonly Uint8Array[], quotaStats: 'keep' | 'recount'): DataTree {
  const tree = new DataTree()
  loadRecords(tree, [...system, ...records], 100n, quotaStats)
  return tree
}

let zxid = 100n
function apply(tree: DataTree, type: number, record: Uint8Array): void {
  zxid++
  const bytes = txn(type, { zxid }, record)
  tree.applyTxn(bytes, 0, bytes.length)
}

function stats(tree: DataTree, path: string): string {
  return Buffer.from(tree.node(tree.find(Buffer.from(`/zookeeper/quota${path}/zookeeper_stats`))).data ?? []).toString()
}

const create = (path: string, data: string | null = 'four') => body.create({ path, data, parentCversion: -1 })

describe('quota statistics', () => {
  it('follow creates, deletes and setData at and below the limited path, without touching the stat', () => {
    const tree = treeOf([nodeRecord('/app', 'abc', -1n, {}), ...limitOf('/app', 'count=1,bytes=3')], 'keep')
    apply(tree, op.create, create('/app/x'))
    expect(stats(tree, '/app')).toBe('count=2,bytes=7')
    apply(tree, op.setData, body.setData('/app/x', 'longer', 1))
    apply(tree, op.setData, body.setData('/app', null, 1))
    expect(stats(tree, '/app')).toBe('count=2,bytes=6')
    apply(tree, op.create, create('/application'))
    apply(tree, op.create, create('/app/null', null))
    apply(tree, op.delete, body.delete('/app/x'))
    expect(stats(tree, '/app')).toBe('count=2,bytes=0')
    const node = tree.node(tree.find(Buffer.from('/zookeeper/quota/app/zookeeper_stats')))
    expect(node.stat).toMatchObject({ version: 4, mzxid: 9n })
  })

  it('are counted when they are created, and followed from the creation of the limit on', () => {
    const tree = treeOf(
      [nodeRecord('/app', 'abc', -1n, {}), nodeRecord('/app/x', 'de', -1n, {}), nodeRecord('/app/x/y', null, -1n, {})],
      'keep',
    )
    apply(tree, op.create, create('/zookeeper/quota/app'))
    apply(tree, op.create, create('/zookeeper/quota/app/zookeeper_limits'))
    apply(tree, op.create, create('/zookeeper/quota/app/zookeeper_stats', 'count=0,bytes=0'))
    expect(stats(tree, '/app')).toBe('count=3,bytes=5')
    apply(tree, op.create, create('/app/z'))
    expect(stats(tree, '/app')).toBe('count=4,bytes=9')
    apply(tree, op.delete, body.delete('/zookeeper/quota/app/zookeeper_limits'))
    apply(tree, op.create, create('/app/zz'))
    expect(stats(tree, '/app')).toBe('count=4,bytes=9')
  })

  it('of nested limits: only the deepest counts a change, counting anew counts all', () => {
    const records = [
      nodeRecord('/app', 'abc', -1n, {}),
      nodeRecord('/app/x', 'de', -1n, {}),
      ...limitOf('/app', 'count=9,bytes=9'),
      ...limitOf('/app/x', 'count=9,bytes=9'),
    ]
    const kept = treeOf(records, 'keep')
    expect([stats(kept, '/app'), stats(kept, '/app/x')]).toEqual(['count=9,bytes=9', 'count=9,bytes=9'])
    apply(kept, op.create, create('/app/x/y'))
    expect([stats(kept, '/app'), stats(kept, '/app/x')]).toEqual(['count=9,bytes=9', 'count=10,bytes=13'])
    const recounted = treeOf(records, 'recount')
    expect([stats(recounted, '/app'), stats(recounted, '/app/x')]).toEqual(['count=2,bytes=5', 'count=1,bytes=2'])
  })

  it('of a limited path that is missing are zero when counted', () => {
    expect(stats(treeOf(limitOf('/gone', 'count=5,bytes=5'), 'recount'), '/gone')).toBe('count=0,bytes=0')
  })

  it('that a server could not read stay as they are', () => {
    for (const text of ['count', 'count=x,bytes=1', 'count=1;bytes=']) {
      const tree = treeOf([nodeRecord('/app', '', -1n, {}), ...limitOf('/app', text)], 'keep')
      apply(tree, op.create, create('/app/x'))
      expect(stats(tree, '/app')).toBe(text === 'count=1;bytes=' ? 'count=2,bytes=3' : text)
    }
  })

  it('keep further keys behind the two, as from 3.7 on', () => {
    const parsed = parseStats('count=4,bytes=5=;countHardLimit=10;byteHardLimit=')
    expect(parsed && formatStats(parsed)).toBe('count=4,bytes=5=;byteHardLimit=-1;countHardLimit=10')
    expect(formatStats(new Map())).toBe('count=-1,bytes=-1')
  })
})
