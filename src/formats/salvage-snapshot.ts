import { ZooArkError } from '../base/errors.ts'
import { joinLong } from '../jute/long.ts'
import { nodePathLength, nodePathOffset } from '../model/node-record.ts'
import type { ByteSource } from './byte-source.ts'
import { type FileInput, withFile } from './file-input.ts'
import type { Compression } from './file-name.ts'
import { openPlain } from './plain-source.ts'
import { type SnapshotSink, readAcls, readHeader, readNodes, readSeal, readSessions, readTrailers } from './snapshot-reader.ts'
import type { SnapshotDigest } from './snapshot-trailer.ts'
import { type RecordSpans, type SnapshotWritten, writeSnapshot } from './snapshot-writer.ts'
import { WindowStream } from './window-stream.ts'

/** The parts of a snapshot in file order. */
export type SnapshotPart = 'header' | 'sessions' | 'acls' | 'nodes' | 'seal' | 'trailers'

/** What can be saved of a snapshot, and what is lost. */
export interface SnapshotSalvage {
  readonly compression: Compression
  /**
   * `whole`: everything is verified. `unsealed-end`: all nodes are verified, what follows the seal is not.
   * `checksum-mismatch`: all nodes decode, but some byte of them or before is wrong, nobody knows which.
   * `broken-off`: nodes are missing at the end, and those before are not verified, because the checksum stands behind them.
   * `nothing`: no node can be read.
   */
  readonly verdict: 'whole' | 'unsealed-end' | 'checksum-mismatch' | 'broken-off' | 'nothing'
  readonly sessions: number
  readonly acls: number
  readonly nodes: number
  /** Path of the last node that decodes: in the order of the file, everything after it is lost. */
  readonly lastPath?: Uint8Array
  /** Where in the file's order of parts, and at which offset of the uncompressed content, reading failed, and why. */
  readonly damage?: { readonly part: SnapshotPart; readonly offset: number; readonly what: string }
  readonly digest?: SnapshotDigest
}

/** Reports what of a snapshot decodes. It throws only when the file cannot be read or is no snapshot in any form. */
export async function salvageSnapshot(file: FileInput, sink: SnapshotSink = {}): Promise<SnapshotSalvage> {
  return withFile(file, async (opened) => {
    const { source, compression } = await openPlain(opened, { damage: 'report' })
    try {
      return { compression, ...(await salvageContent(new LenientSource(source), sink)) }
    } finally {
      await source.close()
    }
  })
}

/**
 * Writes the nodes that decode, up to the damage, to a new sealed snapshot at `path`, with the sessions and ACLs before them. Parents come
 * before children in a snapshot, so that what is written is a tree. No digest is written: it would be that of the whole.
 * The nodes are held in memory until it is known how many there are.
 * @throws SNAPSHOT_DAMAGED when no node can be saved; what creating and writing throw
 */
export async function writeSalvagedSnapshot(
  file: FileInput,
  path: string,
  options: { fsync: 'before-close' | 'never' },
): Promise<SnapshotSalvage & { written: SnapshotWritten }> {
  const kept = new KeptSnapshot()
  const report = await salvageSnapshot(file, kept)
  if (report.nodes === 0) {
    const place = {
      file: typeof file === 'string' ? file : file.path,
      ...(report.damage === undefined ? {} : { offset: report.damage.offset }),
    }
    throw new ZooArkError('SNAPSHOT_DAMAGED', 'no znode can be saved', { place })
  }
  return { ...report, written: await writeSnapshot(path, { sessions: kept.sessions, acls: kept.acls, records: kept.spans() }, options) }
}

