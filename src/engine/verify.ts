import { timelineOf, type Timeline } from '../archive/history.ts'
import { formatZxid } from '../model/zxid.ts'
import type { CheckReport, Repository } from '../repository/types.ts'
import type { RunContext } from './run-context.ts'
import { type BootResult, bootStates, type BootTools, planBoots } from './verify/boot-states.ts'
import { checkHistory } from './verify/check-history.ts'
import { checkSegment } from './verify/check-segment.ts'
import { StateChecker } from './verify/check-state.ts'
import { type Finding, Findings } from './verify/findings.ts'
import { planReplay, type ReplayTotals, replayTask } from './verify/replay-timeline.ts'
import { readSoundHistory, type SoundHistory } from './verify/sound-history.ts'

/** Each includes the ones before it. */
export const verifyLevels = ['chain', 'hash', 'parse', 'replay', 'boot'] as const
export type VerifyLevel = (typeof verifyLevels)[number]

export interface VerifyRequest {
  readonly level: VerifyLevel
  /** Points and segments of this timeline only; objects are always checked all. */
  readonly timeline?: string
  /** Needed for `boot`. */
  readonly tools?: BootTools
}

export interface VerifyReport {
  readonly repository: string
  readonly level: VerifyLevel
  /** Nothing was found. What was skipped (see `boot`) is not proved. */
  readonly ok: boolean
  readonly timelines: number
  readonly commits: number
  readonly objects: number
  /** Bytes of those objects; the level `chain` reads only those of commits. */
  readonly bytes: number
  readonly points: number
  readonly segments: number
  /** Txns decoded (`parse`) or replayed (`replay`, `boot`). */
  readonly txns?: number
  readonly digestsChecked?: number
  readonly boot?: BootResult
  readonly findings: readonly Finding[]
  /** Findings that the list has no room for. */
  readonly findingsLeftOut: number
  /** Objects that no readable commit refers to. Harmless where nothing else was found: an interrupted backup leaves them. */
  readonly unreferenced: readonly string[]
  /** Timelines whose points were not looked at, because their commits cannot be read. */
  readonly unread: readonly string[]
}

/**
 * Is a repository whole? Reads the store afresh, goes on after each finding, and never says ok of what it could not look at. Changes nothing.
 * @throws POINT_NOT_REACHABLE for a timeline that does not exist, REPOSITORY_…/STORE_… where the repository cannot be read at all,
 * and the reason of the signal
 */
export async function verifyRepository(repository: Repository, request: VerifyRequest, context: RunContext): Promise<VerifyReport> {
  const includes = (level: VerifyLevel): boolean => verifyLevels.indexOf(level) <= verifyLevels.indexOf(request.level)
  const findings = new Findings()
  const objects = await checkAllObjects(repository, request.level === 'chain' ? 'chain' : 'hash', findings, context)
  const sound = await readSoundHistory(repository, findings)
  const timelines = chooseTimelines(sound, request.timeline)
  for (const timeline of timelines) checkHistory(sound, timeline, findings)
  const run: Run = { repository, sound, timelines, findings, context }
  const parsed = includes('parse') ? await parseAll(run) : undefined
  const replayed = includes('replay') ? await replayAll(run) : undefined
  const boot = includes('boot') ? await bootAll(run, request.tools) : undefined
  const txns = replayed?.txns ?? parsed?.txns
  return {
    repository: repository.description,
    level: request.level,
    ok: findings.isEmpty && boot?.failed === undefined,
    timelines: timelines.length,
    commits: timelines.reduce((sum, { id }) => sum + (sound.commits.get(id)?.length ?? 0), 0),
    objects: objects.objects,
    bytes: objects.bytes,
    points: timelines.reduce((sum, { points }) => sum + points.length, 0),
    segments: timelines.reduce((sum, { segments }) => sum + segments.length, 0),
    ...(txns === undefined ? {} : { txns }),
    ...(replayed === undefined ? {} : { digestsChecked: replayed.digestsChecked }),
    ...(boot === undefined ? {} : { boot }),
    findings: findings.list,
    findingsLeftOut: findings.leftOut,
    unreferenced: objects.unreferenced,
    unread: sound.unread,
  }
}

interface Run {
  readonly repository: Repository
  readonly sound: SoundHistory
  readonly timelines: readonly Timeline[]
  readonly findings: Findings
  readonly context: RunContext
}

const codeOfProblem = { missing: 'OBJECT_NOT_FOUND', damaged: 'REPOSITORY_DAMAGED', 'too-new': 'REPOSITORY_FORMAT_TOO_NEW' } as const

async function checkAllObjects(
  repository: Repository,
  level: 'chain' | 'hash',
  findings: Findings,
  context: RunContext,
): Promise<CheckReport> {
  const report = await repository.checkObjects(level, ({ doneBytes, totalBytes, doneObjects, totalObjects }) => {
    context.signal.throwIfAborted()
    const isReading = level === 'hash'
    const [done, total] = isReading ? [doneBytes, totalBytes] : [doneObjects, totalObjects]
    context.onProgress({ step: 'checking objects', unit: isReading ? 'bytes' : 'objects', done, total })
  })
  for (const { object, problem, message } of report.findings) findings.add({ code: codeOfProblem[problem], message, place: { object } })
  return report
}

function chooseTimelines({ history, unread }: SoundHistory, wanted: string | undefined): readonly Timeline[] {
  if (wanted === undefined) return history.timelines
  return unread.includes(wanted) ? [] : [timelineOf(history, wanted)]
}

async function parseAll({ repository, timelines, findings, context }: Run): Promise<{ readonly txns: number }> {
  const states = new StateChecker(repository)
  const points = timelines.flatMap((timeline) => timeline.points)
  for (const [done, point] of points.entries()) {
    context.signal.throwIfAborted()
    context.onProgress({ step: 'decoding recovery points', unit: 'objects', done, total: points.length })
    await findings.note({ zxid: formatZxid(point.zxid) }, () => states.check(point.state))
  }
  const segments = timelines.flatMap((timeline) => timeline.segments)
  const total = segments.reduce((sum, { count }) => sum + count, 0)
  let txns = 0
  for (const segment of segments) {
    const place = { object: segment.object.key, zxid: formatZxid(segment.first) }
    await findings.note(place, () =>
      checkSegment(repository, segment, (count) => {
        context.signal.throwIfAborted()
        txns += count
        context.onProgress({ step: 'decoding txns', unit: 'txns', done: txns, total })
      }),
    )
  }
  return { txns }
}

async function replayAll({ repository, sound, timelines, findings, context }: Run): Promise<ReplayTotals> {
  const totals = { txns: 0, digestsChecked: 0, statesProved: 0 }
  for (const timeline of timelines) {
    for (const task of planReplay(sound.history, timeline)) await replayTask(repository, task, { findings, totals, context })
  }
  return totals
}

async function bootAll({ repository, sound, timelines, findings, context }: Run, tools: BootTools | undefined): Promise<BootResult> {
  if (tools === undefined) return { states: [], skipped: 'no server was named' }
  const newest = timelines.at(-1)
  const targets = newest === undefined ? [] : planBoots(sound.history, newest)
  return await bootStates(repository, sound.history, targets, tools, findings, context)
}
