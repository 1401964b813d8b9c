import { JuteWriter } from '../jute/jute-writer.ts'
import type { Zxid } from '../model/zxid.ts'
import { OutputFile } from './output-file.ts'
import { snapshotDbId, snapshotMagic, snapshotVersion } from './snapshot-layout.ts'
import { type SnapshotDigest, encodeDigest, encodeLastZxid, encodeSeal } from './snapshot-trailer.ts'

/** A cursor over node records: after `next` has returned true, one or more whole records that stand together are `window[start..end)`. */
export interface RecordSpans {
  readonly window: Uint8Array
  readonly start: number
  readonly end: number
  /** Moves on; false when there are no more. The first record is the root, and parents come before their children. */
  next(): boolean
}

export interface SnapshotToWrite {
  /** -1 where it is not given, as every server writes. */
  readonly dbId?: bigint
  readonly sessions: readonly { readonly id: bigint; readonly timeoutMs: number }[]
  /** `bytes`: the jute vector of the ACL, verbatim. */
  readonly acls: readonly { readonly key: bigint; readonly bytes: Uint8Array }[]
  readonly records: RecordSpans
  /** Written only where given: servers from 3.6 on write one. */
  readonly digest?: SnapshotDigest
  /** Written only where given: servers from 3.9 on write it. */
  readonly lastProcessedZxid?: Zxid
}

export interface SnapshotWriteOptions {
  readonly fsync: 'before-close' | 'never'
  /** The caller gives the file the name that belongs to it: a server reads by the extension. */
  readonly compression?: 'none' | 'gz'
}

export interface SnapshotWritten {
  /** Length of the content, uncompressed. */
  readonly bytes: number
  readonly fileBytes: number
  /** Adler32 of everything before the first seal, the value that `readSnapshot` reports. */
  readonly adler: number
}

const endMark = Uint8Array.of(0, 0, 0, 1, 0x2f)

/**
 * Writes a snapshot to a new file at `path`: what was read is written back bit for bit. The caller stages: after a failure a part of the file
 * is left. The page is docs/formats/zookeeper-snapshot.md.
 * @throws TARGET_NOT_EMPTY when the file exists, TARGET_UNWRITABLE, STORE_FULL, IO_FAILED
 */
export async function writeSnapshot(path: string, snapshot: SnapshotToWrite, options: SnapshotWriteOptions): Promise<SnapshotWritten> {
  const out = await OutputFile.create(path, { sum: 'adler32', ...options })
  try {
    await writeHead(out, snapshot)
    await writeRecords(out, snapshot.records)
    const { adler } = out
    await out.write(encodeSeal(adler))
    if (snapshot.digest !== undefined) await writeSealed(out, encodeDigest(snapshot.digest))
    if (snapshot.lastProcessedZxid !== undefined) await writeSealed(out, encodeLastZxid(snapshot.lastProcessedZxid))
    const bytes = out.position
    return { bytes, fileBytes: await out.close(), adler }
  } catch (error) {
    await out.abandon()
    throw error
  }
}

async function writeHead(out: OutputFile, snapshot: SnapshotToWrite): Promise<void> {
  const head = new JuteWriter()
  head.writeInt(snapshotMagic)
  head.writeInt(snapshotVersion)
  head.writeLong(snapshot.dbId ?? snapshotDbId)
  head.writeInt(snapshot.sessions.length)
  for (const { id, timeoutMs } of snapshot.sessions) {
    head.writeLong(id)
    head.writeInt(timeoutMs)
  }
  head.writeInt(snapshot.acls.length)
  for (const { key, bytes } of snapshot.acls) {
    head.writeLong(key)
    head.writeRaw(bytes)
  }
  await out.write(head.toBytes())
}

async function writeRecords(out: OutputFile, records: RecordSpans): Promise<void> {
  while (records.next()) {
    const { window, start, end } = records
    if (out.fits(end - start)) out.put(window, start, end)
    else await out.write(window, start, end)
  }
  await out.write(endMark)
}

async function writeSealed(out: OutputFile, bytes: Uint8Array): Promise<void> {
  await out.write(bytes)
  await out.write(encodeSeal(out.adler))
}
