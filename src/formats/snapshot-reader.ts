import { basename } from 'node:path'
import { ZooArkError } from '../base/errors.ts'
import { juteLengthMax } from '../jute/jute-limits.ts'
import { int32At, joinLong, longAt } from '../jute/long.ts'
import { aclEntriesMax } from '../model/acl.ts'
import { type Zxid, toZxid } from '../model/zxid.ts'
import type { ByteSource } from './byte-source.ts'
import { type FileInput, withFile } from './file-input.ts'
import { type Compression, parseFileName } from './file-name.ts'
import { openPlain } from './plain-source.ts'
import {
  sealLength,
  sessionLength,
  snapshotAclsMax,
  snapshotHeaderLength,
  snapshotMagic,
  snapshotSessionsMax,
  snapshotVersion,
  trailerBytesMax,
} from './snapshot-layout.ts'
import { NodeScan } from './snapshot-scan.ts'
import { type SnapshotDigest, decodeTrailers, sealFault } from './snapshot-trailer.ts'
import { WindowStream } from './window-stream.ts'

/** Receives a snapshot in the order of the file: sessions, ACLs, records. Nothing handed over is valid after the call, except as said. */
export interface SnapshotSink {
  session?(idHi: number, idLo: number, timeoutMs: number): void
  /** The jute vector of one ACL, verbatim, is `bytes[start..end)`. */
  acl?(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void
  /**
   * Record i is `window[starts[i]..starts[i + 1])`, bounds-checked; `starts` has `count + 1` entries and is reused.
   * With `adopt` the window is handed out once only and may be kept; else it is reused. Parents come before children as in the file.
   * The next call waits for the promise that this one returns: back-pressure for a consumer that writes.
   */
  records?(window: Uint8Array, starts: Uint32Array, count: number): void | Promise<void>
}

export interface SnapshotOptions {
  /** A fresh window for every call of `records`, which the sink may keep. */
  readonly adopt?: 'windows'
  /** Bytes of one window; a longer record gets a window of its own. */
  readonly windowLength?: number
}

export interface SnapshotSummary {
  /** From the file's name, where it has a snapshot's name. */
  readonly zxidOfName?: Zxid
  readonly version: number
  readonly dbId: bigint
  readonly sessions: number
  readonly acls: number
  readonly nodes: number
  /** Length of the content, uncompressed. */
  readonly bytes: number
  readonly digest?: SnapshotDigest
  readonly lastProcessedZxid?: Zxid
  readonly compression: Compression
  /** What the name promises, when the content is something else: a server would fail to read the file. */
  readonly compressionOfName?: Compression
  /** The newest zxid in any stat: the snapshot is at least as fuzzy as that. Deleted nodes and changed ACLs leave no trace in it. */
  readonly maxZxidSeen: Zxid
  /** The verified Adler32 of everything before the first seal. */
  readonly adler: number
  /** Bytes after the last seal, which no server writes. */
  readonly trailingBytes: number
}

/** Long windows where they are kept: a tree then has few segments. */
const windowLengthAdopted = 16 << 20

/**
 * Reads and verifies a snapshot: plain, gz or snappy by its first bytes, in windows of bounded memory, every seal checked.
 * Offsets in errors count in the uncompressed content. The page is docs/formats/zookeeper-snapshot.md.
 * @throws SNAPSHOT_DAMAGED when a byte is wrong (the sink may have had most of it by then), and what opening and reading throw.
 */
export async function readSnapshot(file: FileInput, sink: SnapshotSink, options: SnapshotOptions = {}): Promise<SnapshotSummary> {
  return withFile(file, async (opened) => {
    const { source, compression } = await openPlain(opened)
    try {
      const content = await readSnapshotContent(source, opened.path, sink, options)
      const name = parseFileName(basename(opened.path))
      if (name?.kind !== 'snapshot') return { ...content, compression }
      const disagreement = name.compression === compression ? {} : { compressionOfName: name.compression }
      return { ...content, compression, zxidOfName: name.zxid, ...disagreement }
    } finally {
      await source.close()
    }
  })
}

export type SnapshotContent = Omit<SnapshotSummary, 'compression' | 'compressionOfName' | 'zxidOfName'>

/** As `readSnapshot`, of content that comes from elsewhere than a file. @param name for errors. The caller closes the source. */
export async function readSnapshotContent(
  source: ByteSource,
  name: string,
  sink: SnapshotSink,
  options: SnapshotOptions = {},
): Promise<SnapshotContent> {
  const adopts = options.adopt === 'windows'
  const windowLength = options.windowLength ?? (adopts ? windowLengthAdopted : undefined)
  const stream = new WindowStream(source, {
    sum: 'adler32',
    windows: adopts ? 'fresh' : 'reused',
    ...(windowLength === undefined ? {} : { windowLength }),
  })
  try {
    const header = await readHeader(stream)
    const sessions = await readSessions(stream, sink)
    const acls = await readAcls(stream, sink)
    const nodes = await readNodes(stream, sink)
    const adler = await readSeal(stream)
    const end = await readTrailers(stream)
    return { ...header, sessions, acls, ...nodes, adler, ...end }
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.place.file !== undefined) throw error
    throw new ZooArkError(error.code, error.message, { place: { ...error.place, file: name }, hint: error.hint, cause: error })
  } finally {
    await stream.idle()
  }
}

