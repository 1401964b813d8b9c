import { describe, expect, it } from 'vitest'
import { Bytes, body, nodeRecord, op, openAcl, session, txn } from '../../test/tree/txn-bytes.ts'
import { aclHex, nodeDigest, timeOf } from '../../test/tree/plain-server.ts'
import { describeTree, loadRecords } from '../../test/tree/tree-text.ts'
import { DataTree } from './data-tree.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A tree at zxid 100 with these records below the root (whose cversion is 1); `fuzzyTo` is put into the root's pzxid. */
function treeOf(records: readonly Uint8Array[], fuzzyTo = 50n): DataTree {
  const tree = new DataTree()
  loadRecords(tree, [nodeRecord('', '', -1n, { cversion: 1, pzxid: fuzzyTo }), ...records], 100n)
  return tree
}

function apply(
  tree: DataTree,
  type: number,
  record: Uint8Array,
  zxid = 101n,
  client = session,
): { verdict: string; reason: string; digest: string } {
  const bytes = txn(type, { zxid, client, time: timeOf(zxid) }, record)
  return { ...pick(tree.applyTxn(bytes, 0, bytes.length)) }
}

function pick(outcome: { verdict: string; reason: string; digest: string }): { verdict: string; reason: string; digest: string } {
  return { verdict: outcome.verdict, reason: outcome.reason, digest: outcome.digest }
}

const applied = { verdict: 'applied', reason: 'none', digest: 'none' }
const stat = (tree: DataTree, path: string) => tree.node(tree.find(utf8(path))).stat
const has = (tree: DataTree, path: string): boolean => tree.find(utf8(path)) >= 0
const dataOf = (tree: DataTree, path: string): string | null => {
  const { data } = tree.node(tree.find(utf8(path)))
  return data === null ? null : Buffer.from(data).toString()
}
const aclOf = (tree: DataTree, path: string): string | undefined => {
  const { aclKey } = tree.node(tree.find(utf8(path)))
  const acl = tree.aclBytes(Number(aclKey >> 32n), Number(BigInt.asIntN(32, aclKey)))
  return acl && Buffer.from(acl).toString('hex')
}

