import { ZooArkError } from '../base/errors.ts'
import { logsCovering } from '../formats/data-dir.ts'
import type { OpenFile } from '../formats/file-input.ts'
import { salvageTxnLog } from '../formats/salvage-log.ts'
import { readTxnLog, type TxnLogSink } from '../formats/txn-log-reader.ts'
import { joinLong } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { follows, formatZxid, toZxid, type Zxid } from '../model/zxid.ts'

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
 * whether something is missing. Txns that stand there again are handed out once: a learner that falls out of a synchronisation and begins another
 * logs the same proposals a second time, so zxids go back and rise again, also in the middle of a file. Another txn under a zxid seen before is a
 * damaged source.
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
  readonly #recent = new RecentHeaders()
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

  /** Cuts the batch into the spans of txns that go on from the last one. Finding them makes no object for a txn. */
  async take(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): Promise<void> {
    if (this.hole !== undefined) return
    const view = new DataView(window.buffer, window.byteOffset, window.byteLength)
    let first = -1
    for (let i = 0; i < count; i++) {
      const step = this.#step(view, starts[i])
      if (step === 'next') {
        if (first < 0) first = i
        continue
      }
      if (first >= 0) await this.#handOut(window, starts, ends, first, i)
      first = -1
      if (step === 'hole') return
    }
    if (first >= 0) await this.#handOut(window, starts, ends, first, count)
  }

  /** The common case, the next counter, needs no 64-bit value. @throws SOURCE_DAMAGED when another txn had the zxid */
  #step(view: DataView, start: number): 'next' | 'repeat' | 'hole' {
    const hi = view.getInt32(start + txnLayout.zxid)
    const lo = view.getUint32(start + txnLayout.zxid + 4)
    if (hi !== this.#lastHi || lo !== this.#lastLo + 1) {
      const zxid = joined(hi, lo)
      const last = joined(this.#lastHi, this.#lastLo)
      if (zxid <= last) {
        if (this.#recent.see(view, start, hi, lo) === 'another') {
          throw new ZooArkError('SOURCE_DAMAGED', 'the logs hold two different txns of one zxid', { place: { zxid: formatZxid(zxid) } })
        }
        return 'repeat'
      }
      if (!follows(last, zxid)) {
        this.hole = zxid
        return 'hole'
      }
    }
    this.#lastHi = hi
    this.#lastLo = lo
    this.#recent.see(view, start, hi, lo)
    return 'next'
  }

  async #handOut(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, first: number, end: number): Promise<void> {
    this.last = joined(this.#lastHi, this.#lastLo)
    this.count += end - first
    if (first === 0) await this.#sink.txns(window, starts, ends, end)
    else await this.#sink.txns(window, starts.subarray(first, end), ends.subarray(first, end), end - first)
  }
}

/** Txns remembered to know a repetition by. A leader keeps 500 for a learner that comes back, more only where it reads its own log for it. */
const recentHeadersMax = 1 << 16

/** The headers of the txns seen last, as sums of what tells one txn from another: session, cxid, time, type. */
class RecentHeaders {
  readonly #his = new Int32Array(recentHeadersMax).fill(-1)
  readonly #los = new Int32Array(recentHeadersMax)
  readonly #sums = new Int32Array(recentHeadersMax)

  /** `another`: a txn with this zxid was seen, and it was not this one. One that is not remembered counts as new. */
  see(view: DataView, start: number, hi: number, lo: number): 'new' | 'same' | 'another' {
    const slot = lo & (recentHeadersMax - 1)
    const sum = headerSum(view, start)
    const low = lo | 0
    if (this.#his[slot] === hi && this.#los[slot] === low) return this.#sums[slot] === sum ? 'same' : 'another'
    this.#his[slot] = hi
    this.#los[slot] = low
    this.#sums[slot] = sum
    return 'new'
  }
}

function headerSum(view: DataView, start: number): number {
  let sum = Math.imul(view.getInt32(start + txnLayout.clientId), 0x9e3779b1) ^ view.getInt32(start + txnLayout.clientId + 4)
  sum = Math.imul(sum, 0x9e3779b1) ^ view.getInt32(start + txnLayout.cxid)
  sum = Math.imul(sum, 0x9e3779b1) ^ view.getInt32(start + txnLayout.time + 4)
  return Math.imul(sum, 0x9e3779b1) ^ view.getInt32(start + txnLayout.type)
}

function joined(hi: number, lo: number): Zxid {
  return toZxid(joinLong(hi, lo))
}
