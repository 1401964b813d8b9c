import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../storage/memory-store.ts'
import { createRepository } from '../../repository/repository.ts'
import { writeState } from '../../archive/write-state.ts'
import { fixedClock } from '../../base/clock.ts'
import { encodeNodeRecord } from '../../model/node-record.ts'
import { containerOwner, ttlOwner } from '../../model/ephemeral-owner.ts'
import { formatPath } from '../../model/znode-path.ts'
import { toZxid } from '../../model/zxid.ts'
import { DataTree } from '../../tree/data-tree.ts'
import { diffTrees } from './diff-trees.ts'
import { diskUsage } from './disk-usage.ts'
import { drawTree } from './draw-tree.ts'
import { findZnodes } from './find-znodes.ts'
import { listChildren } from './list-children.ts'
import { NamePattern } from './name-pattern.ts'
import { type StateView, clientCversion } from './state-view.ts'
import { StoredView } from './stored-view.ts'
import { TreeView } from './tree-view.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const aclVector = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, ...utf8('world'), 0, 0, 0, 6, ...utf8('anyone'))

interface Sketch {
  readonly data?: string | null
  readonly owner?: bigint
  readonly cversion?: number
  readonly mtime?: bigint
  readonly aclKey?: bigint
}

/** A tree of these paths, parents first; the root is there anyway. */
function treeOf(sketches: Readonly<Record<string, Sketch>>): DataTree {
  const tree = new DataTree()
  tree.addAcl(0, 7, aclVector, 0, aclVector.length)
  tree.addSession(0, 9, 4000)
  for (const [path, sketch] of Object.entries({ '': {}, ...sketches }) as [string, Sketch][]) {
    const { data = 'x', owner = 0n, cversion = 0, mtime = 5n, aclKey = 7n } = sketch
    const zxid = toZxid(3n)
    const stat = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: 4n, mtime, version: 0, cversion, aversion: 0, ephemeralOwner: owner }
    const record = encodeNodeRecord({ path: utf8(path), data: data === null ? null : utf8(data), aclKey, stat })
    tree.adoptRecords(record, Uint32Array.of(0, record.length), 1)
  }
  tree.finishLoad(toZxid(3n))
  return tree
}

const treeView = (sketches: Readonly<Record<string, Sketch>>): TreeView =>
  new TreeView(treeOf(sketches), { description: 'a tree', consistency: { class: 'exact' } })

async function storedView(sketches: Readonly<Record<string, Sketch>>): Promise<StoredView> {
  const repository = await createRepository(memoryStore(), { clock: fixedClock(0), writer: 'test', id: 'test' })
  const draft = await repository.begin('1', null)
  const ref = await writeState(draft, treeOf(sketches))
  await draft.commit({})
  return new StoredView(repository, ref, { description: 'a stored state', zxid: toZxid(3n), consistency: { class: 'exact' } })
}

const sketches: Readonly<Record<string, Sketch>> = {
  '/a': { data: '12345', cversion: 3 },
  '/a/b': { data: null },
  '/a/b/c': { data: '' },
  '/a/b-': { owner: 9n },
  '/a/b!': { owner: containerOwner },
  '/aa': { owner: ttlOwner(1000n, 'extended'), data: 'ü' },
  '/é': {},
}