describe('create', () => {
  it('makes the znode with the txn’s zxid, time and ACL, and raises cversion and pzxid of the parent', () => {
    const tree = treeOf([])
    expect(apply(tree, op.create, body.create({ path: '/a', data: 'x', acl: ['1 world anyone'], parentCversion: 2 }))).toEqual(applied)
    const time = timeOf(101n)
    const fresh = {
      czxid: 101n,
      mzxid: 101n,
      pzxid: 101n,
      ctime: time,
      mtime: time,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
    }
    expect(stat(tree, '/a')).toEqual(fresh)
    expect(stat(tree, '/')).toMatchObject({ cversion: 2, pzxid: 101n, mzxid: 0n, version: 0 })
    expect([dataOf(tree, '/a'), aclOf(tree, '/a')]).toEqual(['x', aclHex(['1 world anyone'])])
    expect([tree.nodeCount, tree.childCount(tree.find(utf8('/'))), tree.lastZxid]).toEqual([2, 1, 101n])
  })

  it('without parentCversion (the old form) counts the parent’s up by one', () => {
    const tree = treeOf([])
    expect(apply(tree, op.create, body.createV0({ path: '/a' }))).toEqual(applied)
    expect(stat(tree, '/').cversion).toBe(2)
  })

  it('takes null data and a null ACL, which is the open one with key -1', () => {
    const tree = treeOf([])
    apply(tree, op.create2, body.create({ path: '/a', data: null, acl: null, parentCversion: 2 }))
    expect([dataOf(tree, '/a'), tree.node(tree.find(utf8('/a'))).aclKey, aclOf(tree, '/a')]).toEqual([null, -1n, aclHex(openAcl)])
  })

  it('sets the owner of ephemerals, containers and TTL znodes', () => {
    const tree = treeOf([])
    apply(tree, op.create, body.create({ path: '/e', ephemeral: true, parentCversion: 2 }))
    apply(tree, op.container, body.container({ path: '/c', parentCversion: 3 }), 102n)
    apply(tree, op.ttl, body.ttl({ path: '/t', parentCversion: 4 }, 0x1_0000_0001n), 103n)
    const owners = ['/e', '/c', '/t'].map((path) => BigInt.asUintN(64, stat(tree, path).ephemeralOwner))
    expect(owners).toEqual([session, 0x8000_0000_0000_0000n, 0xff00_0001_0000_0001n])
  })

  it('of a TTL that no server accepts is refused and changes nothing', () => {
    for (const ttl of [0n, -1n, 1n << 40n]) {
      const tree = treeOf([])
      const before = describeTree(tree)
      expect(apply(tree, op.ttl, body.ttl({ path: '/t', parentCversion: 2 }, ttl))).toMatchObject({
        verdict: 'unexpected',
        reason: 'invalid-ttl',
      })
      expect([describeTree(tree), tree.lastZxid]).toEqual([before, 100n])
    }
  })

  it('below a missing parent is unexpected, and settling within the fuzzy range', () => {
    const record = body.create({ path: '/no/a', parentCversion: 1 })
    expect(apply(treeOf([]), op.create, record)).toMatchObject({ verdict: 'unexpected', reason: 'parent-missing' })
    expect(apply(treeOf([], 150n), op.create, record)).toMatchObject({ verdict: 'settling', reason: 'parent-missing' })
  })

  it('of a znode made by this txn or a later one is settling: the znode stays, takes the ACL, and the parent’s cversion is raised', () => {
    const tree = treeOf([nodeRecord('/a', 'kept', 7n, { czxid: 105n, mzxid: 106n, version: 3, pzxid: 105n })])
    expect(tree.danglingAcls()).toEqual([tree.find(utf8('/a'))])
    expect(apply(tree, op.create, body.create({ path: '/a', data: 'other', acl: ['31 digest u:p'], parentCversion: 4 }))).toMatchObject({
      verdict: 'settling',
      reason: 'node-ahead',
    })
    expect([dataOf(tree, '/a'), aclOf(tree, '/a'), tree.danglingAcls()]).toEqual(['kept', aclHex(['31 digest u:p']), []])
    expect([stat(tree, '/a').version, stat(tree, '/').cversion, stat(tree, '/').pzxid]).toEqual([3, 4, 101n])
    expect(tree.largestSettlingZxid).toBe(101n)
  })

  it('of an existing znode adjusts the parent for the type create only', () => {
    for (const [type, record] of [
      [op.create2, body.create({ path: '/a', parentCversion: 4 })],
      [op.container, body.container({ path: '/a', parentCversion: 4 })],
      [op.ttl, body.ttl({ path: '/a', parentCversion: 4 }, 1n)],
    ] as const) {
      const tree = treeOf([nodeRecord('/a', '', -1n, { czxid: 101n })])
      expect(apply(tree, type, record).reason).toBe('node-ahead')
      expect(stat(tree, '/')).toMatchObject({ cversion: 1, pzxid: 50n })
    }
  })

  it('of an existing, older znode is unexpected', () => {
    const tree = treeOf([nodeRecord('/a', '', -1n, { czxid: 99n })])
    expect(apply(tree, op.create, body.create({ path: '/a', parentCversion: 2 }))).toMatchObject({
      verdict: 'unexpected',
      reason: 'node-exists',
    })
  })

  it('never lowers the parent’s cversion or pzxid', () => {
    const tree = treeOf([nodeRecord('/p', '', -1n, { cversion: 9, pzxid: 140n })])
    expect(apply(tree, op.create, body.create({ path: '/p/a', parentCversion: 5 }))).toMatchObject({
      verdict: 'settling',
      reason: 'parent-ahead',
    })
    expect(stat(tree, '/p')).toMatchObject({ cversion: 9, pzxid: 140n })
    expect(has(tree, '/p/a')).toBe(true)
  })

  it('with a cversion that jumps is unexpected, unless the txn’s digest proves it right', () => {
    const record = body.create({ path: '/a', data: 'x', parentCversion: 7 })
    expect(apply(treeOf([]), op.create, record)).toMatchObject({ verdict: 'unexpected', reason: 'cversion-jump' })
    const fresh = { czxid: 101n, mzxid: 101n, pzxid: 101n, ctime: timeOf(101n), mtime: timeOf(101n) }
    const zero = { ...fresh, version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n }
    const root = { ...zero, czxid: 0n, mzxid: 0n, ctime: 0n, mtime: 0n, cversion: 7 }
    const digest = nodeDigest('/a', { data: 'x', stat: zero }) + nodeDigest('', { data: '', stat: root })
    const bytes = txn(op.create, { zxid: 101n, time: timeOf(101n), digest }, record)
    expect(pick(treeOf([]).applyTxn(bytes, 0, bytes.length))).toEqual({ verdict: 'applied', reason: 'cversion-jump', digest: 'match' })
  })

  it('over an orphan replaces it, since the new parent does not have it', () => {
    const tree = treeOf(
      [nodeRecord('/p', '', -1n, { czxid: 103n, cversion: 1 }), nodeRecord('/p/a', 'later', -1n, { czxid: 104n, version: 5 })],
      110n,
    )
    expect(apply(tree, op.delete, body.delete('/p'), 102n).verdict).toBe('settling')
    expect([has(tree, '/p'), has(tree, '/p/a'), tree.nodeCount]).toEqual([false, true, 2])
    expect(describeTree(tree)).toHaveLength(1)
    apply(tree, op.create, body.create({ path: '/p', parentCversion: 2 }), 103n)
    expect(tree.childCount(tree.find(utf8('/p')))).toBe(0)
    expect(apply(tree, op.create, body.create({ path: '/p/a', data: 'now', parentCversion: 1 }), 104n).verdict).toBe('applied')
    expect([dataOf(tree, '/p/a'), stat(tree, '/p/a').version, tree.nodeCount]).toEqual(['now', 0, 3])
    expect(describeTree(tree)).toHaveLength(3)
    expect(tree.digest()).toBe(sumOf(tree))
  })
})

