import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryState, treeOf } from '../../test/archive/arbitrary-state.ts'
import { MemoryChunks, PlainTree, plainLine } from '../../test/archive/plain-tree.ts'
import { toHex } from '../base/hex.ts'
import { zeroZxid } from '../model/zxid.ts'
import { diffStates } from './diff-states.ts'
import { loadState } from './load-state.ts'
import { hashOnlySink } from './state-ref.ts'
import { lookupNode, sizeOfSubtree, walkSubtree } from './walk-subtree.ts'
import { writeState } from './write-state.ts'

test('a state comes back as it was written, every field, whatever its values', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryState, async (state) => {
      const chunks = new MemoryChunks()
      const tree = treeOf(state, { order: 'forward', keyBase: 100n })
      const ref = await writeState(chunks, tree)
      const loaded = await loadState(chunks, ref, new PlainTree(), zeroZxid)
      expect(loaded.lines()).toEqual(tree.lines())
      expect(new Map([...loaded.sessionMap].sort())).toEqual(new Map([...tree.sessionMap].sort()))
      const again = await writeState(hashOnlySink, loaded)
      expect(toHex(again.stateRoot)).toBe(toHex(ref.stateRoot))
    }),
  )
})

test('the root depends neither on the order of the nodes nor on the numbers of the ACLs', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryState, async (state) => {
      const a = await writeState(hashOnlySink, treeOf(state, { order: 'forward', keyBase: 100n }))
      const b = await writeState(hashOnlySink, treeOf(state, { order: 'backward', keyBase: 7000n }))
      expect(toHex(a.stateRoot)).toBe(toHex(b.stateRoot))
    }),
  )
})

test('a diff of two states is the naive diff of their znodes, in tree order', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryState, arbitraryState, fc.boolean(), async (a, other, isRelated) => {
      const b = isRelated ? { ...a, nodes: [...a.nodes.slice(1), other.nodes[0]] } : { ...other, acls: a.acls }
      const chunks = new MemoryChunks()
      const [treeA, treeB] = [treeOf(a, { order: 'forward', keyBase: 100n }), treeOf(b, { order: 'forward', keyBase: 100n })]
      const [refA, refB] = [await writeState(chunks, treeA), await writeState(chunks, treeB)]
      const changes: string[] = []
      for await (const change of diffStates(chunks, refA, refB)) changes.push(`${change.change} ${toHex(change.path)}`)
      expect(changes).toEqual(naiveDiff(treeA, treeB))
    }),
  )
})

test('lookups, walks and sizes give what the whole state holds', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryState, fc.nat(4), async (state, depthMax) => {
      const chunks = new MemoryChunks()
      const tree = treeOf(state, { order: 'forward', keyBase: 100n })
      const ref = await writeState(chunks, tree)
      const nodes = Array.from(tree.sortedNodes(), (index) => tree.node(index))
      for (const node of nodes.slice(0, 12)) {
        const found = await lookupNode(chunks, ref, node.path)
        expect(found && plainLine(found, '')).toBe(plainLine(node, ''))
        const text = Buffer.from(node.path).toString('latin1')
        const below = nodes.filter(({ path }) => isBelow(text, Buffer.from(path).toString('latin1')))
        const near = below.filter(({ path }) => depth(path) - depth(node.path) <= depthMax)
        const walked: string[] = []
        for await (const { path } of walkSubtree(chunks, ref, node.path, { depthMax, data: 'inline' })) walked.push(toHex(path))
        expect(walked).toEqual(near.map(({ path }) => toHex(path)))
        const dataBytes = below.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
        expect(await sizeOfSubtree(chunks, ref, node.path)).toEqual({ znodes: below.length, dataBytes })
      }
      expect(await lookupNode(chunks, ref, Buffer.from('/no/such/znode'))).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})

function isBelow(path: string, candidate: string): boolean {
  return candidate === path || candidate.startsWith(`${path}/`)
}

function depth(path: Uint8Array): number {
  return path.filter((byte) => byte === 0x2f).length
}

function naiveDiff(a: PlainTree, b: PlainTree): string[] {
  const [before, after] = [linesByPath(a), linesByPath(b)]
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort(byTreeOrder)
  return paths.flatMap((path) => {
    const [x, y] = [before.get(path), after.get(path)]
    if (x === undefined) return [`created ${path}`]
    if (y === undefined) return [`deleted ${path}`]
    return x === y ? [] : [`changed ${path}`]
  })
}

/** Lines by hex path; the mtime of the config znode is no part of a state. */
function linesByPath(tree: PlainTree): Map<string, string> {
  const lines = tree.lines()
  return new Map(
    Array.from(tree.sortedNodes(), (index, i) => {
      const { path } = tree.node(index)
      const isConfig = Buffer.from(path).toString() === '/zookeeper/config'
      return [toHex(path), isConfig ? lines[i].split('|').toSpliced(7, 1).join('|') : lines[i]]
    }),
  )
}

/** Hex text of paths in tree order: the slash below everything. */
function byTreeOrder(a: string, b: string): number {
  const weigh = (hex: string) => (hex.match(/../g) ?? []).map((byte) => (byte === '2f' ? '00' : byte)).join('')
  return weigh(a) < weigh(b) ? -1 : weigh(a) > weigh(b) ? 1 : 0
}
