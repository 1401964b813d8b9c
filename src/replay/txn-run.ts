import { ZooArkError } from '../base/errors.ts'
import { logsCovering } from '../formats/data-dir.ts'
import type { OpenFile } from '../formats/file-input.ts'
import { salvageTxnLog } from '../formats/salvage-log.ts'
import { readTxnLog, type TxnLogSink } from '../formats/txn-log-reader.ts'
import { joinLong, longAt } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { follows, toZxid, type Zxid } from '../model/zxid.ts'

/** One log, by the zxid in its name. */
export interface RunLog {
  readonly file: OpenFile
  readonly zxid: Zxid
}

export interface TxnRunSink {
  /**
   * Payloads in zxid order, each directly following the one before; payload i is `window[starts[i]..ends[i])`. All of it is valid until the
   * promise is done.
   */
  txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void | Promise<void>
}

/** Why a run of txns ended. */
export type RunEnd =
  | { readonly kind: 'end' }
  /** Nothing stands between `after` and `before` in any log. */
  | { readonly kind: 'hole'; readonly after: Zxid; readonly before: Zxid }
  /** A log fails its checksum; the next log may go on behind it. */
  | { readonly kind: 'damage'; readonly after: Zxid; readonly error: ZooArkError }

export interface TxnRun {
  readonly end: RunEnd
  /** Last zxid handed out; `after` when there was none. */
  readonly last: Zxid
  readonly count: number
}

/**
 * Hands out the txns after `after` that follow from it without a hole. A torn tail is the end of its file, as for a server: what comes next decides
 * whether something is missing. A txn that stands twice (a log that was written again after a restart) is handed out once; zxids that go back
 * below it are a damaged source.
 * @param logs ascending; those before the one that covers `after` are not read
 * @throws SOURCE_DAMAGED, and what the sink throws
 */
export async function readTxnRun(logs: readonly RunLog[], after: Zxid, sink: TxnRunSink): Promise<TxnRun> {
  const run = new Run(after, sink)
  const covering = logsCovering(logs, after)
  for (const log of covering) {
    try {
      await readToEnd(log, run, log === covering.at(-1) ? 'newest' : 'older')
    } catch (error) {
      if (isUnwrittenHeader(error) && log === covering.at(-1)) break
      if (!(error instanceof ZooArkError) || error.code !== 'TXN_LOG_DAMAGED') throw error
      return { ...run.result, end: { kind: 'damage', after: run.last, error } }
    }
    if (run.hole !== undefined) return { ...run.result, end: { kind: 'hole', after: run.last, before: run.hole } }
  }
  return { ...run.result, end: { kind: 'end' } }
}

/**
 * Reads one log. What stands behind the end of the newest one has no next log to show that something is missing: a record that is not whole is the
 * server writing just now, or a damage with valid records behind it. @throws TXN_LOG_DAMAGED
 */
async function readToEnd(log: RunLog, run: Run, age: 'newest' | 'older'): Promise<void> {
  const sink: TxnLogSink = { txns: (window, starts, ends, count) => run.take(window, starts, ends, count) }
  let { validBytes, ...end } = await readTxnLog(log.file, sink, age === 'newest' ? { padding: 'check' } : {})
  while (age === 'newest' && (end.end === 'torn' || end.dirtyPaddingAt !== undefined)) {
    const more = await readTxnLog(log.file, sink, { padding: 'check', startAt: validBytes })
    if (more.count === 0) return await checkNothingBehind(log, validBytes)
    ;({ validBytes, ...end } = more)
  }
}

/** @throws TXN_LOG_DAMAGED when valid records stand behind what ends the log */
async function checkNothingBehind(log: RunLog, validBytes: number): Promise<void> {
  const { damages } = await salvageTxnLog(log.file)
  const damage = damages.find(({ offset, resumesAt }) => offset === validBytes && resumesAt !== undefined)
  if (damage === undefined) return
  throw new ZooArkError('TXN_LOG_DAMAGED', `valid records go on at byte ${damage.resumesAt} behind one that is not whole`, {
    place: { file: log.file.path, offset: validBytes },
  })
}

/** A live server makes a log before it writes the header. */
function isUnwrittenHeader(error: unknown): boolean {
  return error instanceof ZooArkError && error.code === 'TXN_LOG_DAMAGED' && error.place.offset !== undefined && error.place.offset < 16
}

class Run {
  last: Zxid
  count = 0
  hole: Zxid | undefined
  readonly #sink: TxnRunSink
  #lastHi: number
  #lastLo: number

  constructor(after: Zxid, sink: TxnRunSink) {
    this.last = after
    this.#sink = sink
    this.#lastHi = Number(after >> 32n)
    this.#lastLo = Number(after & 0xffffffffn)
  }

  get result(): { readonly last: Zxid; readonly count: number } {
    return { last: this.last, count: this.count }
  }

  /** Cuts the batch to the span of txns that go on from the last one. Finding that span makes no object for a txn. */
  async take(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): Promise<void> {
    if (this.hole !== undefined) return
    const view = new DataView(window.buffer, window.byteOffset, window.byteLength)
    let i = 0
    while (i < count && !this.#isAfterLast(view, starts[i])) i++
    const first = i
    while (i < count && this.#goesOn(window, view, starts[i])) i++
    if (i > first) await this.#handOut(window, starts, ends, first, i)
  }

  #isAfterLast(view: DataView, start: number): boolean {
    const hi = view.getInt32(start + txnLayout.zxid)
    return hi > this.#lastHi || (hi === this.#lastHi && view.getUint32(start + txnLayout.zxid + 4) > this.#lastLo)
  }

  /** The common case, the next counter, needs no 64-bit value. */
  #goesOn(window: Uint8Array, view: DataView, start: number): boolean {
    const hi = view.getInt32(start + txnLayout.zxid)
    const lo = view.getUint32(start + txnLayout.zxid + 4)
    if (hi !== this.#lastHi || lo !== this.#lastLo + 1) {
      const zxid = toZxid(longAt(window, start + txnLayout.zxid))
      const last = joined(this.#lastHi, this.#lastLo)
      if (zxid <= last)
        throw new ZooArkError('SOURCE_DAMAGED', 'the logs go back: a txn stands behind a later one', {
          place: { zxid: `0x${zxid.toString(16)}` },
        })
      if (!follows(last, zxid)) {
        this.hole = zxid
        return false
      }
    }
    this.#lastHi = hi
    this.#lastLo = lo
    return true
  }

  async #handOut(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, first: number, end: number): Promise<void> {
    this.last = joined(this.#lastHi, this.#lastLo)
    this.count += end - first
    if (first === 0) await this.#sink.txns(window, starts, ends, end)
    else await this.#sink.txns(window, starts.subarray(first, end), ends.subarray(first, end), end - first)
  }
}

function joined(hi: number, lo: number): Zxid {
  return toZxid(joinLong(hi, lo))
}
