import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import type { JsonObject, JsonValue } from '../base/json.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import type { ObjectRef } from '../repository/types.ts'
import { JsonFields } from './json-fields.ts'
import type { StoredSegment } from './segment-writer.ts'
import type { StateRef } from './state-ref.ts'

/** What a commit says of ZooKeeper (docs/formats/archive.md, "Commit body"). JSON; 64-bit values are text. */
export const bodyFormat = 1

/**
 * `exact`: proved by ZooKeeper's digest; `contiguous`: no gap, but the source has no digest; `settled`: a client walk that converged at
 * one zxid; `per-node`: a client walk of an old server.
 */
export const consistencyClasses = ['exact', 'contiguous', 'settled', 'per-node'] as const
export type ConsistencyClass = (typeof consistencyClasses)[number]

/** How a timeline begins. The first of a repository has no parent. */
export interface TimelineStart {
  /** `1`, `2`, … in the order in which they were started. */
  readonly id: string
  readonly parent: string | null
  /** The last zxid that it shares with its parent; null without one. */
  readonly forkZxid: Zxid | null
  /** For people, for example `first backup`. */
  readonly reason: string
}

/** A whole state in the repository. */
export interface RecoveryPoint {
  readonly zxid: Zxid
  /** Time of the last txn in it, by the leader's clock; null where no txn tells. */
  readonly timeMs: number | null
  readonly state: StateRef
  /** ZooKeeper's digest (version 2) of the state as `0x…`. */
  readonly digest: string | null
  readonly consistency: ConsistencyClass
  readonly name: string | null
  /** The largest epoch seen anywhere in the source, in zxids and epoch files: a restore moves past it. */
  readonly maxEpochSeen: number
  /** Facts of the source as the flow that made the point knows them, for people and for restore. */
  readonly source: JsonObject
}

/** Txns that no source has any more: those in (after, before), both ends exclusive. */
export interface Gap {
  readonly after: Zxid
  readonly before: Zxid
  /** For people. */
  readonly cause: string
}

export interface CommitBody {
  /** What made the commit, for people: `backup`, `protect`, `restore`, … */
  readonly kind: string
  /** Only in the first commit of a timeline. */
  readonly start?: TimelineStart
  /** When the source was last looked at: what was committed there by then is in. Absent: unknown. */
  readonly capturedAtMs?: number
  readonly points: readonly RecoveryPoint[]
  readonly segments: readonly StoredSegment[]
  readonly gaps: readonly Gap[]
}

export function formatCommitBody(body: CommitBody): JsonObject {
  const { kind, start, capturedAtMs } = body
  return {
    format: bodyFormat,
    kind,
    ...(start === undefined ? {} : { start: { ...start, forkZxid: start.forkZxid === null ? null : formatZxid(start.forkZxid) } }),
    ...(capturedAtMs === undefined ? {} : { capturedAtMs }),
    points: body.points.map(formatPointRecord),
    segments: body.segments.map(formatSegment),
    gaps: body.gaps.map(({ after, before, cause }) => ({ after: formatZxid(after), before: formatZxid(before), cause })),
  }
}

/** @param object the head that holds the body. @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function parseCommitBody(body: JsonValue, object: string): CommitBody {
  const fields = new JsonFields(body, object, 'body')
  const format = fields.count('format')
  if (format > bodyFormat) throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `the commit has body format ${format}`, { place: { object } })
  const capturedAtMs = fields.numberOrNull('capturedAtMs')
  return {
    kind: fields.text('kind'),
    ...(fields.has('start') ? { start: parseStart(fields.object('start')) } : {}),
    ...(capturedAtMs === null ? {} : { capturedAtMs }),
    points: fields.list('points', parsePointRecord),
    segments: fields.list('segments', parseSegment),
    gaps: fields.list('gaps', (gap) => ({ after: gap.zxid('after'), before: gap.zxid('before'), cause: gap.text('cause') })),
  }
}

function parseStart(fields: JsonFields): TimelineStart {
  return {
    id: fields.text('id'),
    parent: fields.textOrNull('parent'),
    forkZxid: fields.zxidOrNull('forkZxid'),
    reason: fields.text('reason'),
  }
}

function formatPointRecord(point: RecoveryPoint): JsonObject {
  const { zxid, state, ...rest } = point
  return { zxid: formatZxid(zxid), ...rest, state: formatStateRef(state) }
}

function parsePointRecord(fields: JsonFields): RecoveryPoint {
  return {
    zxid: fields.zxid('zxid'),
    timeMs: fields.numberOrNull('timeMs'),
    state: parseStateRef(fields.object('state')),
    digest: fields.textOrNull('digest'),
    consistency: fields.oneOf('consistency', consistencyClasses),
    name: fields.textOrNull('name'),
    maxEpochSeen: fields.count('maxEpochSeen'),
    source: fields.raw('source'),
  }
}

export function formatStateRef(ref: StateRef): JsonObject {
  const { treeRoot, sessionsRoot, stateRoot, znodes, sessions, dataBytes, leaves, configMtime, configData, aclKeyFloor } = ref
  return {
    treeRoot: toHex(treeRoot),
    sessionsRoot: toHex(sessionsRoot),
    stateRoot: toHex(stateRoot),
    znodes,
    sessions,
    dataBytes,
    leaves,
    configMtime: configMtime === null ? null : `${configMtime}`,
    configData: configData === null ? null : toHex(configData),
    aclKeyFloor: `${aclKeyFloor}`,
  }
}

function parseStateRef(fields: JsonFields): StateRef {
  return {
    treeRoot: fields.hash('treeRoot'),
    sessionsRoot: fields.hash('sessionsRoot'),
    stateRoot: fields.hash('stateRoot'),
    znodes: fields.count('znodes'),
    sessions: fields.count('sessions'),
    dataBytes: fields.count('dataBytes'),
    leaves: fields.count('leaves'),
    configMtime: fields.has('configMtime') ? fields.bigint('configMtime') : null,
    configData: fields.has('configData') ? fields.bytes('configData') : null,
    aclKeyFloor: fields.bigint('aclKeyFloor'),
  }
}

function formatSegment(segment: StoredSegment): JsonObject {
  const { object, after, first, last, usable: _, ...rest } = segment
  const { key, sizeBytes, tailBytes } = object
  return { object: { key, sizeBytes, tailBytes }, ...rest, after: formatZxid(after), first: formatZxid(first), last: formatZxid(last) }
}

function parseSegment(fields: JsonFields): StoredSegment {
  const object = fields.object('object')
  const ref: ObjectRef = { key: object.text('key'), sizeBytes: object.count('sizeBytes'), tailBytes: object.count('tailBytes') }
  return {
    object: ref,
    timeline: fields.text('timeline'),
    after: fields.zxid('after'),
    first: fields.zxid('first'),
    last: fields.zxid('last'),
    firstTimeMs: fields.number('firstTimeMs'),
    lastTimeMs: fields.number('lastTimeMs'),
    maxTimeMs: fields.number('maxTimeMs'),
    count: fields.count('count'),
    previous: fields.textOrNull('previous'),
    digestBefore: fields.textOrNull('digestBefore'),
    digestAfter: fields.textOrNull('digestAfter'),
  }
}
