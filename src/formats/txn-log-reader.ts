import { basename } from 'node:path'
import { ZooArkError } from '../base/errors.ts'
import { int32At, longAt } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { type Zxid, formatZxid, toZxid } from '../model/zxid.ts'
import { FileSource, fileSize } from './byte-source.ts'
import { type FileInput, type OpenFile, withFile } from './file-input.ts'
import { parseFileName } from './file-name.ts'
import { logHeaderLength, logMagic, logVersion, recordHeadLength } from './txn-log-layout.ts'
import { LogScan, type LogScanState } from './txn-log-scan.ts'
import { WindowStream } from './window-stream.ts'

export interface TxnLogSink {
  /**
   * Payload i (header, record, digest: see model/txn-layout.ts) is `window[starts[i]..ends[i])`; its checksum has been verified, its
   * record has not been looked at. In file order. Valid until the call, or the promise it returns, is done; with `adopt` the window may be kept.
   */
  txns?(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, place: TxnWindowPlace): void | Promise<void>
}

export interface TxnWindowPlace {
  /** File offset of `window[0]`; it may be negative, payloads never are. */
  readonly offsetOfWindow: number
}

export interface TxnLogOptions {
  /** A fresh window for every call of `txns`, which the sink may keep. */
  readonly adopt?: 'windows'
  /** Bytes of one window; a longer record gets a window of its own. */
  readonly windowLength?: number
  /** Offset of the first record to read: `validBytes` of an earlier reading. The header is checked all the same. */
  readonly startAt?: number
  /** `check` reads the padding too and reports what is not zero in it. */
  readonly padding?: 'skip' | 'check'
}

export interface TxnLogSummary {
  /** From the file's name, where it has a log's name. */
  readonly zxidOfName?: Zxid
  /** Absent when the file is empty. */
  readonly version?: number
  readonly dbId?: bigint
  readonly first?: Zxid
  readonly last?: Zxid
  readonly count: number
  /** Where the last valid record ends: all before it is verified. The next record of a log that grows will stand there. */
  readonly validBytes: number
  readonly fileBytes: number
  /** `empty`: no header yet. `torn`: the last record is not whole, as when a server dies or is writing just now; a server takes that as the end. */
  readonly end: 'padding' | 'end-of-file' | 'torn' | 'empty'
  readonly tornAt?: number
  readonly tornReason?: 'short' | 'no-end-mark' | 'partial-length'
  /** First byte of the padding that is not zero, where the padding was checked: a server never reads what stands there. */
  readonly dirtyPaddingAt?: number
  /** Whether every zxid was above the one before. */
  readonly ascending: boolean
}

/**
 * Reads and verifies a transaction log in windows of bounded memory. The page is docs/formats/zookeeper-txn-log.md.
 * @throws TXN_LOG_DAMAGED with offset and zxid when a whole record does not have its checksum, or no log is there; the records before
 * it have been handed out by then. What opening and reading throw.
 */
export async function readTxnLog(file: FileInput, sink: TxnLogSink, options: TxnLogOptions = {}): Promise<TxnLogSummary> {
  return withFile(file, async (opened) => {
    const name = parseFileName(basename(opened.path))
    const zxidOfName = name?.kind === 'log' ? { zxidOfName: name.zxid } : {}
    const fileBytes = await fileSize(opened)
    const header = await readLogHeader(opened)
    if (header === undefined) return { ...zxidOfName, count: 0, validBytes: 0, fileBytes, end: 'empty', ascending: true }
    return { ...zxidOfName, ...header, fileBytes, ...(await readRecords(opened, sink, options)) }
  })
}

/** The header of a log; undefined when the file is empty. @throws TXN_LOG_DAMAGED */
export async function readLogHeader(file: OpenFile): Promise<{ version: number; dbId: bigint } | undefined> {
  const head = new Uint8Array(logHeaderLength)
  const length = await (await FileSource.open(file)).read(head, 0, logHeaderLength)
  if (length === 0) return undefined
  const refuse = (what: string, offset: number): ZooArkError =>
    new ZooArkError('TXN_LOG_DAMAGED', what, { place: { file: file.path, offset } })
  if (length < logHeaderLength) throw refuse('the file ends within the header', length)
  if (int32At(head, 0) !== logMagic) throw refuse('the file does not begin with ZKLG', 0)
  const version = int32At(head, 4)
  if (version !== logVersion) throw refuse(`the file has version ${version}, not ${logVersion}`, 4)
  return { version, dbId: longAt(head, 8) }
}

