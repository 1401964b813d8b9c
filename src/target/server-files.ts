import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ZooArkError } from '../base/errors.ts'
import { snapshotName } from '../formats/file-name.ts'
import { readSnapshot, type SnapshotSummary } from '../formats/snapshot-reader.ts'
import { writeSnapshot } from '../formats/snapshot-writer.ts'
import { epochOf, formatZxid, type Zxid } from '../model/zxid.ts'
import { treeRecordSpans } from '../replay/tree-spans.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { targetError } from './staging.ts'

/** What a server finds when it starts on a restored directory: one snapshot, two epochs, no log. */
export interface ServerFiles {
  /** The state, standing at `zxid`. */
  readonly tree: DataTree
  /** In the name of the snapshot: what the server takes as its last processed zxid. */
  readonly zxid: Zxid
  /** Trailers as the server that wrote the source writes them; servers that do not know them do not read them. */
  readonly trailers: { readonly digest: 'write' | 'omit'; readonly lastProcessedZxid: 'write' | 'omit' }
  /** Content of `myid`; none for a standalone server. */
  readonly serverId?: string
}

/** Writes the files into `dataDir`, which exists and is empty. Every file is synced; directories are the caller's. @throws TARGET_UNWRITABLE, STORE_FULL */
export async function writeServerFiles(
  dataDir: string,
  files: ServerFiles,
): Promise<{ readonly snapshotPath: string; readonly snapshotBytes: number }> {
  const directory = join(dataDir, 'version-2')
  await attempt(directory, () => mkdir(directory))
  const snapshotPath = join(directory, snapshotName(files.zxid))
  const { tree, zxid, trailers } = files
  const written = await writeSnapshot(
    snapshotPath,
    {
      sessions: Array.from(tree.sessions(), ({ id, timeoutMs }) => ({ id, timeoutMs })),
      acls: tree.aclEntries(),
      records: treeRecordSpans(tree),
      ...(trailers.digest === 'write' ? { digest: { zxid, version: 2, digest: BigInt.asIntN(64, tree.digest()) } } : {}),
      ...(trailers.lastProcessedZxid === 'write' ? { lastProcessedZxid: zxid } : {}),
    },
    { fsync: 'before-close' },
  )
  // A server refuses a directory whose epochs disagree with each other or lie below its zxid.
  for (const name of ['currentEpoch', 'acceptedEpoch']) await writeSmallFile(join(directory, name), String(epochOf(zxid)))
  if (files.serverId !== undefined) await writeSmallFile(join(dataDir, 'myid'), `${files.serverId}\n`)
  return { snapshotPath, snapshotBytes: written.fileBytes }
}

async function writeSmallFile(path: string, text: string): Promise<void> {
  await attempt(path, async () => {
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
}

async function attempt<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw targetError(error, path)
  }
}

/**
 * Reads a written snapshot back and compares every byte of every znode, every ACL and session with the tree it was written from.
 * @throws RESTORE_UNPROVED naming the first difference
 */
export async function compareWithTree(snapshotPath: string, tree: DataTree): Promise<SnapshotSummary> {
  const expected = treeRecordSpans(tree)
  const compare = new SpanComparison(expected, snapshotPath)
  const sessions = new Map(Array.from(tree.sessions(), ({ id, timeoutMs }) => [id, timeoutMs]))
  const acls = new Map(tree.aclEntries().map(({ key, bytes }) => [key, bytes]))
  const summary = await readSnapshot(snapshotPath, {
    session: (idHi, idLo, timeoutMs) => {
      const id = (BigInt(idHi) << 32n) | BigInt(idLo >>> 0)
      if (sessions.get(id) !== timeoutMs) throw different(snapshotPath, `session 0x${BigInt.asUintN(64, id).toString(16)}`)
      sessions.delete(id)
    },
    acl: (keyHi, keyLo, bytes, start, end) => {
      const key = (BigInt(keyHi) << 32n) | BigInt(keyLo >>> 0)
      const entry = acls.get(key)
      if (entry === undefined || !Buffer.from(entry).equals(bytes.subarray(start, end))) throw different(snapshotPath, `ACL ${key}`)
      acls.delete(key)
    },
    records: (window, starts, count) => compare.take(window, starts[0], starts[count]),
  })
  compare.finish()
  if (sessions.size > 0 || acls.size > 0) throw different(snapshotPath, `${sessions.size} sessions and ${acls.size} ACLs are missing`)
  return summary
}

function different(file: string, what: string): ZooArkError {
  return new ZooArkError('RESTORE_UNPROVED', `what was written differs from what was to be restored: ${what}`, { place: { file } })
}

/** Two streams of bytes that are cut in different places. */
class SpanComparison {
  readonly #expected: ReturnType<typeof treeRecordSpans>
  readonly #file: string
  #at = 0
  #end = 0

  constructor(expected: ReturnType<typeof treeRecordSpans>, file: string) {
    this.#expected = expected
    this.#file = file
  }

  take(window: Uint8Array, start: number, end: number): void {
    const found = Buffer.from(window.buffer, window.byteOffset, window.byteLength)
    let at = start
    while (at < end) {
      if (this.#at === this.#end && !this.#advance()) throw different(this.#file, 'it holds more znodes')
      const length = Math.min(end - at, this.#end - this.#at)
      if (found.compare(this.#expected.window, this.#at, this.#at + length, at, at + length) !== 0) throw different(this.#file, 'a znode')
      at += length
      this.#at += length
    }
  }

  finish(): void {
    if (this.#at < this.#end || this.#advance()) throw different(this.#file, 'it holds fewer znodes')
  }

  #advance(): boolean {
    if (!this.#expected.next()) return false
    this.#at = this.#expected.start
    this.#end = this.#expected.end
    return true
  }
}

/** Says what was expected of a restored state and is not there. */
export function checkRestoredZxid(summary: SnapshotSummary, zxid: Zxid): void {
  if (summary.zxidOfName === zxid) return
  const found = summary.zxidOfName === undefined ? 'none' : formatZxid(summary.zxidOfName)
  throw new ZooArkError('RESTORE_UNPROVED', `the snapshot is named for ${found}, not ${formatZxid(zxid)}`)
}
