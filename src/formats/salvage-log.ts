import { ZooArkError } from '../base/errors.ts'
import { int32At, longAt } from '../jute/long.ts'
import { type TxnTypeName, txnLayout, txnTypeName } from '../model/txn-layout.ts'
import { txnPaths } from '../model/txn-paths.ts'
import { decodeTxn } from '../model/txn.ts'
import { type Zxid, follows, toZxid } from '../model/zxid.ts'
import { FileSource, fileSize } from './byte-source.ts'
import { type FileInput, type OpenFile, withFile } from './file-input.ts'
import { logHeaderLength, recordEndMark, recordHeadLength, recordOverhead } from './txn-log-layout.ts'
import { readLogHeader } from './txn-log-reader.ts'
import { LogScan, type LogScanState, sumMatches } from './txn-log-scan.ts'
import { TxnLogWriter } from './txn-log-writer.ts'
import { WindowStream } from './window-stream.ts'

/** What can be saved of a log, and what is lost. */
export interface LogSalvage {
  readonly header: 'good' | 'damaged' | 'missing'
  readonly fileBytes: number
  /** Stretches of valid records, in file order; the first is the longest valid prefix when it begins right after the header. */
  readonly stretches: readonly LogStretch[]
  readonly damages: readonly LogDamage[]
  /** Whether the search stopped at a limit before the end of the file. */
  readonly search: 'complete' | 'stopped-at-limit'
}

export interface LogStretch {
  readonly startOffset: number
  readonly endOffset: number
  readonly first: Zxid
  readonly last: Zxid
  readonly count: number
}

export interface LogDamage {
  readonly offset: number
  /** `header`: no log header; `torn`: the file ends within a record; `hole`: zeros where records go on later; else as the scan says. */
  readonly reason: 'header' | 'torn' | 'hole' | Exclude<LogScanState, 'more' | 'padding'>
  /** Where valid records go on; absent when none do. */
  readonly resumesAt?: number
  /** The last transaction before and the first after: what lies between is lost. `after` and `before` are both exclusive. */
  readonly lost: { readonly after?: Zxid; readonly before?: Zxid }
  /** False when the transactions around it follow each other: then nothing is missing. */
  readonly losesTxns: boolean
  /** The record there, when it decodes although its checksum is wrong: what it says may be wrong. */
  readonly suspect?: SuspectTxn
}

export interface SuspectTxn {
  readonly zxid: Zxid
  readonly type: TxnTypeName
  /** Paths that it changes. */
  readonly paths: readonly Uint8Array[]
}

/** Damages that are listed one by one; a file with more is not worth looking into further. */
const damagesMax = 10_000
/** Longest record that is looked for behind damage: beyond every `jute.maxbuffer` in use, and small enough to be held. */
const resyncPayloadMax = 16 << 20
/** Bytes that are summed in vain, in all, while looking for records; input made to look like records everywhere ends here. */
const resyncSumBytesMax = 4 * 2 ** 30

/** Reports what of a log is valid. It throws only when the file cannot be read. */
export async function salvageTxnLog(file: FileInput): Promise<LogSalvage> {
  return withFile(file, (opened) => new LogSalvager(opened).run())
}

/**
 * Writes what can be saved to a new file at `path`. `prefix`: all up to the first damage, which is all that a server may replay.
 * `every-valid-record`: also what comes after, for people.
 * @throws TXN_LOG_DAMAGED when nothing can be saved; what creating and writing throw
 */
export async function writeSalvagedLog(
  file: FileInput,
  path: string,
  options: { keep: 'prefix' | 'every-valid-record'; fsync: 'before-close' | 'never' },
): Promise<LogSalvage> {
  return withFile(file, async (opened) => {
    const report = await new LogSalvager(opened).run()
    const stretches = options.keep === 'prefix' ? prefixOf(report) : report.stretches
    if (stretches.length === 0)
      throw new ZooArkError('TXN_LOG_DAMAGED', 'no valid transaction can be saved', { place: { file: opened.path } })
    const writer = await TxnLogWriter.create(path, { fsync: options.fsync })
    try {
      for (const stretch of stretches) await copyStretch(opened, stretch, writer)
      await writer.close()
    } catch (error) {
      await writer.abandon()
      throw error
    }
    return report
  })
}

