import type { DraftPlace } from '../../archive/archive-draft.ts'
import type { RecoveryPoint } from '../../archive/commit-body.ts'
import { type History, newestTimeline, readHistory, type Timeline } from '../../archive/history.ts'
import type { RestorableInterval } from '../../archive/intervals.ts'
import { hashOnlySink } from '../../archive/state-ref.ts'
import { writeState } from '../../archive/write-state.ts'
import { equalBytes } from '../../base/bytes.ts'
import { ZooArkError } from '../../base/errors.ts'
import { epochOf, firstZxidOfEpoch, follows, formatZxid, type Zxid } from '../../model/zxid.ts'
import type { Repository } from '../../repository/types.ts'
import type { DataDirectory } from '../../source/data-directory.ts'
import { loadSnapshotTree } from '../../replay/load-snapshot-tree.ts'
import { Settling } from '../../replay/settling.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { loadPoint } from '../load-point.ts'
import { openToWrite } from '../repository-place.ts'
import type { RunContext } from '../run-context.ts'
import { compareAges } from './compare-ages.ts'
import { relate } from './relation.ts'
import type { StretchStart } from './source-base.ts'

/** Where a backup begins. */
export interface BackupStart {
  /** Null where there is no repository yet. */
  readonly opened: { readonly repository: Repository; readonly history: History } | null
  readonly place: DraftPlace
  /** The repository's newest state, to go on from; undefined: a snapshot of the source is the base. */
  readonly first: StretchStart | undefined
  /** Bases are snapshots named above this. */
  readonly snapshotsAfter: Zxid | undefined
  /** What a new base leaves behind it. */
  readonly gap: { readonly after: Zxid; readonly cause: string } | null
  readonly interval: RestorableInterval | undefined
  readonly point: RecoveryPoint | undefined
  readonly timeMs: number | null
}

const nothingBefore = { first: undefined, snapshotsAfter: undefined, gap: null, interval: undefined, point: undefined, timeMs: null }

/** Finds out whether the source goes on where the repository ends, has left a gap, or tells another history. */
export async function findStart(directory: DataDirectory, store: ObjectStore, context: RunContext): Promise<BackupStart> {
  const repository = await openIfThere(store, context)
  const isFirst = { start: { parent: null, forkZxid: null, reason: 'first backup' } }
  if (repository === undefined) return { ...nothingBefore, opened: null, place: isFirst }
  const history = await readHistory(repository)
  const opened = { repository, history }
  const newest = newestTimeline(history)
  const interval = newest?.intervals.at(-1)
  if (newest === undefined || interval === undefined) return { ...nothingBefore, opened, place: isFirst }
  const parts: StartParts = { directory, opened, timeline: newest, interval, context }
  const relation = await relate(directory, repository, history, newest, interval.through)
  if (relation.kind === 'continues') return goOn(parts)
  const older = await olderTimeline(parts)
  if (older !== undefined) return goOn(older)
  switch (relation.kind) {
    case 'behind':
      context.onNotice(`the source ends at ${formatZxid(relation.last)}, before what the repository holds already; there is nothing to add`)
      return goOn(parts)
    case 'later':
      return goOnLater(parts, relation.first)
    case 'other':
      return fork(parts, relation.common, 'the source holds other transactions than the repository')
  }
}

/** Timelines that a source is compared with: it belongs to one of the last, and each comparison reads a log of it. */
const timelinesCompared = 16

/** An older timeline whose very last txn the source has: a server that was not restored goes on there. */
async function olderTimeline(parts: StartParts): Promise<StartParts | undefined> {
  const { directory, opened } = parts
  const { repository, history } = opened
  for (const timeline of history.timelines.slice(-timelinesCompared, -1).toReversed()) {
    const interval = timeline.intervals.at(-1)
    if (interval === undefined) continue
    const relation = await relate(directory, repository, history, timeline, interval.through)
    if (relation.kind === 'continues' && relation.by === 'txn') return { ...parts, timeline, interval }
  }
  return undefined
}

