/** `restore --exact` to random zxids of a run, against what ZooKeeper's own classes make of the kept files. */
import { spawnSync } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type History, newestTimeline, readHistory } from '../../../src/archive/history.ts'
import { resolvePoint } from '../../../src/archive/resolve-point.ts'
import { planRestore, type RestorePlan } from '../../../src/engine/plan-restore.ts'
import { openToRead } from '../../../src/engine/repository-place.ts'
import { restore, type RestoreReport } from '../../../src/engine/restore.ts'
import { readSnapshot } from '../../../src/formats/snapshot-reader.ts'
import { readTxnLog } from '../../../src/formats/txn-log-reader.ts'
import { longAt } from '../../../src/jute/long.ts'
import { decodeNodeRecord } from '../../../src/model/node-record.ts'
import { txnLayout } from '../../../src/model/txn-layout.ts'
import { firstZxidOfEpoch, follows, formatZxid, toZxid, type Zxid } from '../../../src/model/zxid.ts'
import { type DumpedState, oracleStateFiles, readDump } from '../testbed/helpers.ts'
import { compareDumps } from './compare-dumps.ts'
import { filesOf } from './keep-files.ts'
import { engineContext, type LiveRun, type RunServer } from './live-run.ts'
import { SeededRandom } from './random.ts'
import { dumpRestored, writeEmptySnapshot } from './restored-states.ts'

const bin = fileURLToPath(new URL('../../../bin/zooark.mjs', import.meta.url))

export interface ExactProof {
  readonly zxids: number
  readonly znodes: number
  readonly sessions: number
  /** States that carry a digest of ZooKeeper's, and it was equal. */
  readonly digests: number
  readonly txnsReplayed: number
  readonly differences: readonly string[]
  /** States whose /zookeeper/config is not the witness's but one that the server itself wrote to a snapshot of its own. */
  readonly ownConfigs: number
  /** Of the oracle itself: must be 0, or it is no oracle. */
  readonly oracleMismatches: number
}

interface Restored {
  readonly name: string
  readonly server: RunServer
  readonly zxid: Zxid
  readonly directory: string
  readonly report: RestoreReport | undefined
}

/** @param options.cli every so many of the restores go through the command line, 0 none */
export async function proveExactStates(
  run: LiveRun,
  options: { readonly count: number; readonly cli: number },
  directory: string,
): Promise<ExactProof> {
  const random = new SeededRandom(run.seed)
  const restored: Restored[] = []
  for (const [i, server] of run.servers.entries()) {
    const share = Math.ceil((options.count - i) / run.servers.length)
    const chosen = random.sample(await reachableZxids(server), share)
    for (const [k, zxid] of chosen.entries()) {
      const name = `${server.id}-${zxid.toString(16)}`
      const to = join(directory, name)
      const isCli = options.cli > 0 && k % options.cli === options.cli - 1
      const report = isCli ? restoreByCommand(server, zxid, to) : await restoreTo(server.repository, formatZxid(zxid), 'exact', to)
      restored.push({ name, server, zxid, directory: to, report })
    }
  }
  const expected = await oracleOf(run, [...new Set(restored.map(({ zxid }) => zxid))], join(directory, 'oracle'))
  const found = await dumpRestored(run.version, restored, join(directory, 'found'))
  const proof = {
    zxids: 0,
    znodes: 0,
    sessions: 0,
    digests: 0,
    txnsReplayed: 0,
    differences: [] as string[],
    ownConfigs: 0,
    oracleMismatches: 0,
  }
  for (const [i, each] of restored.entries()) {
    const oracle = expected.get(each.zxid)!
    const state = await readDump(found[i]!)
    if (run.shape === 'ensemble' && (await isOwnConfig(each, oracle, state))) proof.ownConfigs++
    const seen = run.shape === 'ensemble' ? [oracle, state].map(withoutOwn) : [oracle, state]
    for (const difference of compareDumps(seen[0]!, seen[1]!)) proof.differences.push(`${each.name} ${difference}`)
    if (each.report !== undefined && oracle.head.digest !== undefined && each.report.digest !== oracle.head.digest)
      proof.differences.push(`${each.name} reported digest ${each.report.digest}, expected ${oracle.head.digest}`)
    proof.zxids++
    proof.znodes += state.nodes.length
    proof.sessions += state.head.sessions?.length ?? 0
    if (oracle.head.digest !== undefined) proof.digests++
    proof.txnsReplayed += each.report?.txnsApplied ?? 0
    proof.oracleMismatches += oracle.head.digestMismatches ?? 0
    await rm(each.directory, { recursive: true })
  }
  return proof
}

const configPath = '/zookeeper/config'

/**
 * Each server of an ensemble writes its configuration to /zookeeper/config when it starts and after it has synchronised with a leader, and no txn
 * tells of it: with its own time, the members in the order in which it happens to hold them, and not always the newest. So another server's files
 * do not say what stands there; `isOwnConfig` does.
 */
function withoutOwn(state: DumpedState): DumpedState {
  const nodes = state.nodes.map((node) => (node.path === configPath ? { ...node, data: 'own', mtime: 'own', mzxid: 'own' } : node))
  return { ...state, nodes }
}

