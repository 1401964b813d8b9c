import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type History, lineageOfTimeline, type Timeline } from '../../archive/history.ts'
import { usablePoints } from '../../archive/intervals.ts'
import { ownerRulesOf, type PointSource } from '../../archive/resolve-point.ts'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid, type Zxid } from '../../model/zxid.ts'
import { findServer, type FoundServer, type ServerTools } from '../../target/find-server.ts'
import { compareWithTree, writeServerFiles } from '../../target/server-files.ts'
import { targetError } from '../../target/staging.ts'
import { askThrowawayServer, type ServerFacts } from '../../target/throwaway-server.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import { loadPoint } from '../load-point.ts'
import type { RunContext } from '../run-context.ts'
import type { Findings } from './findings.ts'

export interface BootTools extends ServerTools {
  /** Restored copies are made below it and removed again; /tmp or its like. */
  readonly temporaryDirectory: string
}

export interface BootTarget {
  readonly timeline: string
  readonly zxid: Zxid
  readonly name: string | null
}

/** A state that a server has started on. */
export interface BootedState extends BootTarget {
  readonly znodes: number
  /** `match`: the server's own digest of what it loaded is that of the state; `none`: a server before 3.6, which has none. */
  readonly digest: 'match' | 'none'
}

export interface BootResult {
  /** Version of the server. */
  readonly version?: string
  readonly states: readonly BootedState[]
  /** Why no server could be started. */
  readonly skipped?: string
  /** Why a server that was started did not serve. */
  readonly failed?: ZooArkError
}

/** Each start takes seconds: the newest named points, not all of a long history. */
const namedStatesMax = 8

/** The newest state of a timeline, and the newest of its named points. Pure. */
export function planBoots(history: History, timeline: Timeline): BootTarget[] {
  const named = usablePoints(lineageOfTimeline(history, timeline.id))
    .filter(({ name }) => name !== null)
    .map(({ zxid, name }): BootTarget => ({ timeline: timeline.id, zxid, name }))
    .slice(-namedStatesMax)
    .reverse()
  const zxid = timeline.intervals.at(-1)?.through
  if (zxid === undefined || named.some((target) => target.zxid === zxid)) return named
  return [{ timeline: timeline.id, zxid, name: null }, ...named]
}

/**
 * Restores states to a directory of their own, starts Apache's server on each and compares what the server says with what the state is. A
 * difference is a finding. Where there is no Java or no ZooKeeper the result says so.
 */
export async function bootStates(
  source: PointSource,
  history: History,
  targets: readonly BootTarget[],
  tools: BootTools,
  findings: Findings,
  context: RunContext,
): Promise<BootResult> {
  const found = await findServer(tools)
  if ('missing' in found) return { states: [], skipped: found.missing }
  const states: BootedState[] = []
  let version: string | undefined
  for (const [done, target] of targets.entries()) {
    context.onProgress({ step: 'starting servers', unit: 'objects', done, total: targets.length })
    const place = { zxid: formatZxid(target.zxid) }
    const loaded = await findings.note(place, () => loadPoint(source, history, target, context))
    if (loaded === undefined) continue
    const { tree, path } = loaded
    try {
      const facts = await bootTree(found, tree, ownerRulesOf(path.point), tools.temporaryDirectory, context)
      version = facts.version
      const problems = compareFacts(facts, tree)
      for (const message of problems) findings.add({ code: 'RESTORE_UNPROVED', message, place })
      if (problems.length === 0)
        states.push({ ...target, znodes: tree.nodeCount, digest: facts.digestMismatches === undefined ? 'none' : 'match' })
    } catch (error) {
      if (!(error instanceof ZooArkError) || error.code !== 'BOOT_FAILED') throw error
      return { states, failed: error, ...(version === undefined ? {} : { version }) }
    }
  }
  return { states, ...(version === undefined ? {} : { version }) }
}

/** The directory is removed, except for the log of a server that did not start. */
async function bootTree(
  found: FoundServer,
  tree: DataTree,
  ownerRules: ReturnType<typeof ownerRulesOf>,
  temporaryDirectory: string,
  context: RunContext,
): Promise<ServerFacts> {
  const workDir = await makeWorkDir(temporaryDirectory)
  const dataDir = join(workDir, 'data')
  let kept = workDir
  try {
    await mkdir(dataDir)
    const zxid = tree.lastZxid
    const { snapshotPath } = await writeServerFiles(dataDir, { tree, zxid, trailers: { digest: 'write', lastProcessedZxid: 'write' } })
    await compareWithTree(snapshotPath, tree)
    return await askThrowawayServer(found, { dataDir, workDir, ownerRules }, context)
  } catch (error) {
    if (error instanceof ZooArkError && error.code === 'BOOT_FAILED') kept = dataDir
    throw error
  } finally {
    await rm(kept, { recursive: true, force: true })
  }
}

async function makeWorkDir(temporaryDirectory: string): Promise<string> {
  try {
    return await mkdtemp(join(temporaryDirectory, 'zooark-boot-'))
  } catch (error) {
    throw targetError(error, temporaryDirectory)
  }
}

/** The server counts the root twice. */
const rootEntriesMore = 1

/** What the server says otherwise than the state, each as a sentence. Pure. */
export function compareFacts(facts: ServerFacts, tree: DataTree): string[] {
  const problems: string[] = []
  if (facts.zxid !== tree.lastZxid) problems.push(`the server stands at ${formatZxid(facts.zxid)}`)
  const expected = tree.nodeCount + rootEntriesMore - ephemeralsOfNobody(tree)
  if (facts.nodeCount !== expected) problems.push(`the server counts ${facts.nodeCount} znodes, the state makes ${expected}`)
  if ((facts.digestMismatches ?? 0) > 0) problems.push('the server computes another digest than the state has')
  else if (facts.digestWarnings.length > 0) problems.push(`the server warns of its digest: ${facts.digestWarnings[0]}`)
  return problems
}

/** Ephemerals whose session is gone, which a server deletes as it starts. */
function ephemeralsOfNobody(tree: DataTree): number {
  const sessions = new Set(Array.from(tree.sessions(), ({ id }) => id))
  const gone = new Set([...tree.ephemeralOwners()].filter((owner) => !sessions.has(owner)))
  if (gone.size === 0) return 0
  let count = 0
  for (const index of tree.sortedNodes()) if (gone.has(tree.node(index).stat.ephemeralOwner)) count++
  return count
}
