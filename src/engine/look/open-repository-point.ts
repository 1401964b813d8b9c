import { type History, readHistory } from '../../archive/history.ts'
import { planPath } from '../../archive/plan-path.ts'
import { resolvePoint } from '../../archive/resolve-point.ts'
import type { StateRef } from '../../archive/state-ref.ts'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid } from '../../model/zxid.ts'
import type { Repository } from '../../repository/types.ts'
import type { RepositoryPlace } from '../../source/place.ts'
import { loadPoint } from '../load-point.ts'
import { openToRead } from '../repository-place.ts'
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

/** @throws REPOSITORY_NOT_FOUND, REPOSITORY_FORMAT_TOO_NEW, REPOSITORY_DAMAGED, NOT_SUPPORTED */
export async function openRepositoryToLook(repo: string, context: RunContext): Promise<OpenedRepository> {
  const repository = await openToRead(repo, context)
  return { repository, history: await readHistory(repository) }
}

/**
 * Opens the state at a point. Where a recovery point stands at this zxid it is read in place, piece by piece; else the one before it is
 * loaded and the transactions up to the zxid are applied.
 * @throws BAD_POINT, POINT_…, REPOSITORY_…
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
  return { ...opened, timeline, view: new TreeView((await loadPoint(repository, history, { timeline, zxid }, context)).tree, about) }
}
