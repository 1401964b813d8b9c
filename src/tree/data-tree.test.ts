import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { body, nodeRecord, op, session, txn } from '../../test/tree/txn-bytes.ts'
import { describeTree, loadRecords } from '../../test/tree/tree-text.ts'
import { ZooArkError } from '../base/errors.ts'
import { compareTreeOrder } from '../model/znode-path.ts'
import { toZxid } from '../model/zxid.ts'
import { DataTree } from './data-tree.ts'
import { dropEphemerals } from './drop-ephemerals.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const root = nodeRecord('', '', -1n, {})
const pathOf = (tree: DataTree, index: number): string => Buffer.from(tree.node(index).path).toString()

function codeOf(run: () => void): string {
  try {
    run()
    return 'none'
  } catch (error) {
    return error instanceof ZooArkError ? `${error.code} ${error.place.path ?? ''}` : String(error)
  }
}

describe('loading', () => {
  it('takes records in any order that puts parents before children, in several windows', () => {
    const tree = new DataTree()
    const names = ['', '/b', '/a', '/b/x', '/a/y', '/b/x/z', '/a/x']
    for (const name of names) {
      const record = nodeRecord(name, name, -1n, {})
      const window = new Uint8Array(record.length + 10)
      window.set(record, 10)
      tree.adoptRecords(window, Uint32Array.of(10, window.length), 1)
    }
    tree.finishLoad(toZxid(5n))
    expect(Array.from(tree.sortedNodes(), (index) => pathOf(tree, index))).toEqual(['', '/a', '/a/x', '/a/y', '/b', '/b/x', '/b/x/z'])
    const b = tree.find(utf8('/b'))
    expect(Array.from(tree.children(b), (index) => pathOf(tree, index))).toEqual(['/b/x'])
    expect([tree.childCount(b), tree.parentOf(b), tree.find(utf8('/')), tree.find(utf8(''))]).toEqual([1, 0, 0, 0])
    expect(tree.find(utf8('/c'))).toBe(-1)
  })

  it('refuses a znode before its parent, one that comes twice, one without a slash, and a tree without a root', () => {
    const load = (...records: Uint8Array[]): string => codeOf(() => loadRecords(new DataTree(), records, 1n))
    expect(load(root, nodeRecord('/a/b', '', -1n, {}))).toBe('SNAPSHOT_DAMAGED /a/b')
    expect(load(root, nodeRecord('/a', '', -1n, {}), nodeRecord('/a', '', -1n, {}))).toBe('SNAPSHOT_DAMAGED /a')
    expect(load(root, root)).toBe('SNAPSHOT_DAMAGED /')
    expect(load(root, nodeRecord('a', '', -1n, {}))).toBe('SNAPSHOT_DAMAGED a')
    expect(load(nodeRecord('/a', '', -1n, {}))).toBe('SNAPSHOT_DAMAGED /a')
    expect(load()).toBe('SNAPSHOT_DAMAGED ')
  })

  it('knows the largest zxid in the records, and takes a later end of the fuzzy range from the caller', () => {
    const load = (fuzzyThrough?: bigint): DataTree => {
      const tree = new DataTree()
      const record = nodeRecord('', '', -1n, { czxid: 3n, mzxid: 0x1_0000_0009n, pzxid: 7n })
      tree.adoptRecords(record, Uint32Array.of(0, record.length), 1)
      tree.finishLoad(toZxid(5n), fuzzyThrough === undefined ? {} : { fuzzyThrough: toZxid(fuzzyThrough) })
      return tree
    }
    const gone = txn(op.delete, { zxid: 0x1_0000_000an }, body.delete('/gone'))
    expect([load().maxZxidLoaded, load().lastZxid]).toEqual([0x1_0000_0009n, 5n])
    expect(load().applyTxn(gone, 0, gone.length).verdict).toBe('unexpected')
    expect(load(0x1_0000_000an).applyTxn(gone, 0, gone.length).verdict).toBe('settling')
  })

  it('of nothing starts from the znodes of a new server', () => {
    const tree = new DataTree()
    tree.startEmpty('3.5')
    const zeros = 'c0 m0 p0 ct0 mt0 v0 cv0'
    const open = '000000010000001f00000005776f726c6400000006616e796f6e65'
    expect(describeTree(tree)).toEqual([
      `/ "" acl ${open} ${zeros} av0 o0`,
      `/zookeeper "" acl ${open} ${zeros} av0 o0`,
      `/zookeeper/config "" acl ${open.replace('1f', '01')} ${zeros} av-1 o0`,
      `/zookeeper/quota "" acl ${open} ${zeros} av0 o0`,
    ])
    const old = new DataTree()
    old.startEmpty('3.4')
    expect(old.nodeCount).toBe(3)
  })
})

