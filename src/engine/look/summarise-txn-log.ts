import { ZooArkError } from '../../base/errors.ts'
import type { OpenFile } from '../../formats/file-input.ts'
import { type TxnLogSink, type TxnLogSummary, readTxnLog } from '../../formats/txn-log-reader.ts'
import { int32At, joinLong, longAt } from '../../jute/long.ts'
import { txnLayout, txnTypeName, txnTypes } from '../../model/txn-layout.ts'
import { type Zxid, epochOf, follows, toZxid } from '../../model/zxid.ts'

export interface TxnLogFacts {
  /** Absent when the file is damaged before its end. */
  readonly summary?: TxnLogSummary
  /** What was seen; with a damaged file, before the damage. */
  readonly txns: number
  readonly first?: Zxid
  readonly last?: Zxid
  /** By ZooKeeper's name of the type, or its number, the most frequent first. */
  readonly types: readonly { readonly type: string; readonly count: number }[]
  readonly unknownTypes: number
  readonly epochs: readonly EpochSpan[]
  /** Stretches of zxids that this file leaves out. */
  readonly holes: readonly { readonly after: Zxid; readonly before: Zxid }[]
  /** Of the first and last transaction, by the leader's clock, ms. */
  readonly firstTimeMs?: bigint
  readonly lastTimeMs?: bigint
  readonly maxTimeMs?: bigint
  /** How often the leader's clock stepped back, and the largest step in ms. */
  readonly stepsBack: number
  readonly largestStepBackMs: number
  readonly fault?: ZooArkError
}

export interface EpochSpan {
  readonly epoch: bigint
  readonly first: Zxid
  last: Zxid
  txns: number
}

/** Holes that are listed; the count of a file that has more than these says nothing that these do not. */
const holesMax = 1000
/** Epochs that are told apart; a log that claims more is no log of a server, and the rest counts for the last. */
const epochsMax = 10_000

/** Reads and verifies a log and counts what is in it. Damage becomes `fault`, beside what was counted before it. */
export async function summariseTxnLog(file: OpenFile): Promise<TxnLogFacts> {
  const count = new TxnLogCount()
  try {
    const summary = await readTxnLog(file, count, { padding: 'check' })
    return { summary, ...count.facts() }
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.code !== 'TXN_LOG_DAMAGED') throw error
    return { ...count.facts(), fault: error }
  }
}

/** Types lie between these two, so that they are counted in an array; others go to a map. */
const typeMin = txnTypes.closeSession
const typeMax = txnTypes.createTTL
const twoTo32 = 2 ** 32

/** Counts without making anything per transaction. */
class TxnLogCount implements TxnLogSink {
  #txns = 0
  readonly #types = new Uint32Array(typeMax - typeMin + 1)
  readonly #otherTypes = new Map<number, number>()
  readonly #epochs: EpochSpan[] = []
  /** Index of the first transaction of the last span. */
  #spanStart = 0
  readonly #holes: { after: Zxid; before: Zxid }[] = []
  /** Of the transaction before; at first one that nothing follows. */
  #lastHi = -0x80000000
  #lastLo = 0
  #firstTimeMs = 0n
  /** Times as numbers of ms: 2^53 ms are 285,000 years. */
  #lastTime = 0
  #maxTime = -Infinity
  #stepsBack = 0
  #largestStepBack = 0

  txns(window: Uint8Array, starts: Uint32Array, _ends: Uint32Array, count: number): void {
    const types = this.#types
    let lastHi = this.#lastHi
    let lastLo = this.#lastLo
    for (let i = 0; i < count; i++) {
      const start = starts[i]
      const type = int32At(window, start + txnLayout.type)
      if (type >= typeMin && type <= typeMax) types[type - typeMin]++
      else this.#otherTypes.set(type, (this.#otherTypes.get(type) ?? 0) + 1)
      const hi = int32At(window, start + txnLayout.zxid)
      const lo = int32At(window, start + txnLayout.zxid + 4)
      if (hi !== lastHi || lo !== lastLo + 1) this.#jump(lastHi, lastLo, hi, lo, this.#txns + i)
      lastHi = hi
      lastLo = lo
      const time = int32At(window, start + txnLayout.time) * twoTo32 + (int32At(window, start + txnLayout.time + 4) >>> 0)
      if (time < this.#maxTime) this.#step(time)
      else this.#maxTime = time
      this.#lastTime = time
    }
    if (this.#txns === 0) this.#firstTimeMs = longAt(window, starts[0] + txnLayout.time)
    this.#txns += count
    this.#lastHi = lastHi
    this.#lastLo = lastLo
  }

  /** Not the next counter: the first of all, the first of an epoch, or a hole. */
  #jump(lastHi: number, lastLo: number, hi: number, lo: number, index: number): void {
    const zxid = toZxid(joinLong(hi, lo))
    const last = toZxid(joinLong(lastHi, lastLo))
    if (index > 0 && !follows(last, zxid) && this.#holes.length < holesMax) this.#holes.push({ after: last, before: zxid })
    const span = this.#epochs.at(-1)
    if (span !== undefined && span.epoch === epochOf(zxid)) return
    if (this.#epochs.length >= epochsMax) return
    if (span !== undefined) this.#closeSpan(span, last, index)
    this.#spanStart = index
    this.#epochs.push({ epoch: epochOf(zxid), first: zxid, last: zxid, txns: 0 })
  }

  #closeSpan(span: EpochSpan, last: Zxid, txnsBefore: number): void {
    span.last = last
    span.txns = txnsBefore - this.#spanStart
  }

  #step(time: number): void {
    if (time < this.#lastTime) {
      this.#stepsBack++
      this.#largestStepBack = Math.max(this.#largestStepBack, this.#lastTime - time)
    }
  }

  facts(): Omit<TxnLogFacts, 'summary' | 'fault'> {
    const last = toZxid(joinLong(this.#lastHi, this.#lastLo))
    const span = this.#epochs.at(-1)
    if (span !== undefined) this.#closeSpan(span, last, this.#txns)
    const types: { type: string; count: number }[] = []
    let unknownTypes = 0
    const add = (type: number, count: number): void => {
      if (count === 0) return
      const name = txnTypeName(type)
      if (name === undefined) unknownTypes += count
      types.push({ type: name ?? String(type), count })
    }
    for (let type = typeMin; type <= typeMax; type++) add(type, this.#types[type - typeMin])
    for (const [type, count] of this.#otherTypes) add(type, count)
    types.sort((a, b) => b.count - a.count)
    const common = { txns: this.#txns, types, unknownTypes, epochs: this.#epochs, holes: this.#holes }
    const steps = { stepsBack: this.#stepsBack, largestStepBackMs: this.#largestStepBack }
    if (this.#txns === 0) return { ...common, ...steps }
    const times = { firstTimeMs: this.#firstTimeMs, lastTimeMs: BigInt(this.#lastTime), maxTimeMs: BigInt(this.#maxTime) }
    return { ...common, ...steps, ...times, first: this.#epochs[0].first, last }
  }
}
