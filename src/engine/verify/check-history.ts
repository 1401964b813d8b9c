import type { RecoveryPoint } from '../../archive/commit-body.ts'
import { timelineOf, type Timeline } from '../../archive/history.ts'
import { intervalWith } from '../../archive/plan-path.ts'
import { nameOfSegment } from '../../archive/segment-format.ts'
import type { StoredSegment } from '../../archive/segment-writer.ts'
import { checkStateRef } from '../../archive/state-ref.ts'
import { ZooArkError } from '../../base/errors.ts'
import { follows, formatZxid } from '../../model/zxid.ts'
import type { Findings } from './findings.ts'
import type { ReadCommit, SoundHistory } from './sound-history.ts'

/** What the commits say, held against itself; reads no object. */
export function checkHistory({ history, commits }: SoundHistory, timeline: Timeline, findings: Findings): void {
  for (const read of commits.get(timeline.id) ?? []) checkCommit(read, timeline.id, findings)
  checkSegmentChain(timeline, findings)
  for (const point of timeline.points) checkPoint(timeline, point, findings)
  const { parent, forkZxid, id } = timeline
  if (parent === null || forkZxid === null) return
  if (intervalWith(timelineOf(history, parent), forkZxid) !== undefined) return
  findings.add({
    code: 'REPOSITORY_DAMAGED',
    message: `timeline ${id} leaves timeline ${parent} where that cannot be restored`,
    place: { object: `head/${id}`, zxid: formatZxid(forkZxid) },
  })
}

/** A segment that its commit does not list among its objects would be neither checked nor kept. */
function checkCommit({ commit, object, body }: ReadCommit, timeline: string, findings: Findings): void {
  const listed = new Map(commit.blobs.map((ref) => [ref.key, ref]))
  for (const segment of body.segments) {
    const { key, sizeBytes, tailBytes } = segment.object
    const ref = listed.get(key)
    const isListed = ref !== undefined && ref.sizeBytes === sizeBytes && ref.tailBytes === tailBytes
    const wrong = !isListed ? 'is not among the objects of its commit' : contradictionIn(segment, timeline)
    if (wrong === undefined) continue
    const message = `the segment ${formatZxid(segment.first)} to ${formatZxid(segment.last)} ${wrong}`
    findings.add({ code: 'REPOSITORY_DAMAGED', message, place: { object, zxid: formatZxid(segment.first) } })
  }
}

function contradictionIn(segment: StoredSegment, timeline: string): string | undefined {
  if (segment.timeline !== timeline) return `is of timeline ${segment.timeline}`
  if (!follows(segment.after, segment.first)) return `does not begin after ${formatZxid(segment.after)}`
  if (segment.last < segment.first || segment.count < 1) return 'holds no txn'
  return undefined
}

/** The links from each segment to the one before it, and the digests where one ends and the next begins. */
function checkSegmentChain({ segments }: Timeline, findings: Findings): void {
  const byName = new Map(segments.map((segment) => [nameOfSegment(segment.object.key), segment]))
  for (const segment of segments) {
    if (segment.previous === null) continue
    const before = byName.get(segment.previous)
    const wrong =
      before === undefined ? 'is not there' : before.last !== segment.after ? 'ends elsewhere' : differentDigests(before, segment)
    if (wrong === undefined) continue
    const place = { object: segment.object.key, zxid: formatZxid(segment.first) }
    findings.add({ code: 'REPOSITORY_DAMAGED', message: `the segment that this one follows ${wrong}`, place })
  }
}

function differentDigests({ digestAfter }: StoredSegment, { digestBefore }: StoredSegment): string | undefined {
  if (digestAfter === null || digestBefore === null || digestAfter === digestBefore) return undefined
  return `ends with the digest ${digestAfter}, and this one begins with ${digestBefore}`
}

function checkPoint(timeline: Timeline, point: RecoveryPoint, findings: Findings): void {
  const place = { object: `head/${timeline.id}`, zxid: formatZxid(point.zxid) }
  if (intervalWith(timeline, point.zxid) === undefined) {
    findings.add({ code: 'REPOSITORY_DAMAGED', message: 'the recovery point is in no interval of its timeline', place })
  }
  try {
    checkStateRef(point.state)
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    findings.addError(error, place)
  }
}