describe('the sorted walk', () => {
  it('is the tree order of all paths, whatever order they came in, and after changes', () => {
    const name = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'a0', 'é', 'zz')
    const paths = fc.uniqueArray(
      fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`),
      { maxLength: 80 },
    )
    fc.assert(
      fc.property(paths, fc.array(fc.nat(), { maxLength: 20 }), (wanted, removals) => {
        const all = new Set([''])
        const records = [root]
        for (const path of wanted) {
          for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
            const part = end < 0 ? path : path.slice(0, end)
            if (!all.has(part)) records.push(nodeRecord(part, part, -1n, {}))
            all.add(part)
            if (end < 0) break
          }
        }
        const tree = new DataTree()
        loadRecords(tree, records, 1n)
        let zxid = 1n
        for (const pick of removals) {
          const leaves = [...all].filter((path) => path !== '' && ![...all].some((other) => other.startsWith(`${path}/`)))
          if (leaves.length === 0) break
          const leaf = leaves[pick % leaves.length]
          all.delete(leaf)
          const bytes = txn(op.delete, { zxid: ++zxid }, body.delete(leaf))
          tree.applyTxn(bytes, 0, bytes.length)
        }
        const expected = [...all].sort((a, b) => compareTreeOrder(utf8(a), utf8(b)))
        expect(Array.from(tree.sortedNodes(), (index) => pathOf(tree, index))).toEqual(expected)
      }),
    )
  })

  it('sorts a wide parent', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `/n${(i * 7919) % 3000}`)
    const tree = new DataTree()
    loadRecords(tree, [root, ...names.map((name) => nodeRecord(name, '', -1n, {}))], 1n)
    expect(Array.from(tree.sortedNodes().subarray(1), (index) => pathOf(tree, index))).toEqual([...names].sort())
  })
})

describe('dropping ephemerals', () => {
  it('ends all sessions, also owners without one: parents show the zxid, their cversion stays, all else is as it was', () => {
    const tree = new DataTree()
    tree.addSession(Number(session >> 32n), Number(BigInt.asIntN(32, session)), 4000)
    tree.addSession(1, 2, 5000)
    const records = [
      root,
      nodeRecord('/p', '', -1n, { cversion: 5, pzxid: 40n }),
      nodeRecord('/p/e', '', -1n, { ephemeralOwner: session }),
      nodeRecord('/p/ownerless', '', -1n, { ephemeralOwner: 77n }),
      nodeRecord('/p/stays', 'x', -1n, {}),
      nodeRecord('/q', '', -1n, { cversion: 1, pzxid: 41n }),
      nodeRecord('/q/container', '', -1n, { ephemeralOwner: -(1n << 63n) }),
      nodeRecord('/q/ttl', '', -1n, { ephemeralOwner: -(1n << 56n) | 9n }),
    ]
    loadRecords(tree, records, 100n)
    const others = describeTree(tree).filter((line) => !/^\/p (|.*session)|^\/p\/(e|ownerless) |^session/.test(line))
    expect(dropEphemerals(tree, toZxid(200n))).toEqual({ sessions: 2, ephemerals: 2 })
    expect(tree.node(tree.find(utf8('/p'))).stat).toMatchObject({ cversion: 5, pzxid: 200n })
    expect(describeTree(tree).filter((line) => !line.startsWith('/p '))).toEqual(others)
    expect([tree.sessionCount, tree.lastZxid, tree.nodeCount]).toEqual([0, 200n, 6])
  })

  it('spares TTL znodes of 3.5.3 where that is how the server was set up', () => {
    const ttl353 = -(1n << 63n) | 5000n
    const drop = (ownerRules: 'extended' | 'emulate353'): number => {
      const tree = new DataTree({ ownerRules })
      loadRecords(tree, [root, nodeRecord('/t', '', -1n, { ephemeralOwner: ttl353 })], 1n)
      return dropEphemerals(tree, toZxid(2n)).ephemerals
    }
    expect([drop('extended'), drop('emulate353')]).toEqual([1, 0])
  })
})

describe('ACLs', () => {
  const vector = (perms: number): Uint8Array => Uint8Array.of(0, 0, 0, 1, 0, 0, 0, perms, 255, 255, 255, 255, 255, 255, 255, 255)

  it('are found by key; a later list of a key wins, and only lists in use are entries', () => {
    const tree = new DataTree()
    tree.addAcl(0, 3, vector(1), 0, 16)
    tree.addAcl(0, 3, vector(2), 0, 16)
    tree.addAcl(9, 3, vector(4), 0, 16)
    tree.addAcl(0, 4, vector(8), 0, 16)
    loadRecords(tree, [root, nodeRecord('/a', '', 3n, {}), nodeRecord('/b', '', (9n << 32n) | 3n, {})], 1n)
    expect([tree.aclBytes(0, 3), tree.aclBytes(9, 3), tree.aclBytes(0, 5)]).toEqual([vector(2), vector(4), undefined])
    expect(tree.aclEntries().map(({ key }) => key)).toEqual([3n, (9n << 32n) | 3n])
    const fresh = tree.internAcl(vector(16), 0, 16)
    expect([fresh.keyHi, fresh.keyLo]).toEqual([9, 4])
  })
})

describe('memory', () => {
  it('keeps what it counts per znode below 40 bytes, and the room of changed records in use', () => {
    const tree = new DataTree()
    const count = 50_000
    loadRecords(tree, [root, ...Array.from({ length: count }, (_, i) => nodeRecord(`/n${i}`, 'data', -1n, {}))], 1n)
    expect(tree.memoryUse().indexBytes / count).toBeLessThan(40)
    for (let round = 1, zxid = 1n; round <= 40; round++) {
      for (let i = 0; i < 100; i++) {
        const bytes = txn(op.setData, { zxid: ++zxid }, body.setData(`/n${i}`, 'x'.repeat((round * 37 + i) % 900), round))
        tree.applyTxn(bytes, 0, bytes.length)
      }
    }
    const { recordBytes } = tree.memoryUse()
    expect(recordBytes).toBeLessThan(count * 100 + 16 * 1024 * 1024 + 1)
  })
})