describe('delete', () => {
  const child = nodeRecord('/a', 'x', -1n, { czxid: 20n })

  it('removes the znode and raises the parent’s pzxid, not its cversion', () => {
    for (const type of [op.delete, op.deleteContainer]) {
      const tree = treeOf([child])
      expect(apply(tree, type, body.delete('/a'))).toEqual(applied)
      expect([has(tree, '/a'), tree.nodeCount, stat(tree, '/').pzxid, stat(tree, '/').cversion]).toEqual([false, 1, 101n, 1])
    }
  })

  it('of a missing znode still touches the parent', () => {
    const tree = treeOf([])
    expect(apply(tree, op.delete, body.delete('/a'))).toMatchObject({ verdict: 'unexpected', reason: 'node-missing' })
    expect(stat(tree, '/').pzxid).toBe(101n)
    expect(tree.largestUnexpectedZxid).toBe(101n)
  })

  it('that the parent already shows is settling and leaves pzxid as it is', () => {
    const tree = treeOf([], 101n)
    expect(apply(tree, op.delete, body.delete('/a'))).toMatchObject({ verdict: 'settling', reason: 'parent-ahead' })
    expect(stat(tree, '/').pzxid).toBe(101n)
  })

  it('below a missing parent removes nothing', () => {
    expect(apply(treeOf([]), op.delete, body.delete('/no/a'))).toMatchObject({ verdict: 'unexpected', reason: 'parent-missing' })
  })

  it('of a znode with children is unexpected', () => {
    const tree = treeOf([nodeRecord('/p', '', -1n, {}), nodeRecord('/p/a', '', -1n, {})])
    expect(apply(tree, op.delete, body.delete('/p'))).toMatchObject({ verdict: 'unexpected', reason: 'children-left' })
  })

  it('of an orphan finds it by its path and leaves the counts right', () => {
    const tree = treeOf([nodeRecord('/p', '', -1n, {}), nodeRecord('/p/a', '', -1n, {}), nodeRecord('/p/b', '', -1n, {})], 110n)
    apply(tree, op.delete, body.delete('/p'), 101n)
    expect(apply(tree, op.delete, body.delete('/p/a'), 102n)).toMatchObject({ reason: 'parent-missing' })
    apply(tree, op.create, body.create({ path: '/p', parentCversion: 2 }), 103n)
    apply(tree, op.delete, body.delete('/p/a'), 104n)
    expect([has(tree, '/p/a'), tree.nodeCount, tree.childCount(tree.find(utf8('/p')))]).toEqual([false, 3, 0])
    expect(stat(tree, '/p').pzxid).toBe(104n)
    expect(tree.digest()).toBe(sumOf(tree, ['/p/b']))
  })
})

