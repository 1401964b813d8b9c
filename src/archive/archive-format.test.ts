import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PlainTree, MemoryChunks } from '../../test/archive/plain-tree.ts'
import { fromHex, toHex } from '../base/hex.ts'
import { ZooArkError } from '../base/errors.ts'
import type { NodeRecord } from '../model/node-record.ts'
import { toZxid } from '../model/zxid.ts'
import { LeafColumns } from './leaf-reader.ts'
import { LeafWriter } from './leaf-writer.ts'
import { hashPath, RunningPathHash } from './path-hash.ts'
import { decodeBlockMeta, encodeBlockMeta } from './segment-format.ts'
import * as format from './state-format.ts'
import { decodeSessionList, decodeSessions, decodeTreeNode, encodeSessionList, encodeSessions, encodeTreeNode } from './tree-nodes.ts'
import { encodeNodeRecord } from '../model/node-record.ts'
import { loadState } from './load-state.ts'
import { expandLevel, readTop } from './state-reader.ts'
import type { StateRef } from './state-ref.ts'
import { writeState } from './write-state.ts'

const page = readFileSync(new URL('../../docs/formats/archive.md', import.meta.url), 'utf8')

/** The bytes of a worked example: on each line the words before the first that is not hexadecimal. */
function example(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\n([^\`]*)\`\`\``).exec(page)?.[1]
  if (block === undefined) throw new Error(`no example ${name}`)
  return fromHex(block.split('\n').map(hexWords).join(''))
}

function hexWords(line: string): string {
  const words = line.trim().split(/\s+/)
  const end = words.findIndex((word) => !/^([0-9a-f]{2})+$/.test(word))
  return words.slice(0, end < 0 ? words.length : end).join('')
}

const zeroStat = {
  czxid: toZxid(0n),
  mzxid: toZxid(0n),
  pzxid: toZxid(0n),
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
}

const exampleNodes: NodeRecord[] = [
  { path: new Uint8Array(0), data: new Uint8Array(0), aclKey: -1n, stat: zeroStat },
  {
    path: Buffer.from('/a'),
    data: Buffer.from('hi'),
    aclKey: -1n,
    stat: {
      ...zeroStat,
      czxid: toZxid(0x100000002n),
      mzxid: toZxid(0x100000003n),
      pzxid: toZxid(0x100000002n),
      ctime: 1000n,
      mtime: 1005n,
      version: 1,
    },
  },
]

const exampleNode = {
  level: 1,
  children: [
    { first: new Uint8Array(0), id: new Uint8Array(32).fill(0xaa), znodes: 32, dataBytes: 300 },
    { first: Buffer.from('/a/b'), id: new Uint8Array(32).fill(0xbb), znodes: 20, dataBytes: 0 },
  ],
}

describe('docs/formats/archive.md', () => {
  test('gives the numbers that the code has', () => {
    const rows = [...page.matchAll(/^\| ([a-zA-Z]+) \| (\d+) \| \S/gm)].map(([, name, value]) => [name, Number(value)])
    expect(rows.length).toBe(9)
    for (const [name, value] of rows)
      expect([name, new Map<string, unknown>(Object.entries(format)).get(String(name))]).toEqual([name, value])
    expect(page).toContain(JSON.stringify(format.stateRootDomain))
  })

  test('gives the path hashes that the code makes', () => {
    const rows = [...page.matchAll(/^\| (\(empty\)|`[^`]*`) \| (0x[0-9a-f]{8}) \|$/gm)]
    expect(rows.length).toBe(3)
    for (const [, path, hash] of rows) expect(hashPath(Buffer.from(path === '(empty)' ? '' : path.slice(1, -1)))).toBe(Number(hash))
  })

  test('shows a leaf as it is written', () => {
    const writer = new LeafWriter(
      () => undefined,
      () => new Uint8Array(32),
    )
    for (const node of exampleNodes) writer.add(encodeNodeRecord(node), 0)
    expect(toHex(writer.encode())).toBe(toHex(example('leaf')))
  })

  test('shows a leaf as it is read', () => {
    const leaf = new LeafColumns()
    leaf.decode(example('leaf'))
    expect(leaf.count).toBe(2)
    expect(Array.from(leaf.pathLengths.subarray(0, 2))).toEqual([0, 2])
    expect([leaf.czxid.hi[1], leaf.czxid.lo[1], leaf.mzxid.lo[1], leaf.ctime.lo[1], leaf.mtime.lo[1]]).toEqual([1, 2, 3, 1000, 1005])
    expect(Array.from(leaf.dataLengths.subarray(0, 2))).toEqual([0, 2])
    expect(leaf.version[1]).toBe(1)
  })

  test('shows a node as it is written and read', () => {
    expect(toHex(encodeTreeNode(exampleNode))).toBe(toHex(example('node')))
    const { level, children } = decodeTreeNode(example('node'))
    expect(level).toBe(1)
    expect(children.map((child) => [toHex(child.first), toHex(child.id), child.znodes, child.dataBytes])).toEqual(
      exampleNode.children.map((child) => [toHex(child.first), toHex(child.id), child.znodes, child.dataBytes]),
    )
  })

  test('shows the meta of a txn block as it is written and read', () => {
    const hashes = Uint32Array.of(hashPath(Buffer.from('/a')))
    const meta = { count: 2, firstHi: 1, firstLo: 1, lastHi: 1, lastLo: 2, maxTimeMs: 1000, isOpaque: false, hashes }
    expect(toHex(encodeBlockMeta(meta))).toBe(toHex(example('meta')))
    expect(decodeBlockMeta(example('meta'))).toEqual({
      count: 2,
      first: 0x100000001n,
      last: 0x100000002n,
      maxTimeMs: 1000,
      isOpaque: false,
      hashes,
    })
  })
})

describe('hostile chunks', () => {
  const sessions = [
    { idHi: 0x10000, idLo: 5, timeoutMs: 4000 },
    { idHi: -1, idLo: -1, timeoutMs: -1 },
  ]
  const list = [{ id: new Uint8Array(32).fill(1), sessions: 2 }]
  const kinds: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ['leaf', example('leaf'), readLeaf],
    ['node', example('node'), decodeTreeNode],
    ['sessions', encodeSessions(sessions).slice(), decodeSessions],
    ['session list', encodeSessionList(list).slice(), decodeSessionList],
  ]

  test('sessions come back as they were', () => {
    expect(decodeSessions(encodeSessions(sessions))).toEqual(sessions)
    expect(decodeSessionList(encodeSessionList(list))).toEqual(list)
  })

  test.each(kinds)('a %s that is cut anywhere, or longer, is refused', (_, bytes, decode) => {
    for (let end = 0; end < bytes.length; end++)
      expect(failureOf(decode, bytes.subarray(0, end))).toMatchObject({ code: 'REPOSITORY_DAMAGED' })
    expect(failureOf(decode, Uint8Array.of(...bytes, 0))).toMatchObject({ code: 'REPOSITORY_DAMAGED' })
  })

  test.each(kinds)('a %s with any flipped bit is read or refused, never anything else', (_, bytes, decode) => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      const failure = failureOf(decode, damaged)
      if (failure !== undefined) expect(failure).toBeInstanceOf(ZooArkError)
    }
  })

  test.each(kinds)('a %s with huge lengths in place of any byte is refused without taking memory for them', (_, bytes, decode) => {
    const huge = fromHex('ffffffffffffffffff01')
    for (let at = 2; at < bytes.length; at++) {
      const damaged = Uint8Array.of(...bytes.subarray(0, at), ...huge, ...bytes.subarray(at + 1))
      const failure = failureOf(decode, damaged)
      if (failure !== undefined) expect(failure).toBeInstanceOf(ZooArkError)
    }
  })

  test.each(kinds)('a %s of a later version is refused as too new', (_, bytes, decode) => {
    const later = bytes.slice()
    later[0] = 2
    expect(failureOf(decode, later)).toMatchObject({ code: 'REPOSITORY_FORMAT_TOO_NEW' })
  })
})

function readLeaf(bytes: Uint8Array): void {
  const leaf = new LeafColumns()
  leaf.decode(bytes)
  const into = new Uint8Array(leaf.pathBytes)
  for (let i = 0, at = 0, previous = 0; i < leaf.count; i++) {
    leaf.copyPath(i, into, at, previous)
    previous = at
    at += leaf.pathLengths[i]
  }
}

function failureOf(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    decode(bytes)
  } catch (error) {
    return error
  }
  return undefined
}

describe('the shape of the tree', () => {
  function bigTree(count: number): PlainTree {
    const tree = new PlainTree()
    tree.add(exampleNodes[0])
    for (let i = 0; i < count; i++) tree.add({ ...exampleNodes[1], path: Buffer.from(`/n-${i}`) })
    return tree
  }

  test('a change of one znode changes one chunk a level', async () => {
    const chunks = new MemoryChunks()
    const tree = bigTree(5000)
    const before = await writeState(chunks, tree)
    const stored = chunks.stored.size
    tree.records[2500] = encodeNodeRecord({ ...tree.node(2500), data: Buffer.from('changed') })
    const after = await writeState(chunks, tree)
    expect(toHex(after.treeRoot)).not.toBe(toHex(before.treeRoot))
    expect(chunks.stored.size - stored).toBeGreaterThan(1)
    expect(chunks.stored.size - stored).toBeLessThanOrEqual(5)
  })

  test('a new znode changes few chunks', async () => {
    const chunks = new MemoryChunks()
    const tree = bigTree(5000)
    await writeState(chunks, tree)
    const stored = chunks.stored.size
    tree.add({ ...exampleNodes[1], path: Buffer.from('/n-25000') })
    await writeState(chunks, tree)
    expect(chunks.stored.size - stored).toBeLessThanOrEqual(12)
  })

  test('leaves have 32 znodes on average', async () => {
    const { leaves } = await writeState(new MemoryChunks(), bigTree(20_000))
    expect(20_000 / leaves).toBeGreaterThan(28)
    expect(20_000 / leaves).toBeLessThan(36)
  })

  test('leaves and nodes are cut where the page says', async () => {
    const chunks = new MemoryChunks()
    const tree = bigTree(12_000)
    const ref = await writeState(chunks, tree)
    const paths = Array.from(tree.sortedNodes(), (index) => Buffer.from(tree.node(index).path).toString())
    let expected = cut(
      paths.map((path) => ({ first: path, last: path })),
      (count, hash) => count === 256 || (count >= 16 && hash % 16n === 0n),
    )
    const levels: string[][] = [expected.map(({ first }) => first)]
    for (let level = 1n; expected.length > 1; level++) {
      const bits = (hash: bigint) => (hash >> (4n + 3n * (level - 1n))) & 7n
      expected = cut(expected, (count, hash) => count === 128 || (count >= 8 && bits(hash) === 0n))
      levels.unshift(expected.map(({ first }) => first))
    }
    const found: string[][] = []
    for (let run = await readTop(chunks, ref); ; run = await expandLevel(chunks, run)) {
      found.push(run.entries.map(({ first }) => Buffer.from(first).toString()))
      if (run.level === 0) break
    }
    expect(found).toEqual(levels)
    expect(levels.length).toBeGreaterThan(2)
  })

  interface Span {
    readonly first: string
    readonly last: string
  }

  /** Groups what ends where the rule says, by the hash of the last path. */
  function cut(spans: readonly Span[], ends: (count: number, hash: bigint) => boolean): Span[] {
    const groups: Span[] = []
    let open: Span[] = []
    for (const [i, span] of spans.entries()) {
      open.push(span)
      if (i + 1 < spans.length && !ends(open.length, slowHash(span.last))) continue
      groups.push({ first: open[0].first, last: span.last })
      open = []
    }
    return groups
  }

  /** The path hash as the page says it. */
  function slowHash(path: string): bigint {
    const mask = 0xffffffffn
    let h = 0x811c9dc5n
    for (const byte of Buffer.from(path)) h = ((h ^ BigInt(byte)) * 0x01000193n) & mask
    h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask
    h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask
    return h ^ (h >> 16n)
  }

  test('the running hash of paths in order is the hash of each path', () => {
    const running = new RunningPathHash()
    const paths = ['', '/a', '/a/b', '/a/bc', `/${'x'.repeat(5000)}`, `/${'x'.repeat(4999)}y`].map((text) => Buffer.from(text))
    let previous = Buffer.alloc(0)
    for (const path of paths) {
      let shared = 0
      while (shared < path.length && shared < previous.length && path[shared] === previous[shared]) shared++
      expect(running.next(path, 0, path.length, shared)).toBe(hashPath(path))
      previous = path
    }
  })
})

describe('the config znode', () => {
  const config = (lines: string, mtime: bigint): NodeRecord => ({
    path: Buffer.from('/zookeeper/config'),
    data: Buffer.from(lines),
    aclKey: -1n,
    stat: { ...zeroStat, mtime },
  })

  async function stateOf(node: NodeRecord): Promise<{ ref: StateRef; loaded: PlainTree }> {
    const tree = new PlainTree()
    tree.add(exampleNodes[0])
    tree.add(node)
    const chunks = new MemoryChunks()
    const ref = await writeState(chunks, tree)
    return { ref, loaded: await loadState(chunks, ref, new PlainTree(), toZxid(0n)) }
  }

  test.each([
    ['the order of its lines', 'server.2=b\nserver.1=a\nversion=5', 'server.1=a\nserver.2=b\nversion=5'],
    ['its mtime', 'server.1=a\nversion=5', 'server.1=a\nversion=5'],
    ['lines out of line', `${'x'.repeat(20_000)}\na`, `a\n${'x'.repeat(20_000)}`],
  ])('does not tell servers apart by %s, and comes back as it was', async (_, a, b) => {
    const one = await stateOf(config(a, 111n))
    const two = await stateOf(config(b, 222n))
    expect(toHex(one.ref.stateRoot)).toBe(toHex(two.ref.stateRoot))
    for (const [{ loaded }, data, mtime] of [[one, a, 111n] as const, [two, b, 222n] as const]) {
      const node = loaded.node(1)
      expect(Buffer.from(node.data ?? []).toString()).toBe(data)
      expect(node.stat.mtime).toBe(mtime)
    }
  })

  test('tells other lines apart', async () => {
    const one = await stateOf(config('server.1=a\nversion=5', 1n))
    const two = await stateOf(config('server.1=b\nversion=5', 1n))
    expect(toHex(one.ref.stateRoot)).not.toBe(toHex(two.ref.stateRoot))
  })
})
