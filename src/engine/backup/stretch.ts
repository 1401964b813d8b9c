import type { ArchiveDraft, PointFacts } from '../../archive/archive-draft.ts'
import type { RecoveryPoint } from '../../archive/commit-body.ts'
import type { SegmentWriter } from '../../archive/segment-writer.ts'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid, type Zxid } from '../../model/zxid.ts'
import type { DataDirectory } from '../../source/data-directory.ts'
import { readTxnRun, type RunEnd } from '../../replay/txn-run.ts'
import type { RunContext } from '../run-context.ts'
import { newestTimeMs } from './newest-time.ts'
import { Capture, formatContradiction } from './capture.ts'
import type { Recorder } from './recorder.ts'
import type { StretchStart } from './source-base.ts'

/** For tests: much less, so that a short log does what a long one does. */
export interface StretchSizes {
  /** Segments between two commits: what an interrupted first backup of a long log has to read again at most. Default 16, 256 MiB of log. */
  readonly segmentsPerCommit?: number
  readonly segmentBytesMax?: number
}

const segmentsPerCommitDefault = 16

export interface StretchRequest {
  readonly directory: DataDirectory
  readonly start: StretchStart
  /** `known`: the repository holds the state at the start. `new`: the stretch begins with a recovery point of its own. */
  readonly base: 'known' | 'new'
  /** Last zxid that can be restored before this stretch, and why what lies between is lost; recorded when the stretch has a base. */
  readonly gap: { readonly after: Zxid; readonly cause: string } | null
  readonly name: string | null
  /** Time of the last txn before the stretch, where the repository knows it. */
  readonly timeMs: number | null
  /** The greatest epoch that the repository knows of: a greater one is worth a recovery point of its own, since restores must pass it. */
  readonly epochKnown: bigint
  readonly sizes?: StretchSizes | undefined
}

export interface StretchResult {
  /** First and last zxid that can be restored; undefined when the snapshot never became a state. */
  readonly interval: { readonly from: Zxid; readonly through: Zxid } | undefined
  readonly txns: number
  readonly point: RecoveryPoint | undefined
  /** Why it ends where it does. */
  readonly end: RunEnd | { readonly kind: 'contradiction'; readonly after: Zxid; readonly at: Zxid; readonly what: string }
}

/**
 * Takes one contiguous stretch of history into the repository: a base once the state is true, the txns after it, the state at its end. Committed when it
 * resolves. @throws what source and repository throw, INTERRUPTED
 */
export async function recordStretch(request: StretchRequest, recorder: Recorder, context: RunContext): Promise<StretchResult> {
  const stretch = new Stretch(request, recorder, context)
  try {
    return await stretch.run()
  } catch (error) {
    await recorder.giveUp()
    throw error
  }
}

class Stretch {
  readonly #request: StretchRequest
  readonly #recorder: Recorder
  readonly #context: RunContext
  readonly #capture: Capture
  #from: Zxid | undefined
  #base: RecoveryPoint | undefined
  #txns = 0
  #isCommitted = false

  constructor(request: StretchRequest, recorder: Recorder, context: RunContext) {
    this.#request = request
    this.#recorder = recorder
    this.#context = context
    const { tree, settling } = request.start
    this.#capture = new Capture({
      tree,
      settling,
      signal: context.signal,
      onSettled: (zxid) => this.#begin(zxid),
      onFull: (segments) => this.#checkpoint(segments),
      onTxns: (count) => {
        this.#txns += count
        context.onProgress({ step: 'reading transactions', unit: 'txns', done: this.#txns })
      },
    })
  }

