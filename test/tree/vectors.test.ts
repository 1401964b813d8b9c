import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readSnapshot } from '../../src/formats/snapshot-reader.ts'
import { readTxnLog } from '../../src/formats/txn-log-reader.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { aclHex } from './plain-server.ts'
import { describeNode, describeTree } from './tree-text.ts'

/**
 * Data directories of real servers, and the states that ZooKeeper's own classes made of them (provenance.json beside each). Every snapshot
 * is replayed to every state behind it: all must be equal, although the snapshots are fuzzy and the oracle began from one of them.
 */
const root = new URL('../vectors/zookeeper/', import.meta.url).pathname
const directories = readdirSync(root)
  .flatMap((version) => readdirSync(join(root, version)).map((scenario) => join(root, version, scenario)))
  .filter((each) => existsSync(join(each, 'expected.ndjson.gz')))

interface ExpectedNode {
  readonly path: string
  readonly data: string | null
  readonly acl: readonly { readonly perms: number; readonly scheme: string; readonly id: string }[] | null
  readonly [field: string]: unknown
}

interface ExpectedState {
  readonly zxid: bigint
  readonly digest?: bigint
  /** The oracle itself began with a snapshot that was not settled there: it shows later txns. */
  readonly isFuzzy: boolean
  readonly lines: string[]
}

describe.each(directories)('%s', (directory) => {
  const version2 = join(directory, 'version-2')
  const files = readdirSync(version2)
  const states = readStates(join(directory, 'expected.ndjson.gz'))
  const snapshots = files.filter((name) => name.startsWith('snapshot.'))

  it('has snapshots and states', () => {
    expect(snapshots.length).toBeGreaterThan(0)
    expect(states.length).toBeGreaterThan(0)
  })

  it.each(snapshots)(
    '%s replays to every later state with no difference, and every digest behind the settled zxid matches',
    async (name) => {
      const txns = await readLogs(version2, files)
      const { tree, hasDigest } = await load(join(version2, name))
      const from = tree.lastZxid
      let settled: bigint | undefined = hasDigest ? undefined : tree.maxZxidLoaded
      let compared = 0
      const later = states.filter((state) => state.zxid > from && !state.isFuzzy)
      for (const bytes of txns) {
        const zxid = Buffer.from(bytes).readBigInt64BE(12)
        if (zxid <= from) continue
        const { verdict, reason, digest } = tree.applyTxn(bytes, 0, bytes.length)
        const wasSettled = settled !== undefined && zxid > settled
        if (digest === 'match') settled ??= zxid
        if (wasSettled) {
          expect({ zxid, verdict, mismatch: digest === 'mismatch' }, reason).toEqual({
            zxid,
            verdict: reason === 'acl-ahead' ? 'settling' : 'applied',
            mismatch: false,
          })
        }
        for (const state of later.filter((each) => each.zxid === zxid && settled !== undefined && zxid >= settled)) {
          expect(describeTree(tree)).toEqual(state.lines)
          if (state.digest !== undefined) expect(tree.digest()).toBe(state.digest)
          compared++
        }
      }
      if (later.length > 0) expect(compared).toBeGreaterThan(0)
      expect(tree.danglingAcls()).toEqual([])
    },
  )
})

async function readLogs(directory: string, files: readonly string[]): Promise<Uint8Array[]> {
  const logs = files.filter((name) => name.startsWith('log.')).sort((a, b) => (zxidOfName(a) < zxidOfName(b) ? -1 : 1))
  const txns: Uint8Array[] = []
  for (const log of logs) {
    await readTxnLog(join(directory, log), {
      txns(window, starts, ends, count) {
        for (let i = 0; i < count; i++) txns.push(window.slice(starts[i], ends[i]))
      },
    })
  }
  return txns
}

async function load(path: string): Promise<{ tree: DataTree; hasDigest: boolean }> {
  const tree = new DataTree()
  const sink = {
    session: (hi: number, lo: number, timeoutMs: number) => tree.addSession(hi, lo, timeoutMs),
    acl: (hi: number, lo: number, bytes: Uint8Array, start: number, end: number) => tree.addAcl(hi, lo, bytes, start, end),
    records: (window: Uint8Array, starts: Uint32Array, count: number) => tree.adoptRecords(window, starts, count),
  }
  const summary = await readSnapshot(path, sink, { adopt: 'windows' })
  tree.finishLoad(toZxid(zxidOfName(basename(path))), { quotaStats: 'recount' })
  return { tree, hasDigest: summary.digest !== undefined }
}

function zxidOfName(name: string): bigint {
  return BigInt(`0x${name.split('.')[1]}`)
}

/** Lines of a head and its znodes, several times over. */
function readStates(path: string): ExpectedState[] {
  const states: { head: Record<string, unknown>; nodes: ExpectedNode[] }[] = []
  for (const line of gunzipSync(readFileSync(path)).toString().trimEnd().split('\n')) {
    const value = JSON.parse(line)
    if ('znodeCount' in value) states.push({ head: value, nodes: [] })
    else states[states.length - 1].nodes.push(value)
  }
  return states.map(({ head, nodes }) => {
    const sessions = (head['sessions'] as { id: string; timeout: number }[]).map((each) => ({ ...each, id: BigInt(each.id) }))
    sessions.sort((a, b) => (a.id < b.id ? -1 : 1))
    return {
      zxid: BigInt(head['zxid'] as string),
      ...(head['digest'] === undefined ? {} : { digest: BigInt(head['digest'] as string) }),
      isFuzzy: typeof head['settledZxid'] === 'string' || nodes.some((node) => newestZxid(node) > BigInt(head['zxid'] as string)),
      lines: [...nodes.sort(byTreeOrder).map(lineOf), ...sessions.map(({ id, timeout }) => `session ${id.toString(16)} ${timeout}`)],
    }
  })
}

function newestZxid(node: ExpectedNode): bigint {
  const zxids = ['czxid', 'mzxid', 'pzxid'].map((field) => BigInt(node[field] as string))
  return zxids.reduce((a, b) => (a > b ? a : b))
}

function byTreeOrder(a: ExpectedNode, b: ExpectedNode): number {
  const key = (node: ExpectedNode): Buffer => Buffer.from(node.path === '/' ? '' : node.path.replaceAll('/', '\0'))
  return Buffer.compare(key(a), key(b))
}

function lineOf(node: ExpectedNode): string {
  const long = (field: string): bigint => BigInt(node[field] as string)
  return describeNode(
    node.path,
    node.data === null ? null : Buffer.from(node.data, 'base64').toString('latin1'),
    node.acl === null ? 'dangling' : aclHex(node.acl.map(({ perms, scheme, id }) => `${perms} ${scheme} ${id}`)),
    {
      czxid: long('czxid'),
      mzxid: long('mzxid'),
      ctime: long('ctime'),
      mtime: long('mtime'),
      pzxid: long('pzxid'),
      ephemeralOwner: long('ephemeralOwner'),
      version: node['version'] as number,
      cversion: node['cversion'] as number,
      aversion: node['aversion'] as number,
    },
  )
}
