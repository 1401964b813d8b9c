import type { DataTree } from '../../src/tree/data-tree.ts'

/** Loads node records, one window for each, and ends the load. */
export function loadRecords(tree: DataTree, records: readonly Uint8Array[], zxid: bigint, quotaStats: 'keep' | 'recount' = 'keep'): void {
  const window = new Uint8Array(Buffer.concat(records))
  const starts = new Uint32Array(records.length + 1)
  records.forEach((record, i) => {
    starts[i + 1] = starts[i] + record.length
  })
  tree.adoptRecords(window, starts, records.length)
  tree.finishLoad(zxid as Parameters<DataTree['finishLoad']>[0], { quotaStats })
}

/** One line a znode, in tree order: everything that a snapshot holds, ACLs by value; then one line a session. */
export function describeTree(tree: DataTree): string[] {
  const lines = Array.from(tree.sortedNodes(), (index) => {
    const node = tree.node(index)
    const keyHi = Number(node.aclKey >> 32n)
    const acl = tree.aclBytes(keyHi, Number(BigInt.asIntN(32, node.aclKey)))
    return describeNode(
      Buffer.from(node.path).toString(),
      node.data === null ? null : Buffer.from(node.data).toString('latin1'),
      acl === undefined ? 'dangling' : Buffer.from(acl).toString('hex'),
      node.stat,
    )
  })
  for (const { id, timeoutMs } of tree.sessions()) lines.push(`session ${BigInt.asUintN(64, id).toString(16)} ${timeoutMs}`)
  return lines
}

export interface DescribedStat {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly pzxid: bigint
}

export function describeNode(path: string, data: string | null, acl: string, s: DescribedStat): string {
  const owner = BigInt.asUintN(64, s.ephemeralOwner).toString(16)
  const zxids = `c${s.czxid} m${s.mzxid} p${s.pzxid} ct${s.ctime} mt${s.mtime}`
  return `${path === '' ? '/' : path} ${data === null ? 'null' : JSON.stringify(data)} acl ${acl} ${zxids} v${s.version} cv${s.cversion} av${s.aversion} o${owner}`
}
