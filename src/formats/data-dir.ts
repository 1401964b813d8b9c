import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ZooArkError } from '../base/errors.ts'
import type { Zxid } from '../model/zxid.ts'
import { sourceError } from './file-input.ts'
import { type Compression, parseFileName } from './file-name.ts'

/**
 * The files of a server (ZooKeeper: `FileTxnSnapLog`, `Util`, `QuorumPeer`). The page is docs/formats/zookeeper-data-directory.md.
 */
export interface DataDir {
  /** The directory `version-2` with the snapshots and the epochs. */
  readonly snapshotDir: string
  /** The directory `version-2` with the logs; the same unless `dataLogDir` is set apart. */
  readonly logDir: string
  /** By the zxid in their names, ascending as numbers. */
  readonly snapshots: readonly SnapshotFile[]
  readonly logs: readonly LogFile[]
  readonly currentEpoch?: EpochFile
  readonly acceptedEpoch?: EpochFile
  /** Left by a server that died while it wrote an epoch: `currentEpoch.tmp`, which it takes up at its next start, and its like. */
  readonly epochLeftovers: readonly EpochFile[]
  /** Content of `myid`, trimmed; absent on a standalone server. */
  readonly myid?: string
  /** Whether the file `initialize` is there, which allows a server to begin with an empty database. */
  readonly initialize: 'present' | 'absent'
  /** Other files in the directories `version-2`; full paths. */
  readonly foreign: readonly string[]
}

export interface SnapshotFile {
  readonly path: string
  readonly zxid: Zxid
  readonly sizeBytes: number
  /** What the extension says. */
  readonly compression: Compression
}

export interface LogFile {
  readonly path: string
  /** The first transaction in it, by its name. */
  readonly zxid: Zxid
  readonly sizeBytes: number
}

export interface EpochFile {
  readonly path: string
  /** Undefined when the text is not a number; a server then refuses to start. */
  readonly epoch: bigint | undefined
  readonly text: string
}

const versionDirectory = 'version-2'
const epochNames = ['currentEpoch', 'acceptedEpoch'] as const
/** An epoch or an id is a short number; whatever is longer is something else, and is not read whole. */
const smallFileBytesMax = 4096

/**
 * Lists a data directory. `dataDir` and `dataLogDir` may each name the directory of the configuration or its `version-2`.
 * It reads no snapshot and no log; a directory with logs and no snapshot is listed, not refused.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_NOT_ZOOKEEPER (no `version-2` and nothing of a server), SOURCE_EMPTY (neither snapshot nor log)
 */
export async function listDataDir(dataDir: string, dataLogDir?: string): Promise<DataDir> {
  const snapshotDir = await versionDirOf(dataDir)
  const logDir = dataLogDir === undefined ? snapshotDir : await versionDirOf(dataLogDir)
  const listing: Listing = { snapshots: [], logs: [], epochs: new Map(), leftovers: [], foreign: [] }
  for (const directory of new Set([snapshotDir, logDir])) await listDirectory(directory, listing)
  if (listing.snapshots.length === 0 && listing.logs.length === 0) throw nothingThere(snapshotDir, listing)
  const parent = dirname(snapshotDir)
  const myid = await readSmallText(join(parent, 'myid'))
  const currentEpoch = listing.epochs.get('currentEpoch')
  const acceptedEpoch = listing.epochs.get('acceptedEpoch')
  return {
    snapshotDir,
    logDir,
    snapshots: listing.snapshots.toSorted(byZxid),
    logs: listing.logs.toSorted(byZxid),
    ...(currentEpoch === undefined ? {} : { currentEpoch }),
    ...(acceptedEpoch === undefined ? {} : { acceptedEpoch }),
    epochLeftovers: listing.leftovers,
    ...(myid === undefined ? {} : { myid: myid.trim() }),
    initialize: (await isThere(join(parent, 'initialize'))) ? 'present' : 'absent',
    foreign: listing.foreign.toSorted(),
  }
}