describe.each([
  ['in memory', async (): Promise<StateView> => treeView(sketches)],
  ['in a repository', (): Promise<StateView> => storedView(sketches)],
])('a state %s', (_where, open) => {
  it('lists children in tree order with the number of their own', async () => {
    const view = await open()
    const { children, leftOut } = await listChildren(view, '/a')
    expect(children.map((child) => [formatPath(child.path), child.dataLength, child.childCount])).toEqual([
      ['/a/b', -1, 1],
      ['/a/b!', 1, 0],
      ['/a/b-', 1, 0],
    ])
    expect(leftOut).toBe(0)
    expect(await listChildren(view, '/a', { limit: 1 })).toMatchObject({ leftOut: 2 })
    expect(await listChildren(view, '/a/b/c')).toEqual({ children: [], leftOut: 0 })
  })

  it('shows one znode with its data, ACL and number of children', async () => {
    const view = await open()
    const znode = await view.lookup(utf8('/a'))
    expect(znode).toMatchObject({ childCount: 3, data: utf8('12345'), acl: [{ perms: 1, scheme: utf8('world'), id: utf8('anyone') }] })
    expect((await view.lookup(utf8('/a/b')))?.data).toBeNull()
    expect((await view.lookup(utf8('/a/b/c')))?.data).toEqual(new Uint8Array(0))
    expect(await view.lookup(utf8('/nope'))).toBeUndefined()
    expect(await view.sessions()).toEqual([{ id: 9n, timeoutMs: 4000 }])
  })

  it('counts what is below, the largest first', async () => {
    const view = await open()
    const usage = await diskUsage(view, '/', { depth: 1 })
    expect(usage.map(({ path, znodes, dataBytes, ephemerals }) => [formatPath(path), znodes, dataBytes, ephemerals])).toEqual([
      ['/', 8, 11, 1],
      ['/a', 5, 7, 1],
      ['/aa', 1, 2, 0],
      ['/é', 1, 1, 0],
    ])
    // 76 bytes beside path and data: two lengths, the ACL key and 60 bytes of stat.
    expect(usage[2].bytes).toBe(76 + 3 + 2)
  })

  it('finds by name, by path, by kind and down to a depth', async () => {
    const view = await open()
    const found = async (options: Parameters<typeof findZnodes>[2]): Promise<string[]> => {
      const paths: string[] = []
      await findZnodes(view, '/', options, ({ bytes, pathStart, pathEnd }) => {
        paths.push(formatPath(bytes.slice(pathStart, pathEnd)))
      })
      return paths
    }
    expect(await found({})).toEqual(['/', '/a', '/a/b', '/a/b/c', '/a/b!', '/a/b-', '/aa', '/é'])
    expect(await found({ match: 'b*' })).toEqual(['/a/b', '/a/b!', '/a/b-'])
    expect(await found({ match: '?' })).toEqual(['/a', '/a/b', '/a/b/c', '/é'])
    expect(await found({ match: '/a/*' })).toEqual(['/a/b', '/a/b/c', '/a/b!', '/a/b-'])
    expect(await found({ kind: 'ephemeral' })).toEqual(['/a/b-'])
    expect(await found({ kind: 'container' })).toEqual(['/a/b!'])
    expect(await found({ kind: 'ttl' })).toEqual(['/aa'])
    expect(await found({ depth: 1 })).toEqual(['/', '/a', '/aa', '/é'])
    expect(await found({ limit: 2 })).toEqual(['/', '/a'])
  })

  it('is drawn with what is hidden by the depth', async () => {
    const view = await open()
    const { lines, leftOut } = await drawTree(view, '/', { depth: 2, limit: 100 })
    expect(lines.map(({ path, level, hasNext, hidden, childCount }) => [formatPath(path), level, hasNext, hidden, childCount])).toEqual([
      ['/', 0, false, 0, 3],
      ['/a', 1, true, 0, 3],
      ['/a/b', 2, true, 1, 1],
      ['/a/b!', 2, true, 0, 0],
      ['/a/b-', 2, false, 0, 0],
      ['/aa', 1, true, 0, 0],
      ['/é', 1, false, 0, 0],
    ])
    expect(leftOut).toBe(0)
    const cut = await drawTree(view, '/', { limit: 2 })
    expect(cut.leftOut).toBe(6)
    expect(cut.lines.map(({ path, hasNext }) => [formatPath(path), hasNext])).toEqual([
      ['/', false],
      ['/a', false],
    ])
  })

  it('refuses a path that is not there, with the path and the place', async () => {
    const view = await open()
    const refusal = { code: 'ZNODE_NOT_FOUND', place: { path: '/a/x' } }
    await expect(listChildren(view, '/a/x')).rejects.toMatchObject(refusal)
    await expect(diskUsage(view, '/a/x', { depth: 1 })).rejects.toMatchObject(refusal)
    await expect(findZnodes(view, '/a/x', {}, () => {})).rejects.toMatchObject(refusal)
    await expect(drawTree(view, '/a/x', { limit: 1 })).rejects.toMatchObject(refusal)
    await expect(listChildren(view, 'a')).rejects.toMatchObject({ code: 'BAD_PATH' })
  })
})