/** @throws when what was found is neither the witness's configuration nor one of the server itself */
async function isOwnConfig({ name, server, zxid }: Restored, expected: DumpedState, found: DumpedState): Promise<boolean> {
  const config = configOf(found)
  if (config === configOf(expected)) return false
  const own = new Set<string>()
  for (const snapshot of filesOf(await readdir(server.kept), 'snapshot.')) {
    if (snapshot.zxid > zxid) break
    await readSnapshot(join(server.kept, snapshot.name), {
      records: (window, starts, count) => {
        for (let i = 0; i < count; i++) {
          const { path, data, stat } = decodeNodeRecord(window, starts[i]!, starts[i + 1]!)
          if (Buffer.from(path).toString() === configPath) own.add(configText(formatZxid(toZxid(stat.mzxid)), Buffer.from(data ?? [])))
        }
      },
    })
  }
  if (!own.has(config)) throw new Error(`${name}: ${configPath} is of no server:\n${config}\nthe witness has\n${configOf(expected)}`)
  return true
}

function configOf({ nodes }: DumpedState): string {
  const node = nodes.find(({ path }) => path === configPath)
  return node === undefined ? 'none' : configText(node.mzxid, Buffer.from(node.data ?? '', 'base64'))
}

function configText(mzxid: string, data: Buffer): string {
  return `${mzxid} ${data.toString().split('\n').toSorted().join('\n')}`
}

export async function restoreTo(
  repositoryDirectory: string,
  at: string,
  mode: RestorePlan['mode'],
  to: string,
  servers: readonly string[] | null = null,
): Promise<RestoreReport> {
  const context = engineContext()
  const repository = await openToRead(repositoryDirectory, context)
  const history = await readHistory(repository)
  const point = await resolvePoint(history, repository, at, context.clock.nowMs())
  const target = { directory: to, logDirectory: null, servers }
  return restore(planRestore(history, repository.id, point, { repository: repositoryDirectory, mode, target }), repository, context)
}

function restoreByCommand(server: RunServer, zxid: Zxid, to: string): undefined {
  const args = ['restore', '--repo', server.repository, '--at', formatZxid(zxid), '--exact', '--yes', '--to', `file:${to}`]
  const { status, stderr, stdout } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`zooark ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
}

/** Every txn that the server's repository can go back to, as the kept logs and the repository's intervals say. */
export async function reachableZxids(server: RunServer): Promise<Zxid[]> {
  const { intervals } = newestTimeline(await historyOf(server))!
  const zxids = await loggedZxids(server.kept)
  return zxids.filter((zxid) => intervals.some(({ from, through }) => from <= zxid && zxid <= through))
}

export async function historyOf({ repository }: RunServer): Promise<History> {
  return readHistory(await openToRead(repository, engineContext()))
}

export interface SeenGap {
  readonly server: number
  readonly after: string
  readonly before: string
  readonly cause: string
  /** Txns of the gap that the server did log: a backup in time would have had them. */
  readonly missed: number
}

/** The gaps of all repositories of a run, held against the logs that were kept. */
export async function gapsOf(run: LiveRun): Promise<SeenGap[]> {
  const gaps: SeenGap[] = []
  for (const server of run.servers) {
    const logged = await loggedZxids(server.kept)
    for (const { after, before, cause } of newestTimeline(await historyOf(server))!.gaps) {
      const missed = logged.filter((zxid) => after < zxid && zxid < before).length
      gaps.push({ server: server.id, after: formatZxid(after), before: formatZxid(before), cause, missed })
    }
  }
  return gaps
}

/** Zxids of all logs of a directory, ascending. */
export async function loggedZxids(version2: string): Promise<Zxid[]> {
  const zxids: Zxid[] = []
  for (const { name } of filesOf(await readdir(version2), 'log.')) {
    await readTxnLog(join(version2, name), {
      txns: (window, starts, _ends, count) => {
        for (let i = 0; i < count; i++) zxids.push(toZxid(longAt(window, starts[i]! + txnLayout.zxid)))
      },
    })
  }
  return zxids
}

/**
 * The oracle's states: from the oldest snapshot of the server that ran all the time, made before the first txn, over all of its logs.
 * @throws when that server's files are not the whole story
 */
export async function oracleOf(run: LiveRun, zxids: readonly Zxid[], out: string): Promise<Map<Zxid, DumpedState>> {
  const server = run.servers.find(({ wasKilled }) => !wasKilled)!
  const logged = await loggedZxids(server.kept)
  const snapshot = join(server.kept, await oldestSnapshot(run, server, logged[0]!))
  for (const [i, zxid] of logged.entries())
    if (i > 0 && !follows(logged[i - 1]!, zxid)) throw new Error(`the oracle's logs leave out what is before ${formatZxid(zxid)}`)
  const at = zxids.toSorted((a, b) => (a < b ? -1 : 1)).map(formatZxid)
  const files = await oracleStateFiles({ version: run.version, snapDir: server.kept, at, snapshot, heapMb: 256 }, out)
  const states = await Promise.all(files.map(readDump))
  return new Map(states.map((state, i) => [BigInt(at[i]!) as Zxid, state]))
}

/** Nothing was going on when it was taken, so it is no fuzzy one. */
async function oldestSnapshot(run: LiveRun, server: RunServer, firstLogged: Zxid): Promise<string> {
  const oldest = filesOf(await readdir(server.kept), 'snapshot.')[0]
  if (oldest !== undefined && oldest.zxid < firstLogged) return oldest.name
  const isVeryFirst = firstLogged === 1n || firstLogged === firstZxidOfEpoch(1n) + 1n
  if (!isVeryFirst) throw new Error('the oracle has no snapshot from before the first txn')
  await writeEmptySnapshot(run.version, join(server.kept, 'snapshot.0'))
  return 'snapshot.0'
}
