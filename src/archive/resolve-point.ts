import { ZooArkError } from '../base/errors.ts'
import type { OwnerRules } from '../model/ephemeral-owner.ts'
import { formatPath } from '../model/znode-path.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import type { RecoveryPoint } from './commit-body.ts'
import { lineageOfTimeline, newestTimeline, timelineOf, type History, type Timeline } from './history.ts'
import { chainFrom, usablePoints, usableSegments, type RestorableInterval, type UsableSegment } from './intervals.ts'
import { readPathChanges, sessionOfOwner } from './path-history.ts'
import { intervalWith, unreachable } from './plan-path.ts'
import { agoMs, formatPoint, parsePoint, type Point } from './point.ts'
import { payloadTimeMs, payloadZxid } from './segment-format.ts'
import { openSegment, type BlobSource, type OpenSegment } from './segment-reader.ts'
import type { ChunkSource } from './state-ref.ts'
import { lookupNode } from './walk-subtree.ts'

/** What a POINT comes to: the state after this txn of this timeline. */
export interface ResolvedPoint {
  readonly timeline: string
  readonly zxid: Zxid
  /** Canonical text of what was asked for. */
  readonly asked: string
  /** For `before:…`: the txn that it is before. */
  readonly beforeZxid?: Zxid
}

export type PointSource = BlobSource & ChunkSource

/**
 * Finds the txn that POINT means (docs/formats/archive.md, "Points"). Reads single blocks only.
 * @param nowMs for `-15m` and to refuse the future
 * @throws BAD_POINT, POINT_NOT_REACHABLE, POINT_IN_GAP, POINT_AMBIGUOUS
 */
export async function resolvePoint(history: History, source: PointSource, text: string, nowMs: number): Promise<ResolvedPoint> {
  const point = parsePoint(text)
  const asked = formatPoint(point)
  switch (point.form) {
    case 'latest': {
      const timeline = chosenTimeline(history, point)
      return { timeline: timeline.id, zxid: lastInterval(timeline).through, asked }
    }
    case 'zxid': {
      const timeline = timelineOfZxid(history, point, point.zxid)
      await checkTxn(history, source, timeline, point.zxid)
      return { timeline: timeline.id, zxid: point.zxid, asked }
    }
    case 'time':
    case 'ago': {
      const timeline = chosenTimeline(history, point)
      const timeMs = point.form === 'time' ? point.timeMs : nowMs - agoMs(point)
      return { timeline: timeline.id, zxid: await resolveTime(history, source, timeline, timeMs), asked }
    }
    case 'name':
      return { ...resolveName(history, point, point.name), asked }
    case 'before-zxid': {
      const timeline = timelineOfZxid(history, point, point.zxid)
      const zxid = await zxidBefore(history, source, timeline, point.zxid)
      return { timeline: timeline.id, zxid, asked, beforeZxid: point.zxid }
    }
    case 'before-delete': {
      const timeline = chosenTimeline(history, point)
      const beforeZxid = await latestDeletion(history, source, timeline, point.path)
      return { timeline: timeline.id, zxid: await zxidBefore(history, source, timeline, beforeZxid), asked, beforeZxid }
    }
  }
}

function chosenTimeline(history: History, point: Point): Timeline {
  const timeline = point.timeline === null ? newestTimeline(history) : timelineOf(history, point.timeline)
  if (timeline === undefined) throw new ZooArkError('POINT_NOT_REACHABLE', 'the repository has no recovery point yet')
  return timeline
}

function lastInterval(timeline: Timeline): RestorableInterval {
  const last = timeline.intervals.at(-1)
  if (last === undefined) throw new ZooArkError('POINT_NOT_REACHABLE', `timeline ${timeline.id} has no recovery point`)
  return last
}

/** The one timeline that has this zxid; what a child shares with its parent counts as the parent's. */
function timelineOfZxid(history: History, point: Point, zxid: Zxid): Timeline {
  if (point.timeline !== null) {
    const timeline = timelineOf(history, point.timeline)
    if (intervalWith(timeline, zxid) === undefined) throw unreachable(timeline, zxid)
    return timeline
  }
  const holders = history.timelines.filter((timeline) => intervalWith(timeline, zxid) !== undefined)
  const owners = holders.filter(({ parent, forkZxid }) => {
    return forkZxid === null || zxid > forkZxid || !holders.some(({ id }) => id === parent)
  })
  if (owners.length > 1) {
    const ids = owners.map(({ id }) => id).join(', ')
    throw new ZooArkError('POINT_AMBIGUOUS', `the timelines ${ids} all have this zxid`, { place: { zxid: formatZxid(zxid) } })
  }
  if (owners.length === 1) return owners[0]
  throw unreachable(chosenTimeline(history, point), zxid)
}