type Records = Pick<
  TxnLogSummary,
  'first' | 'last' | 'count' | 'validBytes' | 'end' | 'tornAt' | 'tornReason' | 'dirtyPaddingAt' | 'ascending'
>

async function readRecords(file: OpenFile, sink: TxnLogSink, options: TxnLogOptions): Promise<Records> {
  const offset = Math.max(logHeaderLength, options.startAt ?? logHeaderLength)
  const stream = new WindowStream(await FileSource.open(file, offset), {
    offset,
    windows: options.adopt === 'windows' ? 'fresh' : 'reused',
    ...(options.windowLength === undefined ? {} : { windowLength: options.windowLength }),
  })
  try {
    const scan = new LogScan()
    let count = 0
    let span: { first?: Zxid; last?: Zxid } = {}
    for (;;) {
      const state = scan.run(stream.window, stream.position, stream.end)
      if (scan.count > 0) {
        count += scan.count
        const first = span.first ?? zxidOf(stream.window, scan.starts[0])
        span = { first, last: zxidOf(stream.window, scan.starts[scan.count - 1]) }
        await sink.txns?.(stream.window, scan.starts, scan.ends, scan.count, { offsetOfWindow: stream.offsetOf(0) })
      }
      stream.position = scan.position
      if (state === 'more' && (await stream.more())) continue
      const end = { ...span, count, validBytes: stream.offsetOf(stream.position), ascending: scan.ascending }
      return { ...end, ...(await readEnd(stream, state, file.path, options.padding ?? 'skip')) }
    }
  } finally {
    await stream.idle()
  }
}

type LogEnd = Pick<TxnLogSummary, 'end' | 'tornAt' | 'tornReason' | 'dirtyPaddingAt'>

/** What the position, where no further record is, means. @throws TXN_LOG_DAMAGED */
async function readEnd(stream: WindowStream, state: LogScanState, path: string, padding: 'skip' | 'check'): Promise<LogEnd> {
  const at = stream.offsetOf(stream.position)
  switch (state) {
    case 'more':
      if (stream.position === stream.end) return { end: 'end-of-file' }
      // The file may end within the padding's first bytes; those are no beginning of a record.
      if (isZero(stream)) return { end: 'padding' }
      return { end: 'torn', tornAt: at, tornReason: 'short' }
    case 'padding': {
      const dirtyPaddingAt = padding === 'check' ? await findDirt(stream) : undefined
      return dirtyPaddingAt === undefined ? { end: 'padding' } : { end: 'padding', dirtyPaddingAt }
    }
    case 'partial-length':
    case 'no-end-mark':
      return { end: 'torn', tornAt: at, tornReason: state }
    default:
      throw logDamaged(stream, state, path)
  }
}

function logDamaged(stream: WindowStream, state: 'checksum' | 'length' | 'short-payload', path: string): ZooArkError {
  const { window, position } = stream
  const place = { file: path, offset: stream.offsetOf(position) }
  const length = int32At(window, position + 8)
  if (state === 'length') return new ZooArkError('TXN_LOG_DAMAGED', `a record has the length ${length}`, { place })
  if (state === 'short-payload') return new ZooArkError('TXN_LOG_DAMAGED', `a record of ${length} bytes holds no transaction`, { place })
  if (length < txnLayout.body) return new ZooArkError('TXN_LOG_DAMAGED', 'the checksum of a record does not match', { place })
  const zxid = formatZxid(zxidOf(window, position + recordHeadLength))
  return new ZooArkError('TXN_LOG_DAMAGED', 'the checksum of a record does not match', { place: { ...place, zxid } })
}

/** Zxid in the header of a payload. */
function zxidOf(window: Uint8Array, payload: number): Zxid {
  return toZxid(longAt(window, payload + txnLayout.zxid))
}

function isZero(stream: WindowStream): boolean {
  return firstNonZero(stream.window, stream.position, stream.end) === stream.end
}

async function findDirt(stream: WindowStream): Promise<number | undefined> {
  do {
    const at = firstNonZero(stream.window, stream.position, stream.end)
    if (at < stream.end) return stream.offsetOf(at)
    stream.position = stream.end
  } while (await stream.more())
  return undefined
}

function firstNonZero(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] === 0) at++
  return at
}
