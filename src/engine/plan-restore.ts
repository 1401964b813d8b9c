import type { History } from '../archive/history.ts'
import { planPath, type ReplayPath } from '../archive/plan-path.ts'
import type { ResolvedPoint } from '../archive/resolve-point.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { epochOf, firstZxidOfEpoch, formatZxid, parseZxid, type Zxid } from '../model/zxid.ts'

/**
 * Exactly what a restore will do: plain JSON, 64-bit values as text. The plan that is shown is the plan that is run; before it runs it is made anew from
 * the repository as it is then, and any difference makes it stale. Page: docs/formats/restore-plan.md.
 */
export interface RestorePlan {
  readonly format: 1
  /** REPO as it was given, made absolute by whoever made the plan. */
  readonly repository: string
  readonly repositoryId: string
  readonly point: { readonly asked: string; readonly timeline: string; readonly zxid: string }
  /** The recovery point that is loaded, and the txns that are applied to it. */
  readonly base: {
    readonly zxid: string
    readonly stateRoot: string
    readonly digest: string | null
    readonly consistency: string
    readonly znodes: number
    readonly sessions: number
  }
  readonly segments: readonly string[]
  /** Digest of the state at the point where the repository knows it beforehand; replay proves every other. */
  readonly digest: string | null
  /** `client-safe`: zxid and epoch move forward, sessions and ephemerals are dropped. `exact`: everything as it was. */
  readonly mode: 'client-safe' | 'exact'
  /** In the name of the snapshot: what the servers start from. */
  readonly snapshotZxid: string
  /** Content of both epoch files. */
  readonly epoch: string
  readonly trailers: { readonly digest: 'write' | 'omit'; readonly lastProcessedZxid: 'write' | 'omit' }
  readonly target: {
    readonly directory: string
    /** dataLogDir, which must be empty: a log in it would be replayed over the restored state. */
    readonly logDirectory: string | null
    /** Ids of the servers, one directory each; null for one directory without a myid. */
    readonly servers: readonly string[] | null
  }
}

export interface RestoreRequest {
  readonly repository: string
  readonly mode: RestorePlan['mode']
  readonly target: RestorePlan['target']
  /** The restored epoch is at least this, where clients have seen a newer one than the repository. */
  readonly epochMin?: bigint
}

/** Pure. @throws POINT_NOT_REACHABLE, POINT_IN_GAP; USAGE for an epoch that contradicts --exact or that no zxid can carry */
export function planRestore(history: History, repositoryId: string, point: ResolvedPoint, request: RestoreRequest): RestorePlan {
  const path = planPath(history, point.timeline, point.zxid)
  const snapshotZxid = request.mode === 'exact' ? point.zxid : nextEpochZxid(history, request.epochMin)
  if (request.mode === 'exact' && request.epochMin !== undefined) {
    throw new ZooArkError('USAGE', 'an exact restore keeps its epoch', { hint: 'Leave out --epoch, or leave out --exact.' })
  }
  const { state, zxid, digest, consistency, source } = path.point
  return {
    format: 1,
    repository: request.repository,
    repositoryId,
    point: { asked: point.asked, timeline: point.timeline, zxid: formatZxid(point.zxid) },
    base: {
      zxid: formatZxid(zxid),
      stateRoot: toHex(state.stateRoot),
      digest,
      consistency,
      znodes: state.znodes,
      sessions: state.sessions,
    },
    segments: path.segments.map(({ object }) => object.key),
    digest: knownDigest(path),
    mode: request.mode,
    snapshotZxid: formatZxid(snapshotZxid),
    epoch: String(epochOf(snapshotZxid)),
    trailers: {
      digest: source['digestTrailer'] === true ? 'write' : 'omit',
      lastProcessedZxid: source['lastProcessedZxidTrailer'] === true ? 'write' : 'omit',
    },
    target: request.target,
  }
}

function knownDigest({ point, segments, zxid }: ReplayPath): string | null {
  if (point.zxid === zxid) return point.digest
  const last = segments.at(-1)
  return last?.last === zxid ? last.digestAfter : null
}

/** Counter 0 of the epoch after every epoch that any timeline of the repository has seen. */
function nextEpochZxid(history: History, epochMin: bigint | undefined): Zxid {
  let epochMax = 0n
  for (const { points, intervals } of history.timelines) {
    for (const { maxEpochSeen } of points) if (BigInt(maxEpochSeen) > epochMax) epochMax = BigInt(maxEpochSeen)
    for (const { through } of intervals) if (epochOf(through) > epochMax) epochMax = epochOf(through)
  }
  const next = epochMax + 1n
  return firstZxidOfEpoch(epochMin !== undefined && epochMin > next ? epochMin : next)
}

/** Reads a saved plan. @throws USAGE when it is none */
export function parseRestorePlan(text: string, file: string): RestorePlan {
  const refuse = (what: string): ZooArkError =>
    new ZooArkError('USAGE', `not a restore plan: ${what}`, {
      place: { file },
      hint: 'Make one with `zooark restore … --dry-run --plan FILE`.',
    })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error))
  }
  if (typeof value !== 'object' || value === null || !('format' in value)) throw refuse('it has no format')
  if (value.format !== 1) throw refuse(`its format is ${JSON.stringify(value.format)}, this version knows 1`)
  const plan = value as Partial<RestorePlan>
  const isWhole =
    typeof plan.repository === 'string' &&
    typeof plan.point?.zxid === 'string' &&
    typeof plan.point.timeline === 'string' &&
    typeof plan.point.asked === 'string'
  if (!isWhole || (plan.mode !== 'client-safe' && plan.mode !== 'exact')) throw refuse('repository, point or mode is missing')
  const { target } = plan
  const isTarget = typeof target?.directory === 'string' && (target.logDirectory === null || typeof target.logDirectory === 'string')
  const areServers =
    target?.servers === null || (Array.isArray(target?.servers) && target.servers.every((id) => /^\d{1,3}$/.test(String(id))))
  if (!isTarget || !areServers || typeof plan.epoch !== 'string' || !/^\d{1,10}$/.test(plan.epoch))
    throw refuse('the target or the epoch is not one')
  parseZxid(plan.point?.zxid ?? '')
  return plan as RestorePlan
}
