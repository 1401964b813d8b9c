import { ZooArkError } from '../base/errors.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import type { RecoveryPoint } from './commit-body.ts'
import { describeInterval, lineageOfTimeline, timelineOf, type History, type Timeline } from './history.ts'
import { chainFrom, usablePoints, usableSegments, type RestorableInterval } from './intervals.ts'
import type { StoredSegment } from './segment-writer.ts'

/** How a state is reached: load the point, apply the txns of the segments in (point.zxid, zxid]. */
export interface ReplayPath {
  readonly timeline: string
  readonly zxid: Zxid
  readonly point: RecoveryPoint
  /** In order; empty when the point is the state itself. */
  readonly segments: readonly StoredSegment[]
}

/**
 * The nearest recovery point at or before `zxid`, and the segments from there. Pure.
 * @throws POINT_IN_GAP, POINT_NOT_REACHABLE with the reason
 */
export function planPath(history: History, timelineId: string, zxid: Zxid): ReplayPath {
  const timeline = timelineOf(history, timelineId)
  if (intervalWith(timeline, zxid) === undefined) throw unreachable(timeline, zxid)
  const lineage = lineageOfTimeline(history, timelineId)
  const segments = usableSegments(lineage)
  const candidates = usablePoints(lineage).filter((point) => point.zxid <= zxid)
  // The last point does, unless a point within an interval has no segment that starts at or before it: then an earlier one does.
  for (const point of candidates.reverse()) {
    const chain = chainFrom(segments, point.zxid, zxid)
    const reached = chain.at(-1)?.through ?? point.zxid
    if (reached >= zxid) return { timeline: timelineId, zxid, point, segments: chain.map(({ segment }) => segment) }
  }
  throw unreachable(timeline, zxid)
}

export function intervalWith(timeline: Timeline, zxid: Zxid): RestorableInterval | undefined {
  return timeline.intervals.find(({ from, through }) => from <= zxid && zxid <= through)
}

/** Why a zxid is in no interval of the timeline. */
export function unreachable(timeline: Timeline, zxid: Zxid): ZooArkError {
  const place = { zxid: formatZxid(zxid) }
  const { intervals, id } = timeline
  const gap = timeline.gaps.find(({ after, before }) => after < zxid && zxid < before)
  if (gap !== undefined) {
    const range = `${formatZxid(gap.after)} and ${formatZxid(gap.before)}`
    return new ZooArkError('POINT_IN_GAP', `timeline ${id} has a gap between ${range}: ${gap.cause}`, { place })
  }
  const [first, last] = [intervals[0], intervals.at(-1)]
  if (first === undefined || last === undefined)
    return new ZooArkError('POINT_NOT_REACHABLE', `timeline ${id} has no recovery point`, { place })
  const [side, interval] =
    zxid < first.from ? ['before the first', first] : zxid > last.through ? ['after the last', last] : ['in no', first]
  return new ZooArkError('POINT_NOT_REACHABLE', `it is ${side} restorable interval of timeline ${id}, ${describeInterval(interval)}`, {
    place,
  })
}
