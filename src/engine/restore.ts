import { isDeepStrictEqual } from 'node:util'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type History, readHistory } from '../archive/history.ts'
import { hashOnlySink } from '../archive/state-ref.ts'
import { writeState } from '../archive/write-state.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { parseZxid } from '../model/zxid.ts'
import type { Repository } from '../repository/types.ts'
import { checkRestoredZxid, compareWithTree, writeServerFiles } from '../target/server-files.ts'
import { checkEmptyTarget, stageDirectory, type StagingDirectory, targetError } from '../target/staging.ts'
import { dropEphemerals } from '../tree/drop-ephemerals.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { loadPoint } from './load-point.ts'
import { planRestore, type RestorePlan } from './plan-restore.ts'
import type { RunContext } from './run-context.ts'

export interface RestoreReport {
  readonly plan: RestorePlan
  /** Data directories that are there now. */
  readonly directories: readonly string[]
  readonly znodes: number
  readonly sessions: number
  /** Dropped by a client-safe restore. */
  readonly dropped: { readonly sessions: number; readonly ephemerals: number }
  /** State root at the point, before anything was dropped. */
  readonly pointRoot: string
  /** State root of what was written and read back. */
  readonly root: string
  /** ZooKeeper's digest of the same. */
  readonly digest: string
  readonly txnsApplied: number
  /** Comparisons with ZooKeeper's own digest on the way, all equal. */
  readonly digestsChecked: number
  readonly bytes: number
  /** What a person has to do next. */
  readonly steps: readonly string[]
}

/**
 * Runs a plan: the state is replayed and proved, staged beside the destination, read back, compared, and published by one rename.
 * @throws PLAN_STALE, TARGET_…, REPOSITORY_…, RESTORE_UNPROVED; the target is then as it was, unless the hint says that it is there already
 */
export async function restore(plan: RestorePlan, repository: Repository, context: RunContext): Promise<RestoreReport> {
  const history = await readHistory(repository)
  checkPlan(plan, history, repository)
  await checkTarget(plan)
  const point = { timeline: plan.point.timeline, zxid: parseZxid(plan.point.zxid) }
  const { tree, txns, digestsChecked } = await loadPoint(repository, history, point, context)
  const pointRoot = await rootOf(tree)
  checkDigest(plan, tree)
  const dropped = plan.mode === 'exact' ? { sessions: 0, ephemerals: 0 } : dropEphemerals(tree, parseZxid(plan.snapshotZxid))
  const written = await stageAndPublish(plan, tree, context)
  return {
    plan,
    ...written,
    znodes: tree.nodeCount,
    sessions: tree.sessionCount,
    dropped,
    pointRoot,
    root: plan.mode === 'exact' ? pointRoot : await rootOf(tree),
    digest: `0x${tree.digest().toString(16)}`,
    txnsApplied: txns,
    digestsChecked,
    steps: planSteps(plan),
  }
}

async function rootOf(tree: DataTree): Promise<string> {
  return toHex((await writeState(hashOnlySink, tree)).stateRoot)
}

/** The plan made from the repository as it is now must be the very same. */
function checkPlan(plan: RestorePlan, history: History, repository: Repository): void {
  const stale = (why: string): ZooArkError => new ZooArkError('PLAN_STALE', why, { place: { zxid: plan.point.zxid } })
  if (repository.id !== plan.repositoryId) throw stale('the repository is not the one that the plan was made for')
  const point = { asked: plan.point.asked, timeline: plan.point.timeline, zxid: parseZxid(plan.point.zxid) }
  const { mode, target } = plan
  const epochMin = mode === 'exact' ? {} : { epochMin: BigInt(plan.epoch) }
  const now = planRestore(history, repository.id, point, { repository: plan.repository, mode, target, ...epochMin })
  if (!isDeepStrictEqual(now, plan)) throw stale('the repository has changed since the plan was made')
}

/** @throws TARGET_NOT_EMPTY, TARGET_IN_USE, TARGET_UNWRITABLE */
export async function checkTarget({ target }: RestorePlan): Promise<void> {
  await checkEmptyTarget(target.directory)
  if (target.logDirectory !== null) await checkEmptyTarget(target.logDirectory)
}