interface StartParts {
  readonly directory: DataDirectory
  readonly opened: { readonly repository: Repository; readonly history: History }
  readonly timeline: Timeline
  readonly interval: RestorableInterval
  readonly context: RunContext
}

async function openIfThere(store: ObjectStore, context: RunContext): Promise<Repository | undefined> {
  try {
    return await openToWrite(store, context)
  } catch (error) {
    if (error instanceof ZooArkError && error.code === 'REPOSITORY_NOT_FOUND') return undefined
    throw error
  }
}

async function goOn({ opened, timeline, interval, context }: StartParts): Promise<BackupStart> {
  const { tree, path } = await loadPoint(opened.repository, opened.history, { timeline: timeline.id, zxid: interval.through }, context)
  const zxid = interval.through
  const settling = new Settling({
    zxid,
    maxZxidSeen: zxid,
    isProved: path.point.consistency === 'exact',
    hasDigests: path.point.source['digestTrailer'] === true,
    from: 'known-state',
  })
  return {
    opened,
    place: { timeline: timeline.id },
    first: { tree, settling, zxid, facts: path.point.source, maxZxidSeen: zxid },
    snapshotsAfter: zxid,
    gap: { after: zxid, cause: '' },
    interval,
    point: path.point,
    timeMs: interval.throughTimeMs,
  }
}

/**
 * No log of the source reaches back to what the repository has last. Its oldest snapshot tells: the same state means that nothing is missing, an older
 * one at the start of a later epoch means that the source was taken back (a restore), anything else is a gap.
 */
async function goOnLater(parts: StartParts, first: Zxid | undefined): Promise<BackupStart> {
  const { directory, opened, timeline, interval } = parts
  const latest = interval.through
  const snapshot = directory.snapshots.find(({ zxid }) => zxid >= latest)
  if (snapshot === undefined)
    return first === undefined ? goOn(parts) : fork(parts, undefined, 'the source shares no transaction with the repository')
  const { tree } = await loadSnapshotTree(snapshot.file, { zxid: snapshot.zxid })
  const isNewEpoch = snapshot.zxid === firstZxidOfEpoch(epochOf(snapshot.zxid)) && epochOf(snapshot.zxid) > epochOf(latest)
  if (snapshot.zxid === latest || isNewEpoch) {
    const resumed = await goOn(parts)
    const known = resumed.first === undefined ? undefined : await writeState(hashOnlySink, resumed.first.tree)
    const found = await writeState(hashOnlySink, tree)
    const goesOn = first === undefined || follows(latest, first)
    if (known !== undefined && goesOn && equalBytes(known.treeRoot, found.treeRoot)) return resumed
    const ages = resumed.first === undefined ? undefined : compareAges(resumed.first.tree, tree)
    if (ages?.isTakenBack === true) {
      return fork(
        parts,
        ages.newest,
        `the source was taken back to ${formatZxid(ages.newest)} and goes on from ${formatZxid(snapshot.zxid)}`,
      )
    }
  }
  const cause = `the logs after ${formatZxid(latest)} were gone from the source before they were backed up`
  return {
    ...nothingBefore,
    opened,
    place: { timeline: timeline.id },
    snapshotsAfter: latest,
    gap: { after: latest, cause },
    interval,
    point: timeline.points.at(-1),
    timeMs: null,
  }
}

function fork({ opened, timeline, interval, context }: StartParts, common: Zxid | undefined, why: string): BackupStart {
  const forkZxid = common !== undefined && common < interval.from ? undefined : common
  context.onNotice(`a new timeline is started: ${why}`)
  const start = forkZxid === undefined ? { parent: null, forkZxid: null, reason: why } : { parent: timeline.id, forkZxid, reason: why }
  return { ...nothingBefore, opened, place: { start } }
}
