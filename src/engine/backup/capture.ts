import { payloadTimeMs } from '../../archive/segment-format.ts'
import type { SegmentWriter } from '../../archive/segment-writer.ts'
import { ZooArkError } from '../../base/errors.ts'
import { longAt } from '../../jute/long.ts'
import { txnLayout } from '../../model/txn-layout.ts'
import { formatZxid, toZxid, type Zxid } from '../../model/zxid.ts'
import type { Settling } from '../../replay/settling.ts'
import type { TxnRunSink } from '../../replay/txn-run.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { TxnOutcome } from '../../tree/txn-outcome.ts'

/** Where replay and log contradict each other: nothing from `zxid` on is taken. */
export interface Contradiction {
  readonly zxid: Zxid
  readonly what: string
}

export interface CaptureParts {
  readonly tree: DataTree
  readonly settling: Settling
  /** Called when the state after the txn just applied is the first true one known: writes it, and opens the segments that go on from it. */
  readonly onSettled: (zxid: Zxid) => Promise<SegmentWriter>
  /** Called when a segment is complete: stores it, and says which segments to go on with. */
  readonly onFull: (segments: SegmentWriter) => Promise<SegmentWriter>
  readonly onTxns: (count: number) => void
  readonly signal: AbortSignal
}

/** Applies every txn of a run to the tree, and appends those that follow a true state to the segments. */
export class Capture implements TxnRunSink {
  contradiction: Contradiction | null = null
  /** Where txns go; null while the state is not true. */
  segments: SegmentWriter | null = null
  /** Txns appended to the segments that are kept. */
  appended = 0
  /** Time of the last txn applied, ms. */
  lastTimeMs: number | null = null
  /** The digest before a txn that opens a segment: asked by the segment writer. */
  digest: bigint | null = null
  readonly #parts: CaptureParts

  constructor(parts: CaptureParts) {
    this.#parts = parts
  }

  async txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): Promise<void> {
    if (this.contradiction !== null) return
    this.#parts.signal.throwIfAborted()
    for (let i = 0; i < count; i++) {
      const isTaken = this.#take(window, starts[i], ends[i])
      if (isTaken === 'contradiction') return
      if (isTaken === 'settled-here') {
        this.digest = this.#parts.tree.digest()
        this.appended = 0
        this.lastTimeMs = payloadTimeMs(window, starts[i])
        this.segments = await this.#parts.onSettled(zxidOf(window, starts[i]))
      }
      if (this.segments?.full === true) {
        this.lastTimeMs = payloadTimeMs(window, starts[i])
        this.segments = await this.#parts.onFull(this.segments)
      }
    }
    if (count > 0) this.lastTimeMs = payloadTimeMs(window, starts[count - 1])
    this.#parts.onTxns(count)
  }

  #apply(window: Uint8Array, start: number, end: number): TxnOutcome | undefined {
    try {
      return this.#parts.tree.applyTxn(window, start, end)
    } catch (error) {
      this.contradiction = undecodable(error, zxidOf(window, start))
      return undefined
    }
  }

  #take(window: Uint8Array, start: number, end: number): 'taken' | 'settled-here' | 'contradiction' {
    const { tree, settling } = this.#parts
    if (this.segments?.closesBefore(end - start) === true) this.digest = tree.digest()
    const outcome = this.#apply(window, start, end)
    if (outcome === undefined) return 'contradiction'
    if (!settling.passes(outcome)) {
      const step = settling.observe(zxidOf(window, start), outcome)
      if (step === 'settled-here') return step
      if (step === 'contradiction') {
        this.contradiction = { zxid: zxidOf(window, start), what: describe(outcome) }
        return step
      }
      if (step === 'unsettled') {
        // What was appended in the belief that the snapshot is true rests on a wrong state.
        this.segments = null
        return 'taken'
      }
    }
    if (this.segments !== null) {
      this.segments.append(window, start, end)
      this.appended++
    }
    return 'taken'
  }
}

/** A txn whose checksum is right and whose body is none: what stands before it is kept. */
function undecodable(error: unknown, zxid: Zxid): Contradiction {
  if (error instanceof ZooArkError && error.code === 'RECORD_DAMAGED') return { zxid, what: error.message }
  throw error
}

function zxidOf(window: Uint8Array, start: number): Zxid {
  return toZxid(longAt(window, start + txnLayout.zxid))
}

function describe(outcome: { readonly reason: string; readonly digest: string }): string {
  if (outcome.digest === 'mismatch') return 'the replayed state does not have the digest that the server logged'
  return `the txn does not fit the state (${outcome.reason})`
}

/** For messages: `0x… (what)`. */
export function formatContradiction({ zxid, what }: Contradiction): string {
  return `${formatZxid(zxid)}: ${what}`
}
