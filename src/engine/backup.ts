import type { RecoveryPoint } from '../archive/commit-body.ts'
import { ZooArkError } from '../base/errors.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import { type DataDirectory, openDataDirectory } from '../source/data-directory.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type BackupStart, findStart } from './backup/find-start.ts'
import { Recorder } from './backup/recorder.ts'
import { checkSource, loadOldestBase } from './backup/source-base.ts'
import { recordStretch, type StretchSizes, type StretchRequest, type StretchResult } from './backup/stretch.ts'
import type { RunContext } from './run-context.ts'

export interface BackupRequest {
  readonly dataDir: string
  readonly dataLogDir?: string
  readonly store: ObjectStore
  /** Name of the recovery point at the end. */
  readonly name?: string
  readonly sizes?: StretchSizes | undefined
}

export interface RecordedGap {
  readonly after: Zxid
  readonly before: Zxid
  readonly cause: string
}

export interface BackupReport {
  readonly source: string
  readonly repository: string
  readonly timeline: string
  /** What a restore can reach now without crossing a gap: the newest stretch. */
  readonly first: Zxid
  readonly last: Zxid
  readonly base: 'new' | 'continued' | 'unchanged'
  readonly txns: number
  /** The newest recovery point. */
  readonly point: RecoveryPoint
  readonly bytesRead: number
  readonly bytesStored: number
  /** Gaps recorded by this backup. */
  readonly gaps: readonly RecordedGap[]
  /** What could not be taken and is not a gap between two stretches: the backup is incomplete. */
  readonly losses: readonly string[]
}

/**
 * Brings a repository up to the newest transaction of a data directory: continues where it ended, takes a new base where nothing or only a gap leads on,
 * starts a new timeline where the source's history is another one. What it reports is committed.
 * @throws SOURCE_…, REPOSITORY_…, POINT_NOT_SETTLED when no snapshot becomes a state
 */
export async function backUp(request: BackupRequest, context: RunContext): Promise<BackupReport> {
  const directory = await openDataDirectory(request.dataDir, request.dataLogDir)
  try {
    checkSource(directory)
    const start = await findStart(directory, request.store, context)
    const recorder = new Recorder(request.store, start.opened, start.place, context)
    const recorded = await recordAll(directory, start, recorder, request, context)
    return planReport(directory, request, start, recorder, recorded)
  } finally {
    await directory.close()
  }
}

interface Recorded {
  readonly stretches: readonly StretchResult[]
  readonly gaps: readonly RecordedGap[]
  readonly losses: readonly string[]
}

/** Stretch after stretch, each from the snapshot behind the break that ended the one before. */
async function recordAll(
  directory: DataDirectory,
  start: BackupStart,
  recorder: Recorder,
  { name = null, sizes }: { readonly name?: string | null; readonly sizes?: StretchSizes | undefined },
  context: RunContext,
): Promise<Recorded> {
  const stretches: StretchResult[] = []
  const gaps: RecordedGap[] = []
  const losses: string[] = []
  let next = start.first
  let snapshotsAfter = start.snapshotsAfter
  let gap = start.gap
  for (;;) {
    const onDamaged = (snapshot: { file: { path: string } }, error: ZooArkError): void => {
      losses.push(`${snapshot.file.path} was passed over: ${error.message}`)
      context.onNotice(`${snapshot.file.path} was passed over: ${error.message}`)
    }
    const candidates = directory.snapshots.filter(({ zxid }) => snapshotsAfter === undefined || zxid > snapshotsAfter)
    const base: StretchRequest['base'] = next === undefined ? 'new' : 'known'
    const from = next ?? (await loadOldestBase(candidates, directory, onDamaged))
    if (from === undefined) break
    next = undefined
    const result = await recordStretch(
      { directory, start: from, base, gap, name, timeMs: start.timeMs, epochKnown: BigInt(start.point?.maxEpochSeen ?? 0), sizes },
      recorder,
      context,
    )
    if (result.interval !== undefined) {
      if (gap !== null && base === 'new') gaps.push({ after: gap.after, before: result.interval.from, cause: gap.cause })
      stretches.push(result)
      gap = { after: result.interval.through, cause: '' }
    }
    snapshotsAfter = base === 'known' || result.interval === undefined ? maxZxid(from.zxid, snapshotsAfter) : result.interval.through
    if (result.end.kind === 'end' && result.interval !== undefined) return { stretches, gaps, losses }
    const cause = causeOf(result)
    if (gap !== null) gap = { after: gap.after, cause }
    if (result.interval !== undefined) losses.push(cause)
  }
  if (stretches.length === 0 && start.first === undefined) throw neverSettled(directory, losses)
  if (name !== null) losses.push(`the name ${name} was not given: the newest state of the source could not be reached`)
  return { stretches, gaps, losses }
}

function maxZxid(a: Zxid, b: Zxid | undefined): Zxid {
  return b === undefined || a > b ? a : b
}

function causeOf({ end }: StretchResult): string {
  switch (end.kind) {
    case 'hole':
      return `the logs of the source hold nothing between ${formatZxid(end.after)} and ${formatZxid(end.before)}`
    case 'damage':
      return `a log of the source is damaged: ${end.error.message} (${end.error.place.file ?? ''} at byte ${end.error.place.offset ?? 0})`
    case 'contradiction':
      return `the log does not follow from the state at ${formatZxid(end.at)}: ${end.what}`
    case 'end':
      return 'the logs end before the snapshot becomes a state'
  }
}

function neverSettled(directory: DataDirectory, losses: readonly string[]): ZooArkError {
  const why = losses.length === 0 ? 'the logs do not lead on from any snapshot' : losses.join('; ')
  return new ZooArkError('POINT_NOT_SETTLED', `no snapshot of the directory becomes a state: ${why}`, {
    place: { file: directory.listing.snapshotDir },
    hint: 'Name the log directory with ?log=/dataLogDir if it is apart; or back up another server of the ensemble.',
  })
}

function planReport(
  directory: DataDirectory,
  request: BackupRequest,
  start: BackupStart,
  recorder: Recorder,
  recorded: Recorded,
): BackupReport {
  const { stretches, gaps, losses } = recorded
  const interval = stretches.at(-1)?.interval ?? start.interval
  const point = stretches.at(-1)?.point ?? start.point
  if (interval === undefined || point === undefined) throw new ZooArkError('BUG', 'a backup ends with a state')
  const txns = stretches.reduce((sum, stretch) => sum + stretch.txns, 0)
  const hasNewBase = start.first === undefined || stretches.length > 1
  return {
    source: directory.description,
    repository: request.store.description,
    timeline: recorder.timeline ?? '1',
    first: hasNewBase ? interval.from : (start.interval?.from ?? interval.from),
    last: interval.through,
    base: hasNewBase ? 'new' : txns > 0 ? 'continued' : 'unchanged',
    txns,
    point,
    bytesRead: [...directory.snapshots, ...directory.logs].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    bytesStored: recorder.writtenBytes,
    gaps,
    losses,
  }
}