function resolveName(history: History, point: Point, name: string): { timeline: string; zxid: Zxid } {
  const timelines = point.timeline === null ? history.timelines : [timelineOf(history, point.timeline)]
  const found = timelines.flatMap(({ id, points }) =>
    points.filter((each) => each.name === name).map(({ zxid }) => ({ timeline: id, zxid })),
  )
  if (found.length === 0)
    throw new ZooArkError('POINT_NOT_REACHABLE', `no recovery point has the name ${name}`, { hint: 'See `zooark points` for the names.' })
  if (found.length === 1) return found[0]
  const all = found.map(({ timeline, zxid }) => `${formatZxid(zxid)}@${timeline}`)
  throw new ZooArkError('POINT_AMBIGUOUS', `${found.length} recovery points have the name ${name}: ${all.join(', ')}`, {
    hint: 'Name the one you mean by its zxid and timeline.',
  })
}

/** The usable segment that holds the txns around a zxid, if any does. */
function segmentWith(history: History, timeline: Timeline, zxid: Zxid): UsableSegment | undefined {
  return usableSegments(lineageOfTimeline(history, timeline.id)).find(({ segment, through }) => segment.after < zxid && zxid <= through)
}

function pointAt(history: History, timeline: Timeline, zxid: Zxid): RecoveryPoint | undefined {
  return usablePoints(lineageOfTimeline(history, timeline.id)).find((point) => point.zxid === zxid)
}

/** Refuses a zxid that no txn has: between two epochs, there are many. */
async function checkTxn(history: History, source: PointSource, timeline: Timeline, zxid: Zxid): Promise<void> {
  if (pointAt(history, timeline, zxid) !== undefined) return
  const usable = segmentWith(history, timeline, zxid)
  if (usable === undefined) throw unreachable(timeline, zxid)
  const found = await findTxn(await openSegment(source, usable.segment), zxid)
  if (found.isThere) return
  throw new ZooArkError('POINT_NOT_REACHABLE', `no txn has this zxid; the one before it has ${formatZxid(found.before)}`, {
    place: { zxid: formatZxid(zxid) },
    hint: `Use ${formatZxid(found.before)} for the state at that moment.`,
  })
}

/** The zxid of the state that a txn found. */
async function zxidBefore(history: History, source: PointSource, timeline: Timeline, zxid: Zxid): Promise<Zxid> {
  const usable = segmentWith(history, timeline, zxid)
  const place = { zxid: formatZxid(zxid) }
  if (usable === undefined) {
    throw new ZooArkError('POINT_NOT_REACHABLE', `timeline ${timeline.id} begins with this zxid: what was before it is not kept`, { place })
  }
  const found = await findTxn(await openSegment(source, usable.segment), zxid)
  if (!found.isThere)
    throw new ZooArkError('POINT_NOT_REACHABLE', `no txn has this zxid; the one before it has ${formatZxid(found.before)}`, { place })
  if (intervalWith(timeline, found.before) === undefined) throw unreachable(timeline, found.before)
  return found.before
}

/** Whether a txn has this zxid, and the zxid of the txn before that place. */
async function findTxn(open: OpenSegment, zxid: Zxid): Promise<{ isThere: boolean; before: Zxid }> {
  const { metas, segment } = open
  const next = metas.findIndex((meta) => meta.last >= zxid)
  const before = next < 1 ? segment.after : metas[next - 1].last
  const meta = metas[next]
  if (meta === undefined || meta.first > zxid) return { isThere: false, before }
  if (meta.first === zxid) return { isThere: true, before }
  let found = { isThere: false, before }
  await open.read(
    next,
    next + 1,
    { through: zxid },
    {
      txns(window, starts, _ends, count) {
        const isThere = payloadZxid(window, starts[count - 1]) === zxid
        const last = isThere ? count - 2 : count - 1
        found = { isThere, before: last < 0 ? before : payloadZxid(window, starts[last]) }
      },
    },
  )
  return found
}

/**
 * The last txn of the longest prefix of the timeline in which no txn is stamped later than `timeMs`. A gap begins after the latest time
 * that was seen before it.
 */
