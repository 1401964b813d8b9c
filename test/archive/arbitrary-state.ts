import fc from 'fast-check'
import { encodePath } from '../../src/model/znode-path.ts'
import { toZxid } from '../../src/model/zxid.ts'
import type { NodeRecord } from '../../src/model/node-record.ts'
import { openAclVector } from '../../src/archive/state-format.ts'
import type { Stat } from '../../src/model/stat.ts'
import { PlainTree } from './plain-tree.ts'

const extremes = [
  0n,
  1n,
  -1n,
  (1n << 63n) - 1n,
  -(1n << 63n),
  1n << 32n,
  (1n << 32n) - 1n,
  -(1n << 32n),
  0x7fffffffn,
  0x80000000n,
  -0x80000000n,
]
const long = fc.oneof(
  fc.constantFrom(...extremes),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: 0n, max: 300n }),
)
const int = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000), fc.integer(), fc.nat(300))
const zxid = long.map(toZxid)

const name = fc.oneof(
  fc.constantFrom('-', 'a', 'b', 'c!', 'lock-0000000001', 'ünï', '日本', ' ', 'x'.repeat(300), 'config', 'quota'),
  fc.stringMatching(/^[a-z0-9]{1,6}$/),
)

const data = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 1).map((n) => new Uint8Array(n).fill(n)),
  },
)

const acl = fc.oneof(fc.constant(openAclVector), fc.uint8Array({ minLength: 4, maxLength: 40 }))

const plainStat: fc.Arbitrary<Stat> = fc.record({
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
})

const plainNode = fc.record({ data, stat: plainStat, acl: fc.nat(8) })

export interface PlainState {
  readonly names: string[][]
  readonly nodes: { data: Uint8Array | null; stat: Stat; acl: number }[]
  readonly acls: Uint8Array[]
  readonly sessions: [bigint, number][]
}

/** Any state: nodes by path (parents always there), ACL vectors by number, sessions. Entry number `acls.length` and above dangle. */
export const arbitraryState: fc.Arbitrary<PlainState> = fc.record({
  names: fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { maxLength: 60 }),
  nodes: fc.array(plainNode, { minLength: 1, maxLength: 80 }),
  acls: fc.array(acl, { maxLength: 6 }),
  sessions: fc.uniqueArray(fc.tuple(long, int), { selector: ([id]) => id, maxLength: 20 }),
})

export function pathsOf(state: PlainState): Uint8Array[] {
  const paths = new Set<string>(['/', '/zookeeper', '/zookeeper/config'])
  for (const parts of state.names) for (let depth = 1; depth <= parts.length; depth++) paths.add('/' + parts.slice(0, depth).join('/'))
  return Array.from(paths, encodePath)
}

/** The state as one server would hold it: `numbering` decides the order of nodes and the keys of ACLs. */
export function treeOf(state: PlainState, numbering: { order: 'forward' | 'backward'; keyBase: bigint }): PlainTree {
  const tree = new PlainTree()
  for (const [i, vector] of state.acls.entries()) tree.acls.set(numbering.keyBase + BigInt(i), vector)
  const paths = pathsOf(state)
  const nodes: NodeRecord[] = paths.map((path, i) => {
    const { data, stat, acl } = state.nodes[i % state.nodes.length]
    const aclKey = acl === 8 ? -1n : acl < state.acls.length ? numbering.keyBase + BigInt(acl) : BigInt(acl)
    return { path, data, aclKey, stat }
  })
  if (numbering.order === 'backward') nodes.reverse()
  for (const node of nodes) tree.add(node)
  const sessions = numbering.order === 'backward' ? state.sessions.toReversed() : state.sessions
  for (const [id, timeoutMs] of sessions) tree.sessionMap.set(id, timeoutMs)
  return tree
}
