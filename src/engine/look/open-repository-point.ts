import { type History, readHistory } from '../../archive/history.ts'
import { loadState } from '../../archive/load-state.ts'
import { type ReplayPath, planPath } from '../../archive/plan-path.ts'
import { resolvePoint } from '../../archive/resolve-point.ts'
import { payloadZxid } from '../../archive/segment-format.ts'
import { readSegments } from '../../archive/segment-reader.ts'
import type { StateRef } from '../../archive/state-ref.ts'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid } from '../../model/zxid.ts'
import { openRepository } from '../../repository/repository.ts'
import type { Repository } from '../../repository/types.ts'
import type { RepositoryPlace } from '../../source/place.ts'
import { localStore } from '../../storage/local-store.ts'
import { readOnlyStore } from '../../storage/read-only-store.ts'
import { DataTree } from '../../tree/data-tree.ts'
import type { RunContext } from '../run-context.ts'
import type { StateView } from './state-view.ts'
import { StoredView } from './stored-view.ts'
import { TreeView } from './tree-view.ts'

/** A repository that is only looked at. */
export interface OpenedRepository {
  readonly repository: Repository
  readonly history: History
}

/** A point of a repository, open. */
export interface OpenedRepositoryPoint extends OpenedRepository {
  readonly view: StateView
  readonly timeline: string
  /** Where the state itself stands in the repository; absent when it is reached by replaying transactions. */
  readonly ref?: StateRef
}

/** Never written: nothing that looks may write. */
const writerName = 'zooark look'

/** @param path of a repository on this machine. @throws REPOSITORY_NOT_FOUND, REPOSITORY_FORMAT_TOO_NEW, REPOSITORY_DAMAGED, NOT_SUPPORTED */
export async function openRepositoryToLook(path: string, context: RunContext): Promise<OpenedRepository> {
  if (/^[a-z0-9]+:\/\//i.test(path))
    throw new ZooArkError('NOT_SUPPORTED', `repositories elsewhere than on disk are not built yet: ${path}`)
  const repository = await openRepository(readOnlyStore(localStore(path)), { clock: context.clock, writer: writerName })
  return { repository, history: await readHistory(repository) }
}

/**
 * Opens the state at a point. Where a recovery point stands at this zxid it is read in place, piece by piece; else the one before it is
 * loaded and the transactions up to the zxid are applied.
 * @throws BAD_POINT, POINT_…, REPOSITORY_…, REPLAY_DIVERGED
 */
export async function openRepositoryPoint(
  place: RepositoryPlace,
  options: { readonly at?: string },
  context: RunContext,
): Promise<OpenedRepositoryPoint> {
  if (options.at !== undefined && place.point !== 'latest') {
    throw new ZooArkError('USAGE', `the place names the point ${place.point} and --at another one`, { hint: 'Give only one of them.' })
  }
  const opened = await openRepositoryToLook(place.repository, context)
  return await pointOfRepository(opened, place.repository, pointText(options.at ?? place.point, place.timeline), context)
}

function pointText(point: string, timeline: string | undefined): string {
  return timeline === undefined ? point : `${point}@${timeline}`
}

/** As `openRepositoryPoint`, of a repository that is open. @param name for messages */
export async function pointOfRepository(
  opened: OpenedRepository,
  name: string,
  point: string,
  context: RunContext,
): Promise<OpenedRepositoryPoint> {
  const { repository, history } = opened
  const { timeline, zxid } = await resolvePoint(history, repository, point, context.clock.nowMs())
  const path = planPath(history, timeline, zxid)
  const about = { description: `repo:${name}@${formatZxid(zxid)}`, consistency: { class: path.point.consistency } }
  if (path.point.zxid === zxid) {
    const ref = path.point.state
    return { ...opened, timeline, ref, view: new StoredView(repository, ref, { ...about, zxid }) }
  }
  return { ...opened, timeline, view: new TreeView(await replayPath(repository, path, context), about) }
}

/** The state at the end of a path, in memory. @throws REPLAY_DIVERGED when a transaction does not fit, REPOSITORY_DAMAGED */
export async function replayPath(repository: Repository, path: ReplayPath, context: RunContext): Promise<DataTree> {
  const { point, segments, zxid } = path
  const tree = await loadState(repository, point.state, new DataTree({ expectedNodes: point.state.znodes }), point.zxid)
  let done = 0
  await readSegments(
    repository,
    segments,
    { after: point.zxid, through: zxid },
    {
      txns: (window, starts, ends, count) => {
        context.signal.throwIfAborted()
        for (let i = 0; i < count; i++) {
          const outcome = tree.applyTxn(window, starts[i], ends[i])
          if (outcome.verdict !== 'unexpected' && outcome.digest !== 'mismatch') continue
          const what =
            outcome.digest === 'mismatch'
              ? 'the state does not have the digest of the txn'
              : `the txn does not fit the state (${outcome.reason})`
          throw new ZooArkError('REPLAY_DIVERGED', what, {
            place: { zxid: formatZxid(payloadZxid(window, starts[i])) },
            hint: 'Run `zooark verify --level replay` to see which points of the repository stand.',
          })
        }
        done += count
        context.onProgress({ step: 'replaying', unit: 'txns', done })
      },
    },
  )
  return tree
}
