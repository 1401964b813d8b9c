import type { Gap } from '../archive/commit-body.ts'
import { type History, lineageOfTimeline, newestTimeline, readHistory, type Timeline, timelineOf } from '../archive/history.ts'
import { chainFrom, type RestorableInterval, usablePoints, usableSegments } from '../archive/intervals.ts'
import type { Zxid } from '../model/zxid.ts'
import type { CheckFinding, Repository } from '../repository/types.ts'
import type { RunContext } from './run-context.ts'

export interface StatusInterval extends RestorableInterval {
  readonly timeline: string
}

export interface StatusGap extends Gap {
  readonly timeline: string
  /** Times of the txns at its ends; null where no txn tells. */
  readonly afterTimeMs: number | null
  readonly beforeTimeMs: number | null
}

/** The newest state that can be restored. */
export interface NewestState {
  readonly timeline: string
  readonly zxid: Zxid
  /** Time of its txn, by the clock of the leader. */
  readonly timeMs: number | null
  /** When the source was last looked at: what happened later is not here. */
  readonly capturedAtMs: number
  /** Since then. A disaster now would lose what was committed in this time. */
  readonly ageMs: number
}

/** What the slowest restore within the newest interval has to do. */
export interface RestoreEstimate {
  readonly estimateMs: number
  readonly znodes: number
  /** Txns to replay after the recovery point, for the state that is farthest from one. */
  readonly txns: number
  readonly dataBytes: number
}

export interface StatusReport {
  readonly repository: string
  readonly timelines: number
  readonly points: number
  readonly commits: number
  readonly objects: number
  /** Of all objects that commits refer to, and of the commits. */
  readonly bytes: number
  readonly unreferenced: number
  /** In the order of (timeline, zxid); a timeline's past before its fork counts as its own. */
  readonly intervals: readonly StatusInterval[]
  readonly gaps: readonly StatusGap[]
  readonly newest: NewestState | null
  readonly restore: RestoreEstimate | null
  /** Objects that are missing or of another size: what stands above may not hold. */
  readonly problems: readonly CheckFinding[]
}

/**
 * What can be restored right now. Reads commits and the list of objects, no content: `verify` proves what this tells.
 * @param only one timeline instead of all
 * @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW, POINT_NOT_REACHABLE for a timeline that does not exist
 */
export async function readStatus(repository: Repository, only: string | undefined, context: RunContext): Promise<StatusReport> {
  const history = await readHistory(repository)
  const timelines = only === undefined ? history.timelines : [timelineOf(history, only)]
  const objects = await repository.checkObjects('chain', () => context.signal.throwIfAborted())
  const current = only === undefined ? newestTimeline(history) : timelines[0]
  return {
    repository: repository.description,
    timelines: timelines.length,
    points: timelines.reduce((sum, { points }) => sum + points.length, 0),
    commits: timelines.reduce((sum, { head }) => sum + head.seq, 0),
    objects: objects.objects,
    bytes: objects.bytes,
    unreferenced: objects.unreferenced.length,
    intervals: timelines.flatMap((timeline) => timeline.intervals.map((interval) => ({ ...interval, timeline: timeline.id }))),
    gaps: timelines.flatMap(gapsOf),
    newest: current === undefined ? null : newestOf(current, context.clock.nowMs()),
    restore: current === undefined ? null : estimateRestore(history, current),
    problems: objects.findings,
  }
}

function gapsOf(timeline: Timeline): StatusGap[] {
  return timeline.gaps.map((gap) => {
    const before = timeline.intervals.find(({ through }) => through === gap.after)
    const behind = timeline.intervals.find(({ from }) => from === gap.before)
    return { ...gap, timeline: timeline.id, afterTimeMs: before?.throughTimeMs ?? null, beforeTimeMs: behind?.fromTimeMs ?? null }
  })
}

function newestOf({ id, intervals, capturedAtMs }: Timeline, nowMs: number): NewestState | null {
  const last = intervals.at(-1)
  if (last === undefined) return null
  return { timeline: id, zxid: last.through, timeMs: last.throughTimeMs, capturedAtMs, ageMs: Math.max(0, nowMs - capturedAtMs) }
}

/**
 * Rates for the estimate, each about a fifth of what one core of a virtual machine did (loading 1.9 million znodes a second, writing and
 * reading back 1.5 million, replaying 2.7 million txns): a cold cache, a busy machine and a small one are the rule when it counts.
 */
const znodesPerSecond = 200_000
const txnsPerSecond = 400_000
/** A slow network disk, which must take the data and give them back. */
const bytesPerSecond = 50_000_000
/** Path and stat of a znode beside its data. */
const bytesPerZnode = 120
const startMs = 2000

/** The slowest restore to the newest interval. Pure. */
export function estimateRestore(history: History, timeline: Timeline): RestoreEstimate | null {
  const interval = timeline.intervals.at(-1)
  if (interval === undefined) return null
  const lineage = lineageOfTimeline(history, timeline.id)
  const points = usablePoints(lineage).filter(({ zxid }) => interval.from <= zxid && zxid <= interval.through)
  const ends = new Set(points.map(({ zxid }) => zxid))
  let txns = 0
  let sincePoint = 0
  for (const { segment, through } of chainFrom(usableSegments(lineage), interval.from)) {
    sincePoint += segment.count
    txns = Math.max(txns, sincePoint)
    if (ends.has(through)) sincePoint = 0
  }
  const znodes = points.reduce((most, { state }) => Math.max(most, state.znodes), 0)
  const dataBytes = points.reduce((most, { state }) => Math.max(most, state.dataBytes), 0)
  const seconds = znodes / znodesPerSecond + txns / txnsPerSecond + (dataBytes + znodes * bytesPerZnode) / bytesPerSecond
  return { estimateMs: Math.round(startMs + seconds * 1000), znodes, txns, dataBytes }
}