function checkDigest({ digest, point }: RestorePlan, tree: DataTree): void {
  const found = `0x${tree.digest().toString(16)}`
  if (digest === null || digest === found) return
  throw new ZooArkError('REPOSITORY_DAMAGED', `the state at the point has the digest ${found}, the repository says ${digest}`, {
    place: { zxid: point.zxid },
  })
}

async function stageAndPublish(plan: RestorePlan, tree: DataTree, context: RunContext): Promise<{ directories: string[]; bytes: number }> {
  const staging = await stageDirectory(plan.target.directory, process.pid)
  try {
    const written = await fillStaging(staging, plan, tree, context)
    context.signal.throwIfAborted()
    await staging.publish()
    return written
  } catch (error) {
    // Why the restore failed is what has to be told; what stays behind is removed by the next one.
    await staging.discard().catch((left: unknown) => context.onNotice(`${staging.path} could not be removed: ${String(left)}`))
    throw error
  }
}

async function fillStaging(
  staging: StagingDirectory,
  plan: RestorePlan,
  tree: DataTree,
  context: RunContext,
): Promise<{ directories: string[]; bytes: number }> {
  const zxid = parseZxid(plan.snapshotZxid)
  const directories: string[] = []
  let bytes = 0
  for (const serverId of plan.target.servers ?? [null]) {
    context.signal.throwIfAborted()
    context.onProgress({
      step: serverId === null ? 'writing' : `writing server ${serverId}`,
      unit: 'znodes',
      done: tree.nodeCount,
      total: tree.nodeCount,
    })
    const name = serverId === null ? '' : `server-${serverId}`
    const dataDir = join(staging.path, name)
    if (serverId !== null) await makeDirectory(dataDir)
    const { snapshotPath, snapshotBytes } = await writeServerFiles(dataDir, {
      tree,
      zxid,
      trailers: plan.trailers,
      ...(serverId === null ? {} : { serverId }),
    })
    context.onProgress({ step: 'reading back', unit: 'znodes', done: tree.nodeCount, total: tree.nodeCount })
    checkRestoredZxid(await compareWithTree(snapshotPath, tree), zxid)
    directories.push(join(staging.destination, name))
    bytes += snapshotBytes
  }
  return { directories, bytes }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    throw targetError(error, path)
  }
}

/** What to do with the directories, in order. */
export function planSteps({ target, mode, epoch, snapshotZxid }: RestorePlan): string[] {
  const { servers, directory, logDirectory } = target
  const steps =
    servers === null
      ? [`Set dataDir=${directory} in zoo.cfg of the stopped server, or move its version-2 to the dataDir.`]
      : [
          'Stop every server of the ensemble; one that goes on with the old data would overrule the restored ones.',
          ...servers.map((id) => `Move ${join(directory, `server-${id}`)} to the dataDir of server ${id}; its myid is in it.`),
        ]
  steps.push(
    logDirectory === null
      ? 'If dataLogDir is set, it must be empty: a log in it would be replayed over the restored state.'
      : `Set dataLogDir=${logDirectory}; it is empty, as it must be.`,
  )
  steps.push(servers === null ? 'Start the server.' : 'Start all servers; a majority elects a leader.')
  steps.push('Each server writes its own configuration to /zookeeper/config when it starts; what stands there now is that of the source.')
  steps.push(
    mode === 'exact'
      ? exactStep(snapshotZxid, servers === null ? 'standalone' : 'ensemble')
      : `The servers go on from ${snapshotZxid} (epoch ${epoch}), later than anything seen before: clients of the old ensemble connect and open new sessions.`,
  )
  return steps
}

/** A standalone server goes on with the very next zxid; the leader of an ensemble begins a new epoch, which clients may take for news. */
function exactStep(snapshotZxid: string, kind: 'standalone' | 'ensemble'): string {
  const state = `The servers go on from ${snapshotZxid}, sessions and ephemerals as they were.`
  if (kind === 'standalone') return `${state} Clients that have seen a later zxid are refused until they restart.`
  return `${state} Restart every client: the leader begins a new epoch, so clients that have seen a later zxid may be let in, with what they remember of it.`
}
