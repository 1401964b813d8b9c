import { invariant } from '../base/errors.ts'
import type { Zxid } from '../model/zxid.ts'
import type { Commit, Draft, Repository } from '../repository/types.ts'
import { checkPointName } from './point.ts'
import { formatCommitBody, type Gap, type RecoveryPoint, type TimelineStart } from './commit-body.ts'
import { nextTimelineId, timelineOf, type History } from './history.ts'
import { SegmentWriter, type SegmentWriterOptions, type StoredSegment } from './segment-writer.ts'
import { writeState, type StateSource } from './write-state.ts'

/** Where a commit goes: on a timeline that exists, or as the first of a new one. */
export type DraftPlace = { readonly timeline: string } | { readonly start: Omit<TimelineStart, 'id'> }

/** What the flow knows of a point beside its state. */
export type PointFacts = Omit<RecoveryPoint, 'zxid' | 'state'>

/**
 * One commit in the making: txn segments, whole states and gaps of one timeline. Nothing of it exists until `commit` resolves;
 * REPOSITORY_FENCED when another writer committed on the timeline since `history` was read.
 */
export class ArchiveDraft {
  readonly timeline: string
  /** For its statistics. */
  readonly draft: Draft
  readonly #start: TimelineStart | undefined
  readonly #lastSegments: readonly StoredSegment[]
  readonly #points: RecoveryPoint[] = []
  readonly #segments: StoredSegment[] = []
  readonly #gaps: Gap[] = []

  constructor(draft: Draft, start: TimelineStart | undefined, lastSegments: readonly StoredSegment[]) {
    this.timeline = draft.timeline
    this.draft = draft
    this.#start = start
    this.#lastSegments = lastSegments
  }

  /**
   * Opens a run of txns after this zxid. It carries on from the segment that ends there, if there is one.
   * Hand what its `finish` gives to `addSegments`.
   */
  openRun(after: Zxid, options: Pick<SegmentWriterOptions, 'digest' | 'segmentBytesMax'> = {}): SegmentWriter {
    const previous = [...this.#segments, ...this.#lastSegments].find(({ last }) => last === after)
    return new SegmentWriter(this.draft, { timeline: this.timeline, after, ...(previous === undefined ? {} : { previous }), ...options })
  }

  addSegments(segments: readonly StoredSegment[]): void {
    for (const segment of segments) this.#segments.push(segment)
  }

  /** Writes the state of the tree, which stands at `zxid`, as a recovery point. */
  async addPoint(tree: StateSource, zxid: Zxid, facts: PointFacts): Promise<RecoveryPoint> {
    if (facts.name !== null) checkPointName(facts.name)
    const point = { ...facts, zxid, state: await writeState(this.draft, tree) }
    this.#points.push(point)
    return point
  }

  addGap(gap: Gap): void {
    invariant(gap.after < gap.before, 'a gap has two ends')
    this.#gaps.push(gap)
  }

  /** Whether there is anything to commit. */
  get isEmpty(): boolean {
    return this.#points.length + this.#segments.length + this.#gaps.length === 0
  }

  /** @param facts.kind what makes the commit, for people. @throws REPOSITORY_FENCED */
  commit(facts: { readonly kind: string; readonly capturedAtMs?: number }): Promise<Commit> {
    const start = this.#start === undefined ? {} : { start: this.#start }
    return this.draft.commit(formatCommitBody({ ...facts, ...start, points: this.#points, segments: this.#segments, gaps: this.#gaps }))
  }

  /** Lets go without a commit; what was written stays unreferenced. */
  abandon(): Promise<void> {
    return this.draft.abandon()
  }
}

/** Begins a commit on what `history` says is the head. */
export async function beginArchive(repository: Pick<Repository, 'begin'>, history: History, place: DraftPlace): Promise<ArchiveDraft> {
  if ('timeline' in place) {
    const { head, segments } = timelineOf(history, place.timeline)
    return new ArchiveDraft(await repository.begin(place.timeline, head), undefined, segments)
  }
  const start = { id: nextTimelineId(history), ...place.start }
  return new ArchiveDraft(await repository.begin(start.id, null), start, [])
}