describe('two trees side by side', () => {
  const differences = (a: Readonly<Record<string, Sketch>>, b: Readonly<Record<string, Sketch>>, path = ''): unknown[] =>
    [...diffTrees(treeView(a), treeView(b), utf8(path))].map((d) => [d.change, formatPath(d.path), [...d.aspects], [...d.counters]])

  it('are equal when they hold the same, whatever the order of loading and the keys of their ACLs', () => {
    const reversed = Object.fromEntries(['/é', '/aa', '/a', '/a/b!', '/a/b-', '/a/b', '/a/b/c'].map((path) => [path, sketches[path]]))
    expect(differences(sketches, reversed)).toEqual([])
  })

  it('differ in what was created, deleted and changed, in tree order', () => {
    const { '/a/b/c': _gone, ...rest } = sketches
    const b = { ...rest, '/a/b-': { owner: 0n }, '/a': { data: '1234', cversion: 3 }, '/new': {}, '/é': { mtime: 6n } }
    expect(differences(sketches, b)).toEqual([
      ['changed', '/a', ['data'], []],
      ['deleted', '/a/b/c', [], []],
      ['changed', '/a/b-', ['kind'], []],
      ['created', '/new', [], []],
      ['changed', '/é', ['counters'], ['mtime']],
    ])
  })

  it('differ in an ACL that one of them does not define', () => {
    expect(differences({ '/a': {} }, { '/a': { aclKey: 8n } })).toEqual([['changed', '/a', ['acl'], []]])
  })

  it('differ in null data and empty data', () => {
    expect(differences({ '/a': { data: null } }, { '/a': { data: '' } })).toEqual([['changed', '/a', ['data'], []]])
  })

  it('are compared below a path alone', () => {
    expect(differences(sketches, { '/a': sketches['/a'] }, '/a')).toHaveLength(4)
    expect(differences(sketches, { '/a': sketches['/a'] }, '/aa')).toEqual([['deleted', '/aa', [], []]])
  })

  it('do not differ in when each server wrote /zookeeper/config, and in which order of lines', () => {
    const at = (mtime: bigint): Readonly<Record<string, Sketch>> => ({ '/zookeeper': {}, '/zookeeper/config': { mtime } })
    expect(differences(at(1n), at(2n))).toEqual([])
    const holding = (data: string): Readonly<Record<string, Sketch>> => ({ '/zookeeper': {}, '/zookeeper/config': { data } })
    expect(differences(holding('server.1=a\nserver.2=b'), holding('server.2=b\nserver.1=a'))).toEqual([])
    expect(differences(holding('server.1=a\nserver.2=b'), holding('server.2=b\nserver.1=c'))).toHaveLength(1)
    expect(differences({ '/zookeeper': { mtime: 1n } }, { '/zookeeper': { mtime: 2n } })).toHaveLength(1)
  })
})

describe('patterns of names', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abbcd', false],
    ['*.log', 'x.log', true],
    ['a?c', 'aüc', true],
    ['a?c', 'ac', false],
    ['**a**', 'bab', true],
    ['a*b*c', 'a1b2b3c', true],
    ['', 'a', false],
  ])('%s and %s', (pattern, name, matches) => {
    const bytes = utf8(`/${name}/`)
    expect(new NamePattern(pattern).matches(bytes, 1, bytes.length - 1)).toBe(matches)
  })

  it('cannot be made to take long', () => {
    const name = utf8('a'.repeat(5000))
    expect(new NamePattern(`${'a*'.repeat(500)}b`).matches(name, 0, name.length)).toBe(false)
  })
})

it('a client sees twice the creations less the children, in 32 bits', () => {
  expect(clientCversion(7, 6)).toBe(8)
  expect(clientCversion(0x7fffffff, 1)).toBe(-3)
})
