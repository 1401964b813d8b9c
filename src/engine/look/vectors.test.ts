import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatPerms } from '../../model/acl.ts'
import { formatSessionId, toSessionId } from '../../model/session-id.ts'
import { formatPath } from '../../model/znode-path.ts'
import { formatZxid, parseZxid } from '../../model/zxid.ts'
import { openDataDirectory } from '../../source/data-directory.ts'
import { replayFiles } from '../../source/replay-files.ts'
import { readChangeLog } from './change-log.ts'
import type { ZnodeChange } from './change-tracker.ts'
import { dumpFile } from './dump-file.ts'
import { FilesHistory } from './files-history.ts'
import { parseHistoryBounds } from './history-bounds.ts'
import { inspectFile } from './inspect-file.ts'
import { salvageFile } from './salvage-file.ts'
import { TreeView } from './tree-view.ts'
import { ZnodeSelection } from './znode-selection.ts'

/** What ZooKeeper's own classes made of the same files: see test/real/testbed/java/Oracle.java. */
interface OracleState {
  readonly zxid: string
  readonly sessions: readonly { readonly id: string; readonly timeout: number }[]
  readonly digest?: string
  /** The file that the oracle began with. */
  readonly snapshot: string
}

interface Provenance {
  /** From `settledZxid` on the snapshot and the logs are a state; null: the snapshot is one by itself. */
  readonly snapshots: readonly { readonly name: string; readonly settledZxid: string | null }[]
}

interface OracleNode {
  readonly path: string
  readonly data: string | null
  readonly acl: readonly { readonly perms: number; readonly scheme: string; readonly id: string }[] | null
  readonly czxid: string
  readonly mzxid: string
  readonly pzxid: string
  readonly ctime: string
  readonly mtime: string
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: string
}

interface OracleTxn {
  readonly log: string
  readonly zxid: string
  readonly type: number
  readonly session: string
  readonly cxid: number
  readonly time: string
  readonly digest?: string
  readonly record: string | null
  readonly body?: string | null
}

interface PrintedRecord {
  readonly kind: string
  readonly offset: number
  readonly [name: string]: unknown
}

const vectors = fileURLToPath(new URL('../../../test/vectors/zookeeper', import.meta.url))
const folders = readdirSync(vectors).flatMap((version) => readdirSync(join(vectors, version)).map((name) => join(version, name)))

async function recordsOf(file: string): Promise<PrintedRecord[]> {
  const parts: Buffer[] = []
  await dumpFile(file, { form: 'json' }, async (bytes) => {
    parts.push(Buffer.from(bytes))
  })
  const text = Buffer.concat(parts).toString('utf8')
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as PrintedRecord)
}

function statesOf(lines: readonly string[]): { head: OracleState; nodes: OracleNode[] }[] {
  const states: { head: OracleState; nodes: OracleNode[] }[] = []
  for (const line of lines) {
    const value = JSON.parse(line) as OracleState | OracleNode
    if ('path' in value) states.at(-1)?.nodes.push(value)
    else states.push({ head: value, nodes: [] })
  }
  return states
}