  async run(): Promise<StretchResult> {
    const { start, base, directory } = this.#request
    if (base === 'known') {
      this.#from = start.zxid
      this.#capture.segments = this.#openRun(await this.#recorder.draft(), start.zxid)
    } else if (start.settling.isSettled) {
      this.#capture.segments = await this.#begin(start.zxid)
    }
    const run = await readTxnRun(directory.logs, start.zxid, this.#capture)
    return this.#finish(run.end)
  }

  /** The state after this txn is true: what was taken before it goes, and the stretch begins here. */
  async #begin(zxid: Zxid): Promise<SegmentWriter> {
    if (this.#isCommitted || this.#request.base === 'known') {
      throw new ZooArkError('REPLAY_DIVERGED', 'a txn finds itself applied long after the state was true', {
        place: { zxid: formatZxid(zxid) },
      })
    }
    await this.#recorder.giveUp()
    const draft = await this.#recorder.draft()
    const { gap } = this.#request
    this.#context.onProgress({ step: 'writing the state', unit: 'znodes', done: this.#request.start.tree.nodeCount })
    this.#base = await this.#addPoint(draft, zxid, null)
    if (gap !== null && gap.after < zxid) draft.addGap({ after: gap.after, before: zxid, cause: gap.cause })
    this.#from = zxid
    return this.#openRun(draft, zxid)
  }

  /** Every so many segments what was taken so far becomes true, with a recovery point: a restore never replays more than that. */
  async #checkpoint(segments: SegmentWriter): Promise<SegmentWriter> {
    await segments.flush()
    if (segments.storedCount < (this.#request.sizes?.segmentsPerCommit ?? segmentsPerCommitDefault)) return segments
    const draft = await this.#recorder.draft()
    this.#capture.digest = this.#request.start.tree.digest()
    draft.addSegments(await segments.finish())
    await this.#addPoint(draft, segments.last, null)
    await this.#recorder.commit()
    this.#isCommitted = true
    return this.#openRun(await this.#recorder.draft(), segments.last)
  }

  async #finish(runEnd: RunEnd): Promise<StretchResult> {
    const { segments, contradiction } = this.#capture
    const { start } = this.#request
    if (segments === null || this.#from === undefined) {
      await this.#recorder.giveUp()
      return { interval: undefined, txns: 0, point: undefined, end: runEnd }
    }
    const draft = await this.#recorder.draft()
    // A txn that was applied and not taken has moved the tree on.
    this.#capture.digest = contradiction === null ? start.tree.digest() : null
    draft.addSegments(await segments.finish())
    const through = segments.last
    // The name is for the newest state of the source; a stretch that breaks off does not end there.
    const name = runEnd.kind === 'end' ? this.#request.name : null
    let point = this.#base
    const isAtEnd = through === this.#from && this.#base !== undefined && name === null
    const hasNews = through > this.#from || name !== null || this.#request.directory.epochMax > this.#request.epochKnown
    if (contradiction === null && !isAtEnd && hasNews) point = await this.#addPoint(draft, through, name)
    await this.#recorder.commit()
    const interval = { from: this.#from, through }
    const txns = segments.last === start.zxid ? 0 : this.#capture.appended
    if (contradiction === null) return { interval, txns, point, end: runEnd }
    const { zxid, what } = contradiction
    this.#context.onNotice(`nothing from ${formatContradiction(contradiction)} is taken`)
    return { interval, txns, point, end: { kind: 'contradiction', after: through, at: zxid, what } }
  }

  #openRun(draft: ArchiveDraft, after: Zxid): SegmentWriter {
    const { segmentBytesMax } = this.#request.sizes ?? {}
    return draft.openRun(after, { digest: () => this.#capture.digest, ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }) })
  }

  #addPoint(draft: ArchiveDraft, zxid: Zxid, name: string | null): Promise<RecoveryPoint> {
    const { start, directory } = this.#request
    const facts: PointFacts = {
      timeMs: this.#capture.lastTimeMs ?? this.#request.timeMs ?? newestTimeMs(start.tree),
      digest: `0x${start.tree.digest().toString(16)}`,
      consistency: start.settling.isProved ? 'exact' : 'contiguous',
      name,
      maxEpochSeen: Number(directory.epochMax),
      source: start.facts,
    }
    return draft.addPoint(start.tree, zxid, facts)
  }
}
