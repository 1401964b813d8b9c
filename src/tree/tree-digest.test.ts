import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { nodeRecord } from '../../test/tree/txn-bytes.ts'
import { loadRecords } from '../../test/tree/tree-text.ts'
import { DataTree } from './data-tree.ts'
import { digestedStat } from './node-digest.ts'

/** The page docs/formats/tree-digest.md is law: its table of the stat is read here. */
const page = readFileSync(new URL('../../docs/formats/tree-digest.md', import.meta.url), 'utf8')
const fields = Array.from(page.matchAll(/^\| (\d+) \| (i32|i64) \| (\w+) \|$/gm), ([, offset, type, name]) => ({
  offset: Number(offset),
  type,
  name,
}))

describe('docs/formats/tree-digest.md', () => {
  it('names every digested field at the offset of the code, without a gap', () => {
    expect(Object.fromEntries([...fields.map(({ name, offset }) => [name, offset]), ['length', 60]])).toEqual(digestedStat)
    fields.forEach(({ offset, type }, i) => {
      expect(offset + (type === 'i64' ? 8 : 4)).toBe(fields[i + 1]?.offset ?? 60)
    })
  })

  it('gives the digest of a tree', () => {
    const stat = { czxid: 1n, mzxid: 2n, ctime: 3n, mtime: 4n, version: 5, cversion: 6, aversion: 7, ephemeralOwner: 0n, pzxid: 9n }
    const values: Record<string, bigint | number> = stat
    const bytes = Buffer.alloc(60)
    for (const { name, offset, type } of fields) {
      if (type === 'i64') bytes.writeBigInt64BE(BigInt(values[name]), offset)
      else bytes.writeInt32BE(Number(values[name]), offset)
    }
    const sum = [
      ['', 'root'],
      ['/a', ''],
      ['/zookeeper', 'x'],
    ].reduce((total, [path, data]) => total + BigInt(crc32(Buffer.concat([Buffer.from(path + data), bytes]))), 0n)
    const tree = new DataTree()
    loadRecords(
      tree,
      [
        nodeRecord('', 'root', -1n, stat),
        nodeRecord('/a', null, 3n, stat),
        nodeRecord('/zookeeper', 'x', -1n, stat),
        nodeRecord('/zookeeper/config', 'server.1', -1n, stat),
      ],
      9n,
    )
    expect(tree.digest()).toBe(sum)
  })
})
