import { ZooArkError } from '../../base/errors.ts'
import { diffStates } from '../../archive/diff-states.ts'
import type { StateNode } from '../../archive/node-cursor.ts'
import { loadState } from '../../archive/load-state.ts'
import { encodePath } from '../../model/znode-path.ts'
import { DataTree } from '../../tree/data-tree.ts'
import type { RunContext } from '../run-context.ts'
import { type ComparedZnode, type Difference, changedZnode, createdZnode, deletedZnode } from './difference.ts'
import { type IgnoredAspects, countedDifference } from './ignored-aspects.ts'
import { diffTrees } from './diff-trees.ts'
import { type OpenedPlace, openPlace } from './open-place.ts'
import { type OpenedRepository, openRepositoryToLook, pointOfRepository } from './open-repository-point.ts'
import { type SessionView, type StateView, isWithin } from './state-view.ts'
import { StoredView } from './stored-view.ts'
import { aclOfStored } from './stored-view.ts'
import { TreeView } from './tree-view.ts'

export interface DifferenceCounts {
  created: number
  deleted: number
  changed: number
  /** Sessions that only one side has, or that have another timeout. */
  sessions: number
}

/** Both sides of a comparison, open. */
export interface ComparedPlaces {
  readonly a: OpenedPlace
  readonly b: OpenedPlace
  /** The znode path that the comparison is limited to, as text. */
  readonly path: string
}

/**
 * Opens both sides. With `repo`, a side that is no place is a point of that repository, which is then opened once for both.
 * A znode path behind a place limits the comparison to it; both must then name the same one.
 * @throws USAGE, BAD_PLACE, BAD_POINT and what opening throws
 */
export async function openBoth(
  a: string,
  b: string,
  options: { readonly repo?: string; readonly path?: string },
  context: RunContext,
): Promise<ComparedPlaces> {
  const { repo } = options
  const opened = repo === undefined ? undefined : await openRepositoryToLook(repo, context)
  const openSide = (text: string): Promise<OpenedPlace> =>
    opened === undefined || repo === undefined || isPlace(text) ? openPlace(text, {}, context) : openPoint(opened, repo, text, context)
  const first = await openSide(a)
  const second = await openSide(b)
  const paths = [first.znode, second.znode, options.path].filter((path) => path !== undefined && path !== '/')
  if (new Set(paths).size > 1) {
    throw new ZooArkError('USAGE', `the sides name different znodes: ${[...new Set(paths)].join(' and ')}`, {
      hint: 'Compare the same path on both sides; give it once with --path.',
    })
  }
  return { a: first, b: second, path: paths[0] ?? '/' }
}

async function openPoint(opened: OpenedRepository, repo: string, text: string, context: RunContext): Promise<OpenedPlace> {
  const stored = await pointOfRepository(opened, repo, text, context)
  return { view: stored.view, znode: '/', stored }
}

/** Points begin like none of these. */
function isPlace(text: string): boolean {
  return /^[./]|^(file|repo):/.test(text)
}

/**
 * What turns side a into side b, in tree order. Two recovery points of one repository are compared by their chunks, which costs what
 * differs; everything else is walked side by side in memory.
 */
export async function* diffPlaces(places: ComparedPlaces, ignored: IgnoredAspects): AsyncGenerator<Difference> {
  for await (const difference of allDifferences(places)) {
    const counted = countedDifference(difference, ignored)
    if (counted !== undefined) yield counted
  }
}

async function* allDifferences({ a, b, path }: ComparedPlaces): AsyncGenerator<Difference> {
  const bytes = encodePath(path)
  const [aRef, bRef] = [a.stored?.ref, b.stored?.ref]
  if (a.stored !== undefined && aRef !== undefined && bRef !== undefined && a.stored.repository.id === b.stored?.repository.id) {
    for await (const change of diffStates(a.stored.repository, aRef, bRef)) {
      if (!isWithin(change.path, 0, change.path.length, bytes)) continue
      if (change.change === 'created') yield createdZnode(change.path, comparedOf(change.after))
      else if (change.change === 'deleted') yield deletedZnode(change.path, comparedOf(change.before))
      else yield changedZnode(change.path, comparedOf(change.before), comparedOf(change.after))
    }
    return
  }
  yield* diffTrees(await inMemory(a.view), await inMemory(b.view), bytes)
}

function comparedOf({ data, acl, stat }: StateNode): ComparedZnode {
  return { data: data ?? null, acl: aclOfStored(acl), stat }
}

async function inMemory(view: StateView): Promise<TreeView> {
  if (view instanceof TreeView) return view
  if (!(view instanceof StoredView)) throw new ZooArkError('BUG', 'a view that is neither stored nor a tree')
  const tree = await loadState(view.source, view.ref, new DataTree({ digestChecks: 'none' }), view.zxid)
  return new TreeView(tree, view)
}

/** Sessions that differ; 0 when only a part of the state is compared, or when they are ignored. */
export async function countSessionDifferences({ a, b, path }: ComparedPlaces, ignored: IgnoredAspects): Promise<number> {
  if (path !== '/' || ignored.sessions === 'ignore') return 0
  const before = new Map((await a.view.sessions()).map((session) => [session.id, session]))
  const after: readonly SessionView[] = await b.view.sessions()
  let different = 0
  for (const session of after) {
    const other = before.get(session.id)
    if (other?.timeoutMs !== session.timeoutMs) different++
    before.delete(session.id)
  }
  return different + before.size
}