/** The error for a fault at a position of the window. */
export function snapshotDamaged(stream: WindowStream, what: string, position = stream.position): ZooArkError {
  return new ZooArkError('SNAPSHOT_DAMAGED', what, { place: { offset: stream.offsetOf(position) } })
}

async function need(stream: WindowStream, length: number, what: string): Promise<void> {
  if (stream.end - stream.position >= length || (await stream.has(length))) return
  throw snapshotDamaged(stream, `the file ends within ${what}`, stream.end)
}

export async function readHeader(stream: WindowStream): Promise<{ version: number; dbId: bigint }> {
  await need(stream, snapshotHeaderLength, 'the header')
  const { window, position } = stream
  if (int32At(window, position) !== snapshotMagic) throw snapshotDamaged(stream, 'the file does not begin with ZKSN')
  const version = int32At(window, position + 4)
  if (version !== snapshotVersion) throw snapshotDamaged(stream, `the file has version ${version}, not ${snapshotVersion}`, position + 4)
  stream.position += snapshotHeaderLength
  return { version, dbId: longAt(window, position + 8) }
}

export async function readSessions(stream: WindowStream, sink: SnapshotSink): Promise<number> {
  const count = await readCount(stream, 'sessions', snapshotSessionsMax)
  for (let i = 0; i < count; i++) {
    if (stream.end - stream.position < sessionLength) await need(stream, sessionLength, 'the sessions')
    const { window, position } = stream
    sink.session?.(int32At(window, position), int32At(window, position + 4), int32At(window, position + 8))
    stream.position += sessionLength
  }
  return count
}

export async function readAcls(stream: WindowStream, sink: SnapshotSink): Promise<number> {
  const count = await readCount(stream, 'ACLs', snapshotAclsMax)
  for (let i = 0; i < count; i++) {
    let length = aclEntryLength(stream)
    while (length < 0) {
      if (!(await stream.more())) throw snapshotDamaged(stream, 'the file ends within the ACLs', stream.end)
      length = aclEntryLength(stream)
    }
    const { window, position } = stream
    sink.acl?.(int32At(window, position), int32At(window, position + 4), window, position + 8, position + length)
    stream.position += length
  }
  return count
}

async function readCount(stream: WindowStream, what: string, max: number): Promise<number> {
  await need(stream, 4, `the number of ${what}`)
  const count = int32At(stream.window, stream.position)
  if (count < 0 || count > max) throw snapshotDamaged(stream, `the number of ${what} is ${count}`)
  stream.position += 4
  return count
}

/** Length of the ACL entry at the position: its key and its vector; -1 when the window ends first. */
function aclEntryLength(stream: WindowStream): number {
  const { window, position, end } = stream
  if (end - position < 12) return -1
  const entries = int32At(window, position + 8)
  if (entries < 0 || entries > aclEntriesMax) throw snapshotDamaged(stream, `an ACL has ${entries} entries`, position + 8)
  let at = position + 12
  for (let i = 0; i < entries; i++) {
    at += 4
    for (let part = 0; part < 2; part++) {
      if (end - at < 4) return -1
      const length = int32At(window, at)
      if (length < -1 || length > juteLengthMax) throw snapshotDamaged(stream, `a text of an ACL has the length ${length}`, at)
      at += 4 + (length > 0 ? length : 0)
    }
  }
  return at > end ? -1 : at - position
}

export async function readNodes(stream: WindowStream, sink: SnapshotSink): Promise<{ nodes: number; maxZxidSeen: Zxid }> {
  const scan = new NodeScan()
  for (;;) {
    const state = scan.run(stream.window, stream.position, stream.end)
    if (scan.count > 0) await sink.records?.(stream.window, scan.starts, scan.count)
    stream.position = scan.position
    if (state === 'damaged') throw snapshotDamaged(stream, scan.fault)
    if (state === 'end-mark') return { nodes: scan.nodes, maxZxidSeen: toZxid(joinLong(scan.maxHi, scan.maxLo)) }
    if (!(await stream.more())) throw snapshotDamaged(stream, `the file ends within a node record, after ${scan.nodes} nodes`, stream.end)
  }
}

export async function readSeal(stream: WindowStream): Promise<number> {
  await need(stream, sealLength, 'the seal')
  const adler = stream.adlerThrough(stream.position)
  const fault = sealFault(stream.window, stream.position, adler)
  if (fault !== undefined) throw snapshotDamaged(stream, `${fault}: the content is not what the server wrote`)
  stream.position += sealLength
  return adler
}

interface SnapshotEnd {
  digest?: SnapshotDigest
  lastProcessedZxid?: Zxid
  bytes: number
  trailingBytes: number
}

export async function readTrailers(stream: WindowStream): Promise<SnapshotEnd> {
  const adler = stream.adlerThrough(stream.position)
  await stream.has(trailerBytesMax)
  const trailers = decodeTrailers(stream.window, stream.position, stream.end, adler)
  if (trailers === undefined)
    throw snapshotDamaged(stream, 'what follows the seal is neither a digest nor a last zxid with a matching seal')
  const { end, ...found } = trailers
  const sealedBytes = stream.offsetOf(end)
  stream.position = stream.end
  while (await stream.more()) stream.position = stream.end
  const bytes = stream.offsetOf(stream.end)
  return { ...found, bytes, trailingBytes: bytes - sealedBytes }
}