describe.each(folders)('vector %s', (folder) => {
  const directory = join(vectors, folder)
  const files = readdirSync(join(directory, 'version-2')).map((name) => join(directory, 'version-2', name))
  const linesOf = (name: string): string[] =>
    gunzipSync(readFileSync(join(directory, name)))
      .toString()
      .trimEnd()
      .split('\n')

  it('every transaction is printed as ZooKeeper reads it', async () => {
    const expected = linesOf('txns.ndjson.gz').map((line) => JSON.parse(line) as OracleTxn)
    const names = [...new Set(expected.map((txn) => txn.log))]
    for (const name of names) {
      const printed = await recordsOf(join(directory, 'version-2', name))
      const wanted = expected.filter((txn) => txn.log === name)
      expect(printed.map(({ zxid, session, cxid, time, digest }) => ({ zxid, session, cxid, time, digest }))).toEqual(
        wanted.map(({ zxid, session, cxid, time, digest }) => ({
          zxid,
          session,
          cxid,
          time: new Date(Number(time)).toISOString(),
          digest,
        })),
      )
      for (const [i, { body }] of wanted.entries()) {
        const { path, dataBase64 } = printed[i]
        if (typeof path !== 'string' || typeof body !== 'string') continue
        // A body begins with the path and, where there are data, goes on with them: i32 length and bytes each.
        const bytes = Buffer.from(body, 'base64')
        const pathEnd = 4 + bytes.readInt32BE(0)
        expect(bytes.subarray(4, pathEnd).toString('utf8')).toBe(path)
        if (typeof dataBase64 !== 'string') continue
        expect(bytes.subarray(pathEnd + 4, pathEnd + 4 + bytes.readInt32BE(pathEnd)).toString('base64')).toBe(dataBase64)
      }
    }
  })

  it('every state is shown as ZooKeeper replays it', async () => {
    const opened = await openDataDirectory(directory)
    try {
      const { snapshots } = JSON.parse(readFileSync(join(directory, 'provenance.json'), 'utf8')) as Provenance
      const states = statesOf(linesOf('expected.ndjson.gz')).filter(({ head, nodes }) => {
        const settled = snapshots.find(({ name }) => name === head.snapshot)?.settledZxid
        // The oracle shows a fuzzy snapshot as it is; that is no state.
        const isLater = (zxid: string): boolean => parseZxid(zxid) > parseZxid(head.zxid)
        if (nodes.some(({ mzxid, pzxid }) => isLater(mzxid) || isLater(pzxid))) return false
        return settled === null || settled === undefined || !isLater(settled)
      })
      expect(states.length).toBeGreaterThan(0)
      for (const { head, nodes } of states) {
        let replayed: Awaited<ReturnType<typeof replayFiles>>
        try {
          replayed = await replayFiles(opened, parseZxid(head.zxid))
        } catch (error) {
          // Where nothing proves a snapshot to be a state we refuse it, and must say why.
          expect(error).toMatchObject({ code: 'POINT_NOT_SETTLED' })
          continue
        }
        const view = new TreeView(replayed.tree, { description: folder, consistency: { class: replayed.consistency } })
        expect(await shownNodes(view)).toEqual(new Map(nodes.map((node) => [node.path, node])))
        const sessions = (await view.sessions()).map(({ id, timeoutMs }) => ({ id: formatSessionId(id), timeout: timeoutMs }))
        expect(sessions.toSorted(byId)).toEqual(head.sessions.toSorted(byId))
        if (head.digest !== undefined) expect(`0x${replayed.tree.digest().toString(16)}`).toBe(head.digest)
      }
    } finally {
      await opened.close()
    }
  })

  it('every file is whole to inspect and to salvage', async () => {
    for (const file of files.filter((name) => /(?:snapshot|log)\.[0-9a-f]+/.test(name))) {
      const report = await inspectFile(file)
      expect(report.findings.filter(({ severity }) => severity === 'damage')).toEqual([])
      expect(await salvageFile(file)).toMatchObject({ ok: true, lostBytes: 0, lost: [] })
    }
  })

  it('records of a snapshot say where they stand in its content', async () => {
    for (const file of files.filter((name) => /snapshot\.[0-9a-f]+$/.test(name))) {
      const bytes = readFileSync(file)
      const records = await recordsOf(file)
      const report = await inspectFile(file)
      expect(report.kind === 'snapshot' && report.facts.sessions + report.facts.acls + report.facts.znodes).toBe(records.length)
      for (const { kind, offset, path, session, aclKey } of records) {
        if (kind === 'session') expect(formatSessionId(toSessionId(bytes.readBigInt64BE(offset)))).toBe(session)
        if (kind === 'acl') expect(String(bytes.readBigInt64BE(offset))).toBe(aclKey)
        if (kind === 'znode') expect(formatPath(bytes.subarray(offset + 4, offset + 4 + bytes.readInt32BE(offset)))).toBe(path)
      }
    }
  })

  it('the changes told of a znode end in what the newest state holds of it', async () => {
    const opened = await openDataDirectory(directory)
    try {
      const { tree } = await replayFiles(opened, 'latest')
      const last = new Map<string, ZnodeChange>()
      const selection = new ZnodeSelection(new Uint8Array(0), 'subtree')
      const { changes, gaps } = await readChangeLog(
        new FilesHistory(opened),
        selection,
        { bounds: parseHistoryBounds(undefined, undefined, 0) },
        (change) => {
          last.set(formatPath(change.path), change)
        },
      )
      expect(changes).toBeGreaterThan(100)
      expect(gaps).toEqual([])
      for (const [path, change] of last) {
        // A server counts quotas by itself, without a transaction.
        if (path.startsWith('/zookeeper/quota/')) continue
        const index = tree.find(new TextEncoder().encode(path))
        expect([path, index >= 0]).toEqual([path, change.after !== undefined])
        if (index < 0) continue
        const { data, stat } = tree.node(index)
        // Nothing but a change of data sets the mzxid, and nothing but these sets the version.
        if (change.operation === 'setData') expect(formatZxid(stat.mzxid)).toBe(formatZxid(change.zxid))
        if (change.after?.data !== undefined) expect(base64(data)).toBe(base64(change.after.data))
        if (change.after?.version !== undefined) expect(stat.version).toBe(change.after.version)
        if (change.after?.aversion !== undefined) expect(stat.aversion).toBe(change.after.aversion)
      }
    } finally {
      await opened.close()
    }
  })
})

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)

const base64 = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('base64'))

/** All znodes of a view in the words of the oracle. */
async function shownNodes(view: TreeView): Promise<Map<string, OracleNode>> {
  const shown = new Map<string, OracleNode>()
  const paths: Uint8Array[] = []
  await view.walk(new Uint8Array(0), {}, ({ bytes, pathStart, pathEnd }) => {
    paths.push(bytes.slice(pathStart, pathEnd))
    return undefined
  })
  const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('utf8')
  for (const path of paths) {
    const znode = await view.lookup(path)
    if (znode === undefined) throw new Error(`a walk found ${formatPath(path)}, a lookup does not`)
    const { data, stat, acl } = znode
    expect(acl === 'dangling' || acl === null || acl.every((entry) => formatPerms(entry.perms) !== '')).toBe(true)
    shown.set(formatPath(path), {
      path: formatPath(path),
      data: base64(data),
      acl:
        acl === 'dangling' || acl === null
          ? null
          : acl.map((entry) => ({ perms: entry.perms, scheme: text(entry.scheme), id: text(entry.id) })),
      czxid: formatZxid(stat.czxid),
      mzxid: formatZxid(stat.mzxid),
      ctime: String(stat.ctime),
      mtime: String(stat.mtime),
      version: stat.version,
      cversion: stat.cversion,
      aversion: stat.aversion,
      ephemeralOwner: formatSessionId(toSessionId(stat.ephemeralOwner)),
      pzxid: formatZxid(stat.pzxid),
    })
  }
  return shown
}
