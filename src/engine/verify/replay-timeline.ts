import type { RecoveryPoint } from '../../archive/commit-body.ts'
import { type History, lineageOfTimeline, type Timeline } from '../../archive/history.ts'
import { chainFrom, type RestorableInterval, usablePoints, type UsableSegment, usableSegments } from '../../archive/intervals.ts'
import type { PointSource } from '../../archive/resolve-point.ts'
import { readSegment } from '../../archive/segment-reader.ts'
import { hashOnlySink } from '../../archive/state-ref.ts'
import { writeState } from '../../archive/write-state.ts'
import { equalBytes } from '../../base/bytes.ts'
import { ZooArkError } from '../../base/errors.ts'
import { toHex } from '../../base/hex.ts'
import { formatZxid, type Zxid } from '../../model/zxid.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import { checkPointDigest, loadRecoveryPoint } from '../load-point.ts'
import type { RunContext } from '../run-context.ts'
import type { Findings } from './findings.ts'
import { SegmentReplay } from './segment-replay.ts'

export interface ReplayTotals {
  txns: number
  digestsChecked: number
  /** Recovery points whose state was reached by replay, or loaded, and has their root. */
  statesProved: number
}

/** A stretch that one replay goes through: from a point over all later ones to the end of an interval. */
export interface ReplayTask {
  readonly points: readonly RecoveryPoint[]
  readonly segments: readonly UsableSegment[]
  readonly through: Zxid
}

/**
 * What must be replayed to reach every state of a timeline that its ancestors do not hold themselves: each of its intervals, from the last
 * point before the fork on. Pure.
 */
export function planReplay(history: History, timeline: Timeline): ReplayTask[] {
  const lineage = lineageOfTimeline(history, timeline.id)
  const points = usablePoints(lineage)
  const segments = usableSegments(lineage)
  return timeline.intervals.flatMap((interval) => {
    const within = points.filter(({ zxid }) => interval.from <= zxid && zxid <= interval.through)
    const first = firstToReplay(timeline, interval, within)
    return first === undefined ? [] : [{ points: within.slice(first), segments, through: interval.through }]
  })
}

/** Index of the point to start from; undefined when everything in the interval belongs to an ancestor. */
function firstToReplay({ forkZxid, points }: Timeline, interval: RestorableInterval, within: readonly RecoveryPoint[]): number | undefined {
  if (forkZxid === null || interval.from > forkZxid) return 0
  const hasOwn = interval.through > forkZxid || points.some(({ zxid }) => zxid === forkZxid)
  if (!hasOwn) return undefined
  return Math.max(
    0,
    within.findLastIndex(({ zxid }) => zxid <= forkZxid),
  )
}

/**
 * Replays a stretch: every txn must fit, every digest must match, and the state at each later point must have the root of that point. What
 * does not is a finding, and the next point is where it goes on.
 */
export async function replayTask(
  source: PointSource,
  task: ReplayTask,
  parts: { readonly findings: Findings; readonly totals: ReplayTotals; readonly context: RunContext },
): Promise<void> {
  let remaining = task.points
  while (remaining.length > 0) {
    const run = new ReplayRun(source, task, remaining, parts)
    await parts.findings.note({ zxid: formatZxid(remaining[0].zxid) }, () => run.run())
    remaining = remaining.slice(Math.max(1, run.proved))
  }
}

class ReplayRun {
  /** Points proved. The next run starts at the first that is not: from its own state the history may go on. */
  proved = 0
  readonly #source: PointSource
  readonly #task: ReplayTask
  readonly #points: readonly RecoveryPoint[]
  readonly #parts: { readonly findings: Findings; readonly totals: ReplayTotals; readonly context: RunContext }

  constructor(
    source: PointSource,
    task: ReplayTask,
    points: readonly RecoveryPoint[],
    parts: { readonly findings: Findings; readonly totals: ReplayTotals; readonly context: RunContext },
  ) {
    this.#source = source
    this.#task = task
    this.#points = points
    this.#parts = parts
  }

  async run(): Promise<void> {
    const [base] = this.#points
    const tree = await loadRecoveryPoint(this.#source, base, this.#parts.context)
    this.#count(checkPointDigest(base, tree))
    await this.#checkPoints(tree, base.zxid)
    for (const { segment, through } of chainFrom(this.#task.segments, base.zxid, this.#task.through)) {
      if (tree.lastZxid === segment.after) this.#checkDigest(segment.digestBefore, tree, segment.object.key)
      for (const stop of this.#stopsWithin(tree.lastZxid, through)) await this.#replayTo(tree, segment, stop)
      if (through === segment.last) this.#checkDigest(segment.digestAfter, tree, segment.object.key)
    }
  }

  /** Points behind `after`, at most at `through`, and `through` itself. */
  #stopsWithin(after: Zxid, through: Zxid): Zxid[] {
    const zxids = this.#points.map(({ zxid }) => zxid).filter((zxid) => after < zxid && zxid < through)
    return [...new Set([...zxids, through])]
  }

  async #replayTo(tree: DataTree, segment: UsableSegment['segment'], stop: Zxid): Promise<void> {
    const { totals, context } = this.#parts
    const before = totals.txns
    const replay = new SegmentReplay(tree, [segment], (done) => {
      context.signal.throwIfAborted()
      context.onProgress({ step: 'replaying', unit: 'txns', done: before + done })
    })
    try {
      await readSegment(this.#source, segment, { after: tree.lastZxid, through: stop }, replay)
    } finally {
      totals.txns += replay.count
      totals.digestsChecked += replay.digestsChecked
    }
    const reached = replay.last ?? tree.lastZxid
    await this.#checkPoints(tree, reached)
    if (reached === stop) return
    throw new ZooArkError('REPOSITORY_DAMAGED', `no txn has the zxid of the recovery point; the one before it has ${formatZxid(reached)}`, {
      place: { object: segment.object.key, zxid: formatZxid(stop) },
    })
  }

  /** The points that the tree stands at now. */
  async #checkPoints(tree: DataTree, zxid: Zxid): Promise<void> {
    while (this.proved < this.#points.length && this.#points[this.proved].zxid === zxid) {
      const point = this.#points[this.proved]
      await checkRoot(point, tree)
      this.#count(checkPointDigest(point, tree))
    }
  }

  /** A digest that a segment claims takes no part in the replay, so it goes on. */
  #checkDigest(claimed: string | null, tree: DataTree, object: string): void {
    const found = `0x${tree.digest().toString(16)}`
    if (claimed === null || found === claimed) return
    const message = `the segment says that the state has the digest ${claimed}, and it has ${found}`
    this.#parts.findings.add({ code: 'REPOSITORY_DAMAGED', message, place: { object, zxid: formatZxid(tree.lastZxid) } })
  }

  #count(digestsChecked: number): void {
    const { totals } = this.#parts
    totals.digestsChecked += digestsChecked
    totals.statesProved++
    this.proved++
  }
}

async function checkRoot(point: RecoveryPoint, tree: DataTree): Promise<void> {
  const { stateRoot } = await writeState(hashOnlySink, tree)
  if (equalBytes(stateRoot, point.state.stateRoot)) return
  const roots = `${toHex(stateRoot)}, and the recovery point has ${toHex(point.state.stateRoot)}`
  throw new ZooArkError('REPOSITORY_DAMAGED', `replayed from the recovery point before, the state has the root ${roots}`, {
    place: { zxid: formatZxid(point.zxid) },
  })
}
