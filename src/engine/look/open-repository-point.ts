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
  const opened = await openNamed(place, context)
  return await pointOfRepository(opened, place.repository, pointText(options.at ?? place.point, place.timeline), context)
}

/** Without a point nothing divides the repository from a znode path; who forgot it is told so. */
async function openNamed(place: RepositoryPlace, context: RunContext): Promise<OpenedRepository> {
  try {
    return await openRepositoryToLook(place.repository, context)
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.code !== 'REPOSITORY_NOT_FOUND') throw error
    const hint = `${error.hint} A znode path stands behind a point: repo:REPO@latest/path.`
    throw new ZooArkError(error.code, error.message, { place: error.place, hint, cause: error })
  }
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
  const { point: base } = path
  const description = `repo:${name}@${formatZxid(zxid)}`
  if (base.zxid === zxid) {
    const about = { description, zxid, consistency: { class: base.consistency } }
    return { ...opened, timeline, ref: base.state, view: new StoredView(repository, base.state, about) }
  }
  const { tree, digestsChecked } = await loadPoint(repository, history, { timeline, zxid }, context)
  const about = { description, consistency: { class: digestsChecked > 0 ? ('exact' as const) : base.consistency } }
  return { ...opened, timeline, view: new TreeView(tree, about) }
}