describe('setData', () => {
  const node = nodeRecord('/a', 'old', -1n, { mzxid: 20n, version: 4 })

  it('puts data, version, mzxid and mtime, for shorter, equal, longer, empty, null and very long data', () => {
    for (const data of ['o', 'new', 'longer than it was', '', null, 'long '.repeat(50_000)]) {
      const tree = treeOf([node, nodeRecord('/b', 'neighbour', -1n, {})])
      expect(apply(tree, op.setData, body.setData('/a', data, 5))).toEqual(applied)
      expect([dataOf(tree, '/a'), dataOf(tree, '/b')]).toEqual([data, 'neighbour'])
      expect(stat(tree, '/a')).toMatchObject({ version: 5, mzxid: 101n, mtime: timeOf(101n), czxid: 0n, aversion: 0 })
      expect(tree.digest()).toBe(sumOf(tree))
    }
  })

  it('knows the root as /', () => {
    const tree = treeOf([])
    expect(apply(tree, op.setData, body.setData('/', 'root', 1))).toEqual(applied)
    expect([dataOf(tree, '/'), stat(tree, '/').version]).toEqual(['root', 1])
  })

  it('of a missing znode is unexpected', () => {
    expect(apply(treeOf([]), op.setData, body.setData('/a', 'x', 1))).toMatchObject({ verdict: 'unexpected', reason: 'node-missing' })
  })

  it('finding a later mzxid is settling, and is applied all the same, as a server does', () => {
    const tree = treeOf([nodeRecord('/a', 'later', -1n, { mzxid: 104n, version: 9 })])
    expect(apply(tree, op.setData, body.setData('/a', 'now', 5))).toMatchObject({ verdict: 'settling', reason: 'data-ahead' })
    expect([dataOf(tree, '/a'), stat(tree, '/a').version, stat(tree, '/a').mzxid]).toEqual(['now', 5, 101n])
  })

  it('with a version that jumps is unexpected; from -2 on both -1 and 0 follow', () => {
    expect(apply(treeOf([node]), op.setData, body.setData('/a', 'x', 6))).toMatchObject({ verdict: 'unexpected', reason: 'version-jump' })
    for (const version of [-1, 0]) {
      const tree = treeOf([nodeRecord('/a', 'old', -1n, { version: -2 })])
      expect(apply(tree, op.setData, body.setData('/a', 'x', version))).toEqual(applied)
    }
  })
})

