import { ZooArkError } from '../base/errors.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import type { Commit } from '../repository/types.ts'
import { parseCommitBody, type Gap, type RecoveryPoint, type TimelineStart } from './commit-body.ts'
import { intervalsOf, unexplainedGaps, type LineagePart, type RestorableInterval } from './intervals.ts'
import type { StoredSegment } from './segment-writer.ts'

/** Where commits come from: a repository. */
export interface CommitSource {
  timelines(): Promise<string[]>
  commits(timeline: string): Promise<Commit[]>
}

/** One line of history, with what it holds itself. `intervals` and `gaps` also tell of the ancestors, up to the fork. */
export interface Timeline extends TimelineStart {
  /** By zxid. */
  readonly points: readonly RecoveryPoint[]
  readonly segments: readonly StoredSegment[]
  readonly recordedGaps: readonly Gap[]
  readonly intervals: readonly RestorableInterval[]
  /** Recorded ones, and one for every break between two intervals that no record explains. */
  readonly gaps: readonly Gap[]
  /** When the source was last looked at, ms by the writer's clock; what happened later is not known here. 0: no commit says. */
  readonly capturedAtMs: number
  /** The last commit: what the next draft builds on. */
  readonly head: Commit
}

/** Everything that a repository says of ZooKeeper's history, timelines in the order in which they were started. */
export interface History {
  readonly timelines: readonly Timeline[]
}

/** More timelines than any sequence of restores makes; bounds the walk to the root. */
const timelinesMax = 100_000

/** Reads all commits. @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export async function readHistory(repository: CommitSource): Promise<History> {
  const ids = await repository.timelines()
  if (ids.length > timelinesMax) throw new ZooArkError('LIMIT_EXCEEDED', `the repository has ${ids.length} timelines`)
  const parts: OwnPart[] = []
  for (const id of ids) {
    const commits = await repository.commits(id)
    if (commits.length > 0) parts.push(readTimeline(id, commits))
  }
  parts.sort((a, b) => compareTimelines(a.start.id, b.start.id))
  return planHistory(parts)
}

/** What one timeline holds itself. */
export interface OwnPart {
  readonly start: TimelineStart
  readonly points: readonly RecoveryPoint[]
  readonly segments: readonly StoredSegment[]
  readonly recordedGaps: readonly Gap[]
  readonly capturedAtMs: number
  readonly head: Commit
}

/** The history of timelines in order; pure. */
export function planHistory(parts: readonly OwnPart[]): History {
  const byId = new Map(parts.map((part) => [part.start.id, part]))
  const timelines = parts.map((part): Timeline => {
    const { start, ...own } = part
    const lineage = lineageOf(part, byId)
    const intervals = intervalsOf(lineage)
    return { ...start, ...own, intervals, gaps: unexplainedGaps(intervals, lineage) }
  })
  return { timelines }
}

function readTimeline(id: string, commits: readonly Commit[]): OwnPart {
  const points: RecoveryPoint[] = []
  const segments: StoredSegment[] = []
  const recordedGaps: Gap[] = []
  let start: TimelineStart | undefined
  let capturedAtMs = 0
  for (const commit of commits) {
    const body = parseCommitBody(commit.body, `head/${id}/${commit.seq}`)
    start ??= body.start
    for (const point of body.points) points.push(point)
    for (const segment of body.segments) segments.push(segment)
    for (const gap of body.gaps) recordedGaps.push(gap)
    // A commit that did not look at the source, as for a name, says nothing of what is known.
    capturedAtMs = Math.max(capturedAtMs, body.capturedAtMs ?? 0)
  }
  if (start?.id !== id) {
    throw new ZooArkError('REPOSITORY_DAMAGED', 'the first commit of a timeline does not say how it starts', {
      place: { object: `head/${id}` },
    })
  }
  points.sort((a, b) => compareZxids(a.zxid, b.zxid))
  segments.sort((a, b) => compareZxids(a.after, b.after))
  recordedGaps.sort((a, b) => compareZxids(a.after, b.after))
  return { start, points, segments, recordedGaps, capturedAtMs, head: commits[commits.length - 1] }
}

/** The part itself and its ancestors, the oldest first. */
function lineageOf(part: OwnPart, byId: ReadonlyMap<string, OwnPart>): LineagePart[] {
  const lineage: LineagePart[] = [{ ...part, through: null }]
  let { parent, forkZxid } = part.start
  for (let steps = 0; parent !== null; steps++) {
    const ancestor = byId.get(parent)
    if (ancestor === undefined || forkZxid === null || steps > byId.size) {
      throw new ZooArkError('REPOSITORY_DAMAGED', `timeline ${part.start.id} has no way back to its origin`, {
        place: { object: `head/${parent}` },
      })
    }
    lineage.unshift({ ...ancestor, through: forkZxid })
    const above = ancestor.start
    parent = above.parent
    if (above.forkZxid !== null && above.forkZxid < forkZxid) forkZxid = above.forkZxid
  }
  return lineage
}

/** What is reachable on a timeline: its own part and its ancestors'. @throws POINT_NOT_REACHABLE when there is no such timeline */
export function lineageOfTimeline(history: History, id: string): LineagePart[] {
  const parts = history.timelines.map(({ id: timeline, parent, forkZxid, reason, ...own }): OwnPart => {
    return { ...own, start: { id: timeline, parent, forkZxid, reason } }
  })
  const byId = new Map(parts.map((part) => [part.start.id, part]))
  return lineageOf(findPart(byId, id), byId)
}

function findPart(byId: ReadonlyMap<string, OwnPart>, id: string): OwnPart {
  const part = byId.get(id)
  if (part === undefined) {
    throw new ZooArkError('POINT_NOT_REACHABLE', `there is no timeline ${id}`, { hint: 'See `zooark timelines` for those there are.' })
  }
  return part
}

/** @throws POINT_NOT_REACHABLE */
export function timelineOf(history: History, id: string): Timeline {
  const timeline = history.timelines.find((each) => each.id === id)
  if (timeline !== undefined) return timeline
  throw new ZooArkError('POINT_NOT_REACHABLE', `there is no timeline ${id}`, { hint: 'See `zooark timelines` for those there are.' })
}

/** The timeline started last, undefined in an empty repository. */
export function newestTimeline(history: History): Timeline | undefined {
  return history.timelines.at(-1)
}

/** The id for a new timeline. */
export function nextTimelineId(history: History): string {
  return String(Number(newestTimeline(history)?.id ?? 0) + 1)
}

export function compareZxids(a: Zxid, b: Zxid): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function compareTimelines(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

/** For messages. */
export function describeInterval({ from, through }: RestorableInterval): string {
  return `${formatZxid(from)} to ${formatZxid(through)}`
}
