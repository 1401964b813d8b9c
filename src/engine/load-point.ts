import type { History } from '../archive/history.ts'
import { loadState, type StateTarget } from '../archive/load-state.ts'
import { planPath, type ReplayPath } from '../archive/plan-path.ts'
import type { RecoveryPoint } from '../archive/commit-body.ts'
import { ownerRulesOf, type PointSource } from '../archive/resolve-point.ts'
import { readSegments } from '../archive/segment-reader.ts'
import type { ChunkSource, StateRef } from '../archive/state-ref.ts'
import { ZooArkError } from '../base/errors.ts'
import { formatZxid, type Zxid } from '../model/zxid.ts'
import { DataTree } from '../tree/data-tree.ts'
import type { RunContext } from './run-context.ts'
import { SegmentReplay } from './verify/segment-replay.ts'

export interface LoadedPoint {
  /** Stands at the zxid asked for. */
  readonly tree: DataTree
  readonly path: ReplayPath
  /** Txns replayed after the recovery point. */
  readonly txns: number
  /** Comparisons with ZooKeeper's own digest, all equal: that of the recovery point, where it has one, and those of the txns. */
  readonly digestsChecked: number
}

/**
 * The state after one txn: the nearest recovery point before it, proved by its root, and every txn from there, each proved by its digest
 * where it carries one. Nothing is approximated.
 *
 * What does not fit is REPOSITORY_DAMAGED and not REPLAY_DIVERGED: a backup keeps only txns that it has replayed itself, so a
 * contradiction here came into being after the source was left, and another server of the ensemble would not help.
 * @throws POINT_IN_GAP, POINT_NOT_REACHABLE, REPOSITORY_DAMAGED, OBJECT_NOT_FOUND, and the reason of the signal
 */
export async function loadPoint(
  repository: PointSource,
  history: History,
  target: { readonly timeline: string; readonly zxid: Zxid },
  context: Pick<RunContext, 'signal' | 'onProgress'>,
): Promise<LoadedPoint> {
  const path = planPath(history, target.timeline, target.zxid)
  const tree = await loadRecoveryPoint(repository, path.point, context)
  const pointDigests = checkPointDigest(path.point, tree)
  const total = countTxns(path)
  const replay = new SegmentReplay(tree, path.segments, (done) => {
    context.signal.throwIfAborted()
    context.onProgress({ step: 'replaying', unit: 'txns', done, ...(total === undefined ? {} : { total }) })
  })
  await readSegments(repository, path.segments, { after: path.point.zxid, through: path.zxid }, replay)
  const reached = replay.last ?? path.point.zxid
  if (reached !== path.zxid) throw noSuchTxn(path.zxid, reached)
  return { tree, path, txns: replay.count, digestsChecked: pointDigests + replay.digestsChecked }
}

/** The state of a recovery point, proved by its root. @throws REPOSITORY_DAMAGED, OBJECT_NOT_FOUND, and the reason of the signal */
export async function loadRecoveryPoint(
  source: ChunkSource,
  point: RecoveryPoint,
  context: Pick<RunContext, 'signal' | 'onProgress'>,
): Promise<DataTree> {
  const { state, zxid } = point
  const tree = new DataTree({ expectedNodes: expectedNodes(state), ownerRules: ownerRulesOf(point) })
  const watched: ChunkSource = {
    chunks: (ids) => {
      context.signal.throwIfAborted()
      return source.chunks(ids)
    },
  }
  try {
    await loadState(watched, state, new CountingTarget(tree, state.znodes, context), zxid)
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.code !== 'SNAPSHOT_DAMAGED') throw error
    // The chunks are what was written, and what was written is no tree.
    throw new ZooArkError('REPOSITORY_DAMAGED', `the recovery point is no state: ${error.message}`, {
      place: { ...error.place, zxid: formatZxid(zxid) },
      cause: error,
    })
  }
  return tree
}

/** Room made beforehand for what a commit claims; what a chunk really holds is not limited by it. */
const expectedNodesMax = 16 * 1024 * 1024

function expectedNodes({ znodes }: StateRef): number {
  return Math.min(znodes, expectedNodesMax)
}

/**
 * The digest that a point names must be that of its state.
 * @returns 1 where it counts as a comparison with ZooKeeper: the digest of any other point was computed here, when it was backed up
 * @throws REPOSITORY_DAMAGED
 */
export function checkPointDigest(point: RecoveryPoint, tree: DataTree): 0 | 1 {
  if (point.digest === null) return 0
  const found = tree.digest()
  if (/^0x[0-9a-f]{1,16}$/.test(point.digest) && BigInt(point.digest) === found) return point.consistency === 'exact' ? 1 : 0
  throw new ZooArkError(
    'REPOSITORY_DAMAGED',
    `the recovery point has the digest 0x${found.toString(16)}, its commit says ${point.digest}`,
    {
      place: { zxid: formatZxid(point.zxid) },
    },
  )
}

/** Unknown where the last segment goes on behind the zxid. */
function countTxns({ segments, point, zxid }: ReplayPath): number | undefined {
  const [first, last] = [segments.at(0), segments.at(-1)]
  if (first === undefined || last === undefined) return 0
  if (first.after !== point.zxid || last.last !== zxid) return undefined
  return segments.reduce((sum, { count }) => sum + count, 0)
}

function noSuchTxn(zxid: Zxid, reached: Zxid): ZooArkError {
  return new ZooArkError('POINT_NOT_REACHABLE', `no txn has this zxid; the one before it has ${formatZxid(reached)}`, {
    place: { zxid: formatZxid(zxid) },
    hint: `Use ${formatZxid(reached)} for the state at that moment.`,
  })
}

/** Tells how far the load is. */
class CountingTarget implements StateTarget {
  readonly #tree: DataTree
  readonly #total: number
  readonly #context: Pick<RunContext, 'onProgress'>
  #done = 0

  constructor(tree: DataTree, total: number, context: Pick<RunContext, 'onProgress'>) {
    this.#tree = tree
    this.#total = total
    this.#context = context
  }

  addSession(idHi: number, idLo: number, timeoutMs: number): void {
    this.#tree.addSession(idHi, idLo, timeoutMs)
  }

  addAcl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.#tree.addAcl(keyHi, keyLo, bytes, start, end)
  }

  adoptRecords(window: Uint8Array, starts: Uint32Array, count: number): void {
    this.#tree.adoptRecords(window, starts, count)
    this.#done += count
    this.#context.onProgress({ step: 'loading', unit: 'znodes', done: this.#done, total: this.#total })
  }

  finishLoad(zxid: Zxid): void {
    this.#tree.finishLoad(zxid)
  }
}