describe('reconfig', () => {
  const zookeeper = nodeRecord('/zookeeper', '', -1n, { cversion: 1 })

  it('sets the data of /zookeeper/config with version -1, which jumps from nothing', () => {
    const tree = treeOf([zookeeper, nodeRecord('/zookeeper/config', '', -1n, { version: -1, aversion: -1 })])
    expect(apply(tree, op.reconfig, body.setData('/zookeeper/config', 'server.1=…', -1))).toEqual(applied)
    expect(stat(tree, '/zookeeper/config')).toMatchObject({ version: -1, mzxid: 101n })
  })

  it('adds the znode where the state comes from 3.4, as the server had at its start', () => {
    const tree = treeOf([zookeeper])
    expect(apply(tree, op.reconfig, body.setData('/zookeeper/config', 'server.1=…', -1))).toEqual(applied)
    expect([dataOf(tree, '/zookeeper/config'), aclOf(tree, '/zookeeper/config')]).toEqual(['server.1=…', aclHex(['1 world anyone'])])
    expect(stat(tree, '/zookeeper/config')).toMatchObject({ czxid: 0n, mzxid: 101n, version: -1, aversion: -1 })
    expect(stat(tree, '/zookeeper')).toMatchObject({ cversion: 1, pzxid: 0n })
  })
})

describe('setACL', () => {
  it('puts list and aversion, and gives a new list a key above all that znodes name', () => {
    const tree = treeOf([nodeRecord('/a', '', -1n, { aversion: 2 }), nodeRecord('/dangling', '', 41n, {})])
    expect(apply(tree, op.setACL, body.setAcl('/a', ['31 digest u:p'], 3))).toEqual(applied)
    expect([aclOf(tree, '/a'), stat(tree, '/a').aversion, tree.node(tree.find(utf8('/a'))).aclKey]).toEqual([
      aclHex(['31 digest u:p']),
      3,
      42n,
    ])
    expect(aclOf(tree, '/dangling')).toBeUndefined()
    expect(tree.digest()).toBe(sumOf(tree))
  })

  it('already there or passed is settling, a jump is unexpected', () => {
    for (const aversion of [3, 8]) {
      const tree = treeOf([nodeRecord('/a', '', -1n, { aversion })])
      expect(apply(tree, op.setACL, body.setAcl('/a', openAcl, 3))).toMatchObject({ verdict: 'settling', reason: 'acl-ahead' })
    }
    const tree = treeOf([nodeRecord('/a', '', -1n, { aversion: 1 })])
    expect(apply(tree, op.setACL, body.setAcl('/a', openAcl, 3))).toMatchObject({ verdict: 'unexpected', reason: 'aversion-jump' })
  })

  it('uses one key for one list', () => {
    const tree = treeOf([nodeRecord('/a', '', -1n, {}), nodeRecord('/b', '', -1n, {})])
    apply(tree, op.setACL, body.setAcl('/a', ['1 ip 10.0.0.1'], 1))
    apply(tree, op.setACL, body.setAcl('/b', ['2 ip 10.0.0.1'], 1), 102n)
    apply(tree, op.setACL, body.setAcl('/b', ['1 ip 10.0.0.1'], 2), 103n)
    expect(tree.aclEntries()).toEqual([{ key: 1n, bytes: new Uint8Array(Buffer.from(aclHex(['1 ip 10.0.0.1']), 'hex')) }])
  })
})

describe('multi', () => {
  const create = (path: string, parentCversion: number) => ({ type: op.create, body: body.create({ path, parentCversion }) })

  it('applies its parts in order at one zxid', () => {
    const tree = treeOf([])
    const parts = [
      create('/a', 2),
      create('/a/b', 1),
      { type: op.setData, body: body.setData('/a', 'two', 1) },
      { type: op.setData, body: body.setData('/a', 'three', 2) },
      { type: op.check, body: body.check('/a', 3) },
      { type: op.delete, body: body.delete('/a/b') },
      create('/c', 3),
    ]
    expect(apply(tree, op.multi, body.multi(parts))).toEqual(applied)
    expect([dataOf(tree, '/a'), has(tree, '/a/b'), has(tree, '/c'), stat(tree, '/').cversion]).toEqual(['three', false, true, 3])
  })

  it('with any error part has no effect at all, but its zxid counts', () => {
    const tree = treeOf([])
    const before = describeTree(tree)
    for (const error of [0, -2, -101]) {
      const parts = [create('/a', 2), { type: op.error, body: body.error(error) }, { type: 99, body: new Uint8Array(3) }]
      expect(apply(tree, op.multi, body.multi(parts))).toEqual(applied)
    }
    expect([describeTree(tree), tree.lastZxid]).toEqual([before, 101n])
  })

  it('with a part that no server takes, or a multi in it, is refused as a whole', () => {
    for (const [type, reason] of [
      [op.setACL, 'unknown-type'],
      [op.closeSession, 'unknown-type'],
      [77, 'unknown-type'],
      [op.multi, 'nested-multi'],
    ] as const) {
      const tree = treeOf([])
      const before = describeTree(tree)
      expect(apply(tree, op.multi, body.multi([create('/a', 2), { type, body: new Uint8Array(40) }]))).toMatchObject({
        verdict: 'unexpected',
        reason,
      })
      expect([describeTree(tree), tree.lastZxid]).toEqual([before, 100n])
    }
  })

  it('empty, or null, is applied', () => {
    expect(apply(treeOf([]), op.multi, body.multi([]))).toEqual(applied)
    expect(apply(treeOf([]), op.multi, new Bytes().int(-1).done())).toEqual(applied)
  })
})