async function resolveTime(history: History, source: PointSource, timeline: Timeline, timeMs: number): Promise<Zxid> {
  const lineage = lineageOfTimeline(history, timeline.id)
  const points = usablePoints(lineage)
  const segments = usableSegments(lineage)
  let reached: Zxid | undefined
  let latestMs = -Infinity
  for (const { from } of timeline.intervals) {
    const startMs = points.find((point) => point.zxid === from)?.timeMs ?? -Infinity
    if (startMs > timeMs) {
      if (reached !== undefined && timeMs === latestMs) return reached
      throw timeOutside(timeline, timeMs, reached, from)
    }
    reached = from
    latestMs = Math.max(latestMs, startMs)
    for (const { segment, through } of chainFrom(segments, from)) {
      const later =
        segment.maxTimeMs > timeMs ? await firstLater(await openSegment(source, segment), timeMs, { after: reached, through }) : undefined
      if (later !== undefined) return later
      reached = through
      latestMs = Math.max(latestMs, segment.maxTimeMs)
    }
  }
  if (reached === undefined) throw new ZooArkError('POINT_NOT_REACHABLE', `timeline ${timeline.id} has no recovery point`)
  if (timeMs > Math.max(timeline.capturedAtMs, latestMs)) throw timeUnknown(timeline, timeMs)
  return reached
}

function timeOutside(timeline: Timeline, timeMs: number, reached: Zxid | undefined, from: Zxid): ZooArkError {
  if (reached === undefined)
    return new ZooArkError('POINT_NOT_REACHABLE', `${isoTime(timeMs)} is before the first recovery point of timeline ${timeline.id}`)
  const range = `${formatZxid(reached)} and ${formatZxid(from)}`
  return new ZooArkError('POINT_IN_GAP', `${isoTime(timeMs)} is in the gap of timeline ${timeline.id} between ${range}`)
}

function timeUnknown(timeline: Timeline, timeMs: number): ZooArkError {
  const known = isoTime(timeline.capturedAtMs)
  return new ZooArkError('POINT_NOT_REACHABLE', `${isoTime(timeMs)} is later than the last look at the source, ${known}`, {
    hint: 'Use latest for the newest state there is, or run `zooark backup` first.',
  })
}

/** For messages; a time that no calendar shows as its number. */
function isoTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`
}

/** zxid of the txn before the first in the range that is stamped later than `timeMs`; undefined when none is. */
async function firstLater(open: OpenSegment, timeMs: number, range: { after: Zxid; through: Zxid }): Promise<Zxid | undefined> {
  let before = range.after
  for (const [block, meta] of open.metas.entries()) {
    if (meta.last <= range.after) continue
    if (meta.first > range.through) return undefined
    if (meta.maxTimeMs <= timeMs) {
      before = meta.last
      continue
    }
    let found: Zxid | undefined
    await open.read(block, block + 1, range, {
      txns(window, starts, _ends, count) {
        for (let i = 0; i < count; i++) {
          if (payloadTimeMs(window, starts[i]) > timeMs) {
            found = before
            return
          }
          before = payloadZxid(window, starts[i])
        }
      },
    })
    if (found !== undefined) return found
  }
  return undefined
}

/** zxid of the latest deletion of exactly this znode: by a delete, within a multi, of a container, or with its session. */
async function latestDeletion(history: History, source: PointSource, timeline: Timeline, path: Uint8Array): Promise<Zxid> {
  const lineage = lineageOfTimeline(history, timeline.id)
  const points = usablePoints(lineage)
  const segments = usableSegments(lineage)
  const text = formatPath(path)
  let existedLater: boolean | undefined
  for (const interval of timeline.intervals.toReversed()) {
    const within = points.filter(({ zxid }) => interval.from <= zxid && zxid <= interval.through)
    let through = interval.through
    for (const [i, point] of within.toReversed().entries()) {
      const node = await lookupNode(source, point.state, path, 'inline')
      const owner = node === undefined ? undefined : sessionOfOwner(node.stat.ephemeralOwner, ownerRulesOf(point))
      const chain = chainFrom(segments, point.zxid, through).map(({ segment }) => segment)
      let deletedAt: Zxid | undefined
      let isThere = node !== undefined
      for await (const change of readPathChanges(source, chain, { after: point.zxid, through }, path, owner)) {
        isThere = change.effect !== 'deleted' && change.effect !== 'deleted-with-session'
        if (!isThere) deletedAt = change.zxid
      }
      if (i === 0 && isThere && existedLater === false) {
        throw new ZooArkError(
          'POINT_IN_GAP',
          `the deletion is in the gap of timeline ${timeline.id} after ${formatZxid(interval.through)}`,
          { place: { path: text } },
        )
      }
      if (deletedAt !== undefined) return deletedAt
      existedLater = node !== undefined
      through = point.zxid
    }
  }
  throw new ZooArkError('POINT_NOT_REACHABLE', `timeline ${timeline.id} holds no deletion of this znode`, { place: { path: text } })
}

/** How the server of the source told TTL znodes from ephemerals. */
export function ownerRulesOf(point: RecoveryPoint): OwnerRules {
  const rules = point.source['ownerRules']
  return rules === 'plain' || rules === 'emulate353' ? rules : 'extended'
}