/** The stretches before the first damage: one or none. */
export function prefixOf(report: LogSalvage): readonly LogStretch[] {
  const [first, second] = report.damages
  // A header can be written anew when nothing but the header is lost.
  const end = first?.reason === 'header' && first.resumesAt === logHeaderLength ? second : first
  const endOffset = end?.offset ?? Number.POSITIVE_INFINITY
  return report.stretches.filter((stretch) => stretch.startOffset < endOffset)
}

async function copyStretch(file: OpenFile, stretch: LogStretch, writer: TxnLogWriter): Promise<void> {
  const stream = new WindowStream(await FileSource.open(file, stretch.startOffset), { offset: stretch.startOffset })
  try {
    const scan = new LogScan()
    for (let left = stretch.count; left > 0; ) {
      if (scan.run(stream.window, stream.position, stream.end) !== 'more' && scan.count < left) {
        throw new ZooArkError('SOURCE_CHANGING', 'the log changed while it was being saved', { place: { file: file.path } })
      }
      const count = Math.min(left, scan.count)
      await writer.appendAll(stream.window, scan.starts, scan.ends, count)
      left -= count
      stream.position = scan.position
      if (left > 0 && !(await stream.more())) {
        throw new ZooArkError('SOURCE_CHANGING', 'the log became shorter while it was being saved', { place: { file: file.path } })
      }
    }
  } finally {
    await stream.idle()
  }
}

interface OpenDamage {
  offset: number
  reason: LogDamage['reason']
  after: Zxid | undefined
  suspect: SuspectTxn | undefined
  /** Where the next record would stand if only the bytes in this one are wrong. */
  next: number | undefined
}

class LogSalvager {
  readonly #file: OpenFile
  readonly #stretches: LogStretch[] = []
  readonly #damages: LogDamage[] = []
  /** One for all stretches: its tables are as long as a window. */
  readonly #scan = new LogScan()
  #budget = resyncSumBytesMax
  #last: Zxid | undefined

  constructor(file: OpenFile) {
    this.#file = file
  }