describe('sessions', () => {
  const ephemerals = [
    nodeRecord('/e1', '', -1n, { ephemeralOwner: session }),
    nodeRecord('/e2', '', -1n, { ephemeralOwner: session }),
    nodeRecord('/other', '', -1n, { ephemeralOwner: session + 1n }),
  ]
  const withSession = (): DataTree => {
    const tree = treeOf(ephemerals)
    apply(tree, op.createSession, body.timeout(4000), 101n)
    return tree
  }

  it('come with their timeout; one that is there already is settling and takes the new timeout', () => {
    const tree = treeOf([])
    expect(apply(tree, op.createSession, body.timeout(4000))).toEqual(applied)
    expect(apply(tree, op.createSession, body.timeout(5000), 102n)).toMatchObject({ verdict: 'settling', reason: 'session-ahead' })
    expect([...tree.sessions()]).toEqual([{ id: session, timeoutMs: 5000 }])
  })

  it('close without a list: all their ephemerals go, and nothing else', () => {
    const tree = withSession()
    expect(apply(tree, op.closeSession, new Uint8Array(0), 102n)).toEqual(applied)
    expect([has(tree, '/e1'), has(tree, '/e2'), has(tree, '/other'), tree.sessionCount, stat(tree, '/').pzxid]).toEqual([
      false,
      false,
      true,
      0,
      102n,
    ])
  })

  it('close with a list: the listed paths go whoever owns them, then the rest of the session, which is unexpected', () => {
    const tree = withSession()
    expect(apply(tree, op.closeSession, body.close(['/other', '/e1']), 102n)).toMatchObject({
      verdict: 'unexpected',
      reason: 'ephemeral-not-listed',
    })
    expect([has(tree, '/e1'), has(tree, '/e2'), has(tree, '/other')]).toEqual([false, false, false])
    const exact = withSession()
    expect(apply(exact, op.closeSession, body.close(['/e2', '/e1']), 102n)).toEqual(applied)
    expect(has(exact, '/other')).toBe(true)
  })

  it('close with a list also where the tree knows no ephemeral of theirs: the parent is touched', () => {
    const tree = treeOf([])
    apply(tree, op.createSession, body.timeout(4000), 101n)
    expect(apply(tree, op.closeSession, body.close(['/gone']), 102n)).toMatchObject({ reason: 'node-missing' })
    expect(stat(tree, '/').pzxid).toBe(102n)
  })

  it('closed twice are no contradiction: a leader logs both when a close and the expiry meet', () => {
    const tree = withSession()
    apply(tree, op.closeSession, new Uint8Array(0), 102n)
    expect(apply(tree, op.closeSession, body.close([]), 103n)).toEqual({ ...applied, reason: 'session-missing' })
  })

  it('do not take containers and TTL znodes with them', () => {
    const ttlOwner = -(1n << 56n) | 5n
    const tree = treeOf([
      nodeRecord('/t', '', -1n, { ephemeralOwner: ttlOwner }),
      nodeRecord('/c', '', -1n, { ephemeralOwner: -(1n << 63n) }),
    ])
    for (const owner of [ttlOwner, -(1n << 63n), 0n]) apply(tree, op.closeSession, new Uint8Array(0), 101n, owner)
    expect([has(tree, '/t'), has(tree, '/c')]).toEqual([true, true])
  })
})

