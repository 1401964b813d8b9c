import { lineageOfTimeline, newestTimeline, timelineOf } from '../../archive/history.ts'
import { chainFrom, usablePoints, usableSegments } from '../../archive/intervals.ts'
import type { RecoveryPoint } from '../../archive/commit-body.ts'
import { type OpenSegment, openSegment } from '../../archive/segment-reader.ts'
import { lookupNode, walkSubtree } from '../../archive/walk-subtree.ts'
import type { StateNode } from '../../archive/node-cursor.ts'
import { ZooArkError } from '../../base/errors.ts'
import { decodeTxn } from '../../model/txn.ts'
import type { Zxid } from '../../model/zxid.ts'
import type { KnownZnode } from './change-tracker.ts'
import type { HistorySink, HistorySource } from './history-source.ts'
import type { OpenedRepository } from './open-repository-point.ts'
import { aclOfStored } from './stored-view.ts'
import type { ZnodeSelection } from './znode-selection.ts'

/** The history that the segments of one timeline hold, its ancestors up to the fork included. Reads only blocks that may tell something. */
export class RepositoryHistory implements HistorySource {
  readonly description: string
  readonly timeline: string
  readonly #opened: OpenedRepository

  /** @param timeline the newest one when absent */
  constructor(opened: OpenedRepository, name: string, timeline: string | undefined) {
    const chosen = timeline === undefined ? newestTimeline(opened.history) : timelineOf(opened.history, timeline)
    if (chosen === undefined) throw new ZooArkError('POINT_NOT_REACHABLE', 'the repository has no recovery point yet')
    this.#opened = opened
    this.timeline = chosen.id
    this.description = `repo:${name}`
  }

  async read(selection: ZnodeSelection, range: { readonly after?: Zxid; readonly through?: Zxid }, sink: HistorySink): Promise<void> {
    const { repository, history } = this.#opened
    const lineage = lineageOfTimeline(history, this.timeline)
    const points = usablePoints(lineage)
    const segments = usableSegments(lineage)
    const { intervals, gaps } = timelineOf(history, this.timeline)
    const { after, through } = range
    for (const interval of intervals) {
      if (after !== undefined && interval.through <= after && interval !== intervals.at(-1)) continue
      if (through !== undefined && interval.from > through) break
      for (const gap of gaps) if (gap.before === interval.from) sink.gap({ ...gap, timeline: this.timeline })
      const from = after !== undefined && after > interval.from ? after : interval.from
      const base = points.findLast((point) => point.zxid >= interval.from && point.zxid <= from)
      if (base === undefined) continue
      await this.#seed(base, selection, sink)
      const end = through === undefined || through > interval.through ? interval.through : through
      for (const { segment } of chainFrom(segments, base.zxid, end)) {
        const open = await openSegment(repository, segment)
        await readBlocks(open, selection, { after: base.zxid, through: end }, sink)
      }
    }
  }

  async #seed(point: RecoveryPoint, selection: ZnodeSelection, sink: HistorySink): Promise<void> {
    const { repository } = this.#opened
    const { path, reach } = selection
    if (reach === 'self') {
      const node = await lookupNode(repository, point.state, path)
      if (node !== undefined) sink.seed(node.path, seedOf(node))
      return
    }
    const depth = reach === 'children' ? { depthMax: 1 } : {}
    for await (const node of walkSubtree(repository, point.state, path, depth)) sink.seed(node.path, seedOf(node))
  }
}

function seedOf({ data, acl, stat }: StateNode): KnownZnode {
  const list = aclOfStored(acl)
  return {
    version: stat.version,
    aversion: stat.aversion,
    owner: stat.ephemeralOwner,
    ...(data === undefined ? {} : { data }),
    ...(list === 'dangling' ? {} : { acl: list }),
  }
}

async function readBlocks(
  open: OpenSegment,
  selection: ZnodeSelection,
  range: { readonly after: Zxid; readonly through: Zxid },
  sink: HistorySink,
): Promise<void> {
  for (const [block, meta] of open.metas.entries()) {
    if (meta.last <= range.after || meta.first > range.through || !selection.mayBeIn(meta, sink.owners)) continue
    await open.read(block, block + 1, range, {
      txns: (window, starts, ends, count) => {
        selection.candidates(window, starts, ends, count, (start, end) => sink.txn(decodeTxn(window, start, end)))
        return sink.batchEnd()
      },
    })
  }
}
