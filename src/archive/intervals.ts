import { counterOf, type Zxid } from '../model/zxid.ts'
import type { Gap, RecoveryPoint } from './commit-body.ts'
import type { StoredSegment } from './segment-writer.ts'

/** A stretch of a timeline's past: its own (`through` null), or that of an ancestor up to the fork. */
export interface LineagePart {
  readonly points: readonly RecoveryPoint[]
  readonly segments: readonly StoredSegment[]
  readonly recordedGaps: readonly Gap[]
  readonly through: Zxid | null
}

/** A stretch of zxids to every txn of which a restore can go. Both ends inclusive. */
export interface RestorableInterval {
  readonly from: Zxid
  readonly through: Zxid
  /** Times of the last txn at each end; null where no txn tells. */
  readonly fromTimeMs: number | null
  readonly throughTimeMs: number | null
}

/** A segment as far as a timeline may use it: `segment.usable` keeps readers within. */
export interface UsableSegment {
  readonly segment: StoredSegment
  /** Not beyond `segment.last`; before it where a fork cuts. */
  readonly through: Zxid
}

/** Points that a timeline can reach, by zxid. */
export function usablePoints(lineage: readonly LineagePart[]): RecoveryPoint[] {
  const points = lineage.flatMap((part) => part.points.filter(({ zxid }) => part.through === null || zxid <= part.through))
  return points.sort((a, b) => (a.zxid < b.zxid ? -1 : a.zxid > b.zxid ? 1 : 0))
}

/** Segments that a timeline can use, by where they start. */
export function usableSegments(lineage: readonly LineagePart[]): UsableSegment[] {
  const usable: UsableSegment[] = []
  for (const { segments, through } of lineage) {
    for (const segment of segments) {
      if (through === null || segment.last <= through) usable.push({ segment, through: segment.last })
      else if (segment.first <= through) usable.push({ segment: { ...segment, usable: { after: segment.after, through } }, through })
    }
  }
  return usable.sort((a, b) => (a.segment.after < b.segment.after ? -1 : a.segment.after > b.segment.after ? 1 : 0))
}

/**
 * The segments that lead from the state at `from` as far as they go, until they reach `through`: each holds all txns after what the ones
 * before it reach, and is cut to these, so that reading them one after the other gives every txn once.
 */
export function chainFrom(segments: readonly UsableSegment[], from: Zxid, through?: Zxid): UsableSegment[] {
  const chain: UsableSegment[] = []
  let reached = from
  let at = 0
  while (through === undefined || reached < through) {
    let best: UsableSegment | undefined
    for (; at < segments.length && segments[at].segment.after <= reached; at++) {
      const candidate = segments[at]
      if (candidate.through > reached && (best === undefined || candidate.through > best.through)) best = candidate
    }
    if (best === undefined) break
    chain.push({ segment: { ...best.segment, usable: { after: reached, through: best.through } }, through: best.through })
    reached = best.through
  }
  return chain
}

/** Restorable intervals: each starts at a point and runs through the contiguous segments after it. Pure. */
export function intervalsOf(lineage: readonly LineagePart[]): RestorableInterval[] {
  const segments = usableSegments(lineage)
  const intervals: RestorableInterval[] = []
  for (const point of usablePoints(lineage)) {
    const last = intervals.at(-1)
    if (last !== undefined && point.zxid <= last.through) continue
    const end = chainFrom(segments, point.zxid).at(-1)
    const isCut = end !== undefined && end.through < end.segment.last
    intervals.push({
      from: point.zxid,
      through: end?.through ?? point.zxid,
      fromTimeMs: point.timeMs,
      throughTimeMs: end === undefined ? point.timeMs : isCut ? null : end.segment.lastTimeMs,
    })
  }
  return intervals
}

/**
 * The breaks between intervals with their recorded causes. Where a timeline leaves its parent and goes on from the start of a later epoch, as a restore
 * makes it, no txn can lie between: that break is no gap.
 */
export function unexplainedGaps(intervals: readonly RestorableInterval[], lineage: readonly LineagePart[]): Gap[] {
  const recorded = lineage.flatMap((part) => part.recordedGaps.filter(({ after }) => part.through === null || after < part.through))
  const gaps = [...recorded]
  for (let i = 1; i < intervals.length; i++) {
    const after = intervals[i - 1].through
    const before = intervals[i].from
    const isRecorded = recorded.some((gap) => gap.after < before && gap.before > after)
    const isFork = lineage.some(({ through }) => through === after) && counterOf(before) === 0n
    if (!isRecorded && !isFork) gaps.push({ after, before, cause: 'the repository holds no txns between these two' })
  }
  return gaps.sort((a, b) => (a.after < b.after ? -1 : a.after > b.after ? 1 : 0))
}