describe('digest', () => {
  it('of another version is not compared, and a wrong one is a mismatch', () => {
    const digest = (value: bigint, digestVersion: number): string => {
      const bytes = txn(op.createSession, { zxid: 101n, digest: value, digestVersion }, body.timeout(4000))
      return treeOf([]).applyTxn(bytes, 0, bytes.length).digest
    }
    const right = sumOf(treeOf([]))
    expect([digest(right, 2), digest(right + 1n, 2), digest(right, 1), digest(right, 3)]).toEqual(['match', 'mismatch', 'none', 'none'])
  })

  it('leaves out what is below /zookeeper/, and counts /zookeeper itself', () => {
    const tree = treeOf([nodeRecord('/zookeeper', '', -1n, {})])
    const before = tree.digest()
    apply(tree, op.create, body.create({ path: '/zookeeper/x', parentCversion: 1 }))
    expect(tree.digest()).not.toBe(before)
    const after = tree.digest()
    apply(tree, op.setData, body.setData('/zookeeper/x', 'other', 1), 102n)
    apply(tree, op.setACL, body.setAcl('/zookeeper/x', ['1 world anyone'], 1), 103n)
    expect(tree.digest()).toBe(after)
    expect(tree.digest()).toBe(sumOf(tree))
  })

  it('is not kept where checks are off, and comes out the same when asked for', () => {
    const tree = treeOf([])
    tree.digestChecks = 'none'
    const bytes = txn(op.create, { zxid: 101n, digest: 1n }, body.create({ path: '/a', parentCversion: 2 }))
    tree.digest()
    expect(tree.applyTxn(bytes, 0, bytes.length).digest).toBe('none')
    expect(tree.digest()).toBe(sumOf(tree))
  })
})

describe('other txns', () => {
  it('errors change nothing but the zxid, whatever stands in their body', () => {
    for (const junk of [new Uint8Array(0), body.error(-101), new Uint8Array(7), new Uint8Array(30), new Bytes().int(-4).int(1).done()]) {
      const tree = treeOf([])
      const before = describeTree(tree)
      expect(apply(tree, op.error, junk)).toEqual(applied)
      expect([describeTree(tree), tree.lastZxid]).toEqual([before, 101n])
    }
  })

  it('of an unknown type are refused: nothing is applied, the zxid stays', () => {
    for (const type of [0, 3, 22, -12, 0x7fffffff]) {
      const tree = treeOf([])
      expect(apply(tree, type, new Uint8Array(9))).toMatchObject({ verdict: 'unexpected', reason: 'unknown-type' })
      expect(tree.lastZxid).toBe(100n)
    }
  })

  it('raise the last zxid only', () => {
    const tree = treeOf([])
    apply(tree, op.error, body.error(-1), 90n)
    expect(tree.lastZxid).toBe(100n)
    apply(tree, op.error, body.error(-1), 0x1_0000_0001n)
    expect(tree.lastZxid).toBe(0x1_0000_0001n)
  })
})

/** The tree's digest by zlib, over the znodes that hang in it and these orphans. */
function sumOf(tree: DataTree, orphans: readonly string[] = []): bigint {
  const nodes = [...tree.sortedNodes(), ...orphans.map((path) => tree.find(utf8(path)))]
  const digests = nodes.map((index) => {
    const { path, data, stat: s } = tree.node(index)
    return nodeDigest(Buffer.from(path).toString(), { data: data === null ? null : Buffer.from(data).toString(), stat: s })
  })
  return digests.reduce((a, b) => a + b, 0n)
}