/**
 * The logs that can hold transactions after `after`, as a server picks them (`FileTxnIterator`): every log whose name is greater,
 * and the one with the greatest name that is not. Ascending.
 */
export function logsCovering<F extends { readonly zxid: Zxid }>(logs: readonly F[], after: Zxid): F[] {
  const ordered = logs.toSorted(byZxid)
  const firstAbove = ordered.findIndex((log) => log.zxid > after)
  return ordered.slice(Math.max(0, (firstAbove < 0 ? ordered.length : firstAbove) - 1))
}

function byZxid(a: { readonly zxid: Zxid }, b: { readonly zxid: Zxid }): number {
  return a.zxid < b.zxid ? -1 : a.zxid > b.zxid ? 1 : 0
}

interface Listing {
  snapshots: SnapshotFile[]
  logs: LogFile[]
  epochs: Map<string, EpochFile>
  leftovers: EpochFile[]
  foreign: string[]
}

/** `version-2` in the directory, or the directory itself where that is one. */
async function versionDirOf(directory: string): Promise<string> {
  const names = await readNames(directory)
  if (names.includes(versionDirectory)) return resolve(directory, versionDirectory)
  const own = resolve(directory)
  if (basename(own) === versionDirectory || names.some((name) => parseFileName(name) !== undefined)) return own
  const what = names.length === 0 ? 'the directory is empty' : `the directory holds no ${versionDirectory}`
  throw new ZooArkError(names.length === 0 ? 'SOURCE_EMPTY' : 'SOURCE_NOT_ZOOKEEPER', what, { place: { file: directory } })
}

async function listDirectory(directory: string, listing: Listing): Promise<void> {
  for (const name of await readNames(directory)) {
    const path = join(directory, name)
    const parsed = parseFileName(name)
    const found = await fileStat(path)
    // A purge took it away between the two calls; it is not there, then.
    if (found === undefined) continue
    if (parsed !== undefined && found.isFile) {
      const { zxid, compression } = parsed
      if (parsed.kind === 'snapshot') listing.snapshots.push({ path, zxid, sizeBytes: found.sizeBytes, compression })
      else listing.logs.push({ path, zxid, sizeBytes: found.sizeBytes })
      continue
    }
    const epochName = epochNames.find((known) => name === known || name === `${known}.tmp`)
    const text = epochName === undefined || !found.isFile ? undefined : await readSmallText(path)
    if (text === undefined) listing.foreign.push(path)
    else if (name === epochName) listing.epochs.set(name, epochFile(path, text))
    else listing.leftovers.push(epochFile(path, text))
  }
}

/** As a server reads it: the first line, a decimal number. */
function epochFile(path: string, text: string): EpochFile {
  const [line] = text.split(/\r\n|\r|\n/, 1)
  return { path, text, epoch: /^[+-]?\d{1,19}$/.test(line) ? BigInt(line.replace(/^\+/, '')) : undefined }
}

function nothingThere(directory: string, listing: Listing): ZooArkError {
  const place = { place: { file: directory } }
  const ofServer = listing.epochs.size > 0 || listing.leftovers.length > 0 || listing.foreign.length === 0
  if (ofServer) return new ZooArkError('SOURCE_EMPTY', 'the directory holds neither a snapshot nor a log', place)
  return new ZooArkError('SOURCE_NOT_ZOOKEEPER', 'the directory holds neither a snapshot nor a log, but other files', place)
}

async function readNames(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).toSorted()
  } catch (error) {
    throw sourceError(error, directory)
  }
}

async function fileStat(path: string): Promise<{ sizeBytes: number; isFile: boolean } | undefined> {
  try {
    const found = await stat(path)
    return { sizeBytes: found.size, isFile: found.isFile() }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw sourceError(error, path)
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await fileStat(path)) !== undefined
}

async function readSmallText(path: string): Promise<string | undefined> {
  const found = await fileStat(path)
  if (found === undefined || !found.isFile || found.sizeBytes > smallFileBytesMax) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw sourceError(error, path)
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