async function salvageContent(source: LenientSource, sink: SnapshotSink): Promise<Omit<SnapshotSalvage, 'compression'>> {
  const stream = new WindowStream(source, { sum: 'adler32', windows: 'fresh' })
  const counts = new CountingSink(sink)
  let part: SnapshotPart = 'header'
  try {
    await readHeader(stream)
    part = 'sessions'
    await readSessions(stream, counts)
    part = 'acls'
    await readAcls(stream, counts)
    part = 'nodes'
    await readNodes(stream, counts)
    part = 'seal'
    await readSeal(stream)
    part = 'trailers'
    const { digest } = await readTrailers(stream)
    if (source.failure !== undefined) throw source.failure
    return { verdict: 'whole', ...counts.result(), ...(digest === undefined ? {} : { digest }) }
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.code !== 'SNAPSHOT_DAMAGED') throw error
    const what = source.failure?.message ?? error.message
    const damage = { part, offset: error.place.offset ?? stream.offsetOf(stream.position), what }
    return { verdict: verdictOf(part, counts.nodes), ...counts.result(), damage }
  } finally {
    await stream.idle()
  }
}

function verdictOf(part: SnapshotPart, nodes: number): SnapshotSalvage['verdict'] {
  if (nodes === 0) return 'nothing'
  if (part === 'trailers') return 'unsealed-end'
  return part === 'seal' ? 'checksum-mismatch' : 'broken-off'
}

/** Passes everything on and counts it. */
class CountingSink implements SnapshotSink {
  sessions = 0
  acls = 0
  nodes = 0
  #lastPath: Uint8Array | undefined
  readonly #sink: SnapshotSink

  constructor(sink: SnapshotSink) {
    this.#sink = sink
  }

  session(idHi: number, idLo: number, timeoutMs: number): void {
    this.sessions++
    this.#sink.session?.(idHi, idLo, timeoutMs)
  }

  acl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.acls++
    this.#sink.acl?.(keyHi, keyLo, bytes, start, end)
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void | Promise<void> {
    this.nodes += count
    const last = starts[count - 1]
    const path = last + nodePathOffset
    this.#lastPath = window.slice(path, path + nodePathLength(window, last))
    return this.#sink.records?.(window, starts, count)
  }

  result(): Pick<SnapshotSalvage, 'sessions' | 'acls' | 'nodes' | 'lastPath'> {
    const { sessions, acls, nodes } = this
    return { sessions, acls, nodes, ...(this.#lastPath === undefined ? {} : { lastPath: this.#lastPath }) }
  }
}

/** Keeps what was read, for writing it again. */
class KeptSnapshot implements SnapshotSink {
  readonly sessions: { id: bigint; timeoutMs: number }[] = []
  readonly acls: { key: bigint; bytes: Uint8Array }[] = []
  readonly #spans: { window: Uint8Array; start: number; end: number }[] = []

  session(idHi: number, idLo: number, timeoutMs: number): void {
    this.sessions.push({ id: joinLong(idHi, idLo), timeoutMs })
  }

  acl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.acls.push({ key: joinLong(keyHi, keyLo), bytes: bytes.slice(start, end) })
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void {
    this.#spans.push({ window, start: starts[0], end: starts[count] })
  }

  spans(): RecordSpans {
    return spansOf(this.#spans)
  }
}

/** A cursor over a list of spans. */
export function spansOf(spans: readonly { readonly window: Uint8Array; readonly start: number; readonly end: number }[]): RecordSpans {
  let at = -1
  return {
    get window() {
      return spans[at].window
    },
    get start() {
      return spans[at].start
    },
    get end() {
      return spans[at].end
    },
    next: () => ++at < spans.length,
  }
}

/** Ends where the source fails by damage, and remembers why. */
class LenientSource implements ByteSource {
  readonly #source: ByteSource
  failure: ZooArkError | undefined

  constructor(source: ByteSource) {
    this.#source = source
  }

  get remainingHint(): number | undefined {
    return this.#source.remainingHint
  }

  async read(target: Uint8Array, start: number, end: number): Promise<number> {
    if (this.failure !== undefined) return 0
    try {
      return await this.#source.read(target, start, end)
    } catch (error) {
      if (!(error instanceof ZooArkError) || error.code !== 'SNAPSHOT_DAMAGED') throw error
      this.failure = error
      return 0
    }
  }

  async close(): Promise<void> {
    await this.#source.close()
  }
}