  async run(): Promise<LogSalvage> {
    const fileBytes = await fileSize(this.#file)
    const header = await this.#header()
    if (header === 'missing') return { header, fileBytes, stretches: [], damages: [], search: 'complete' }
    const offset = header === 'good' ? logHeaderLength : 0
    const stream = new WindowStream(await FileSource.open(this.#file, offset), { offset, windowLength: resyncPayloadMax * 2 })
    try {
      const search = await this.#walk(stream, header)
      return { header, fileBytes, stretches: this.#stretches, damages: this.#damages, search }
    } finally {
      await stream.idle()
    }
  }

  async #header(): Promise<LogSalvage['header']> {
    try {
      return (await readLogHeader(this.#file)) === undefined ? 'missing' : 'good'
    } catch (error) {
      if (error instanceof ZooArkError && error.code === 'TXN_LOG_DAMAGED') return 'damaged'
      throw error
    }
  }

  async #walk(stream: WindowStream, header: 'good' | 'damaged'): Promise<LogSalvage['search']> {
    await stream.more()
    if (header === 'damaged') {
      const damage: OpenDamage = { offset: 0, reason: 'header', after: undefined, suspect: undefined, next: logHeaderLength }
      if (!(await this.#resume(stream, damage))) return this.#search()
    }
    while (this.#damages.length < damagesMax) {
      const state = await this.#stretch(stream)
      const damage = state === 'end' ? undefined : await this.#damageAt(stream, state)
      if (damage === undefined || !(await this.#resume(stream, damage))) return this.#search()
    }
    return 'stopped-at-limit'
  }

  #search(): LogSalvage['search'] {
    return this.#budget > 0 ? 'complete' : 'stopped-at-limit'
  }

  /** Reads valid records from the position on. @returns why they end. */
  async #stretch(stream: WindowStream): Promise<Exclude<LogScanState, 'more'> | 'torn' | 'end'> {
    const scan = this.#scan
    const startOffset = stream.offsetOf(stream.position)
    let count = 0
    let first: Zxid | undefined
    for (;;) {
      const state = scan.run(stream.window, stream.position, stream.end)
      if (scan.count > 0) {
        first ??= zxidAt(stream.window, scan.starts[0])
        this.#last = zxidAt(stream.window, scan.starts[scan.count - 1])
        count += scan.count
      }
      stream.position = scan.position
      if (state === 'more' && (await stream.more())) continue
      const endOffset = stream.offsetOf(stream.position)
      if (first !== undefined && this.#last !== undefined) this.#stretches.push({ startOffset, endOffset, first, last: this.#last, count })
      if (state !== 'more') return state
      return stream.position === stream.end ? 'end' : 'torn'
    }
  }

  /** What stands at the position, where no valid record does; undefined when it is the proper end. */
  async #damageAt(stream: WindowStream, state: Exclude<LogScanState, 'more'> | 'torn'): Promise<OpenDamage | undefined> {
    const offset = stream.offsetOf(stream.position)
    const damage = { offset, after: this.#last, suspect: undefined, next: undefined }
    if (state === 'padding') return (await skipZeros(stream)) ? { ...damage, reason: 'hole' } : undefined
    if (state !== 'checksum') return { ...damage, reason: state }
    const payload = stream.position + recordHeadLength
    const end = payload + int32At(stream.window, stream.position + 8)
    return { ...damage, reason: state, suspect: suspectIn(stream.window, payload, end), next: stream.offsetOf(end + 1) }
  }

  /** Looks for the next valid record, notes the damage, and moves to the record. @returns false when there is none. */
  async #resume(stream: WindowStream, damage: OpenDamage): Promise<boolean> {
    const found = await this.#findRecord(stream, damage)
    const before = found ? zxidAt(stream.window, stream.position + recordHeadLength) : undefined
    const { after } = damage
    this.#damages.push({
      offset: damage.offset,
      reason: damage.reason,
      ...(found ? { resumesAt: stream.offsetOf(stream.position) } : {}),
      lost: { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) },
      losesTxns: after === undefined || before === undefined || !follows(after, before),
      ...(damage.suspect === undefined ? {} : { suspect: damage.suspect }),
    })
    return found
  }

  async #findRecord(stream: WindowStream, damage: OpenDamage): Promise<boolean> {
    const next = damage.next === undefined ? -1 : damage.next - stream.offsetOf(0)
    if (next >= 0 && next <= stream.end && this.#isRecord(stream.window, next, stream.end)) {
      stream.position = next
      return true
    }
    if (damage.reason !== 'hole' && damage.reason !== 'header') stream.position++
    while (this.#budget > 0) {
      // All of a candidate must be in the window before it is judged.
      const whole = await stream.has(resyncPayloadMax + recordOverhead)
      const limit = whole ? stream.end - resyncPayloadMax - recordOverhead : stream.end - recordOverhead
      for (let at = stream.position; at <= limit && this.#budget > 0; at++) {
        if (stream.window[at] !== 0 || !this.#isRecord(stream.window, at, stream.end)) continue
        stream.position = at
        return true
      }
      if (!whole) break
      stream.position = limit + 1
    }
    stream.position = stream.end
    return false
  }

  /** Whether a whole record with its checksum stands at `at`, newer than all before. */
  #isRecord(window: Uint8Array, at: number, end: number): boolean {
    if (end - at < recordOverhead + txnLayout.body || int32At(window, at) !== 0) return false
    const length = int32At(window, at + 8)
    const payload = at + recordHeadLength
    if (length < txnLayout.body || length > resyncPayloadMax || length >= end - payload) return false
    if (window[payload + length] !== recordEndMark) return false
    if (this.#last !== undefined && zxidAt(window, payload) <= this.#last) return false
    this.#budget -= length
    return sumMatches(window, at, payload, payload + length)
  }
}

function zxidAt(window: Uint8Array, payload: number): Zxid {
  return toZxid(longAt(window, payload + txnLayout.zxid))
}

/** What a record with a wrong checksum says, when it decodes to a known type. */
function suspectIn(window: Uint8Array, start: number, end: number): SuspectTxn | undefined {
  try {
    const { header, record } = decodeTxn(window, start, end)
    const type = txnTypeName(header.type)
    return type === undefined ? undefined : { zxid: header.zxid, type, paths: txnPaths(record).map((path) => path.slice()) }
  } catch (error) {
    if (error instanceof ZooArkError && error.code === 'RECORD_DAMAGED') return undefined
    throw error
  }
}

/**
 * Moves over zeros to where a record could begin: its checksum and length begin with zeros too, so that it stops short of the first other byte.
 * @returns false when only zeros come.
 */
async function skipZeros(stream: WindowStream): Promise<boolean> {
  const zerosOfRecord = recordHeadLength - 1
  let at = stream.position
  for (;;) {
    while (at < stream.end && stream.window[at] === 0) at++
    stream.position = Math.max(stream.position, at - zerosOfRecord)
    if (at < stream.end) return true
    const offset = stream.offsetOf(at)
    if (!(await stream.more())) return false
    at = offset - stream.offsetOf(0)
  }
}
