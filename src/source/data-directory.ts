import { ZooArkError } from '../base/errors.ts'
import { type DataDir, listDataDir, type LogFile, type SnapshotFile } from '../formats/data-dir.ts'
import { type OpenFile, openFile } from '../formats/file-input.ts'
import { epochOf, type Zxid } from '../model/zxid.ts'

/** A snapshot or a log that is open: a purge by the server cannot take it away any more. */
export interface HeldFile {
  readonly file: OpenFile
  readonly zxid: Zxid
  readonly sizeBytes: number
}

/** The files of a server at one moment, all open. */
export interface DataDirectory {
  /** As a place: `file:/d` or `file:/d?log=/l`. */
  readonly description: string
  readonly listing: DataDir
  /** Ascending. */
  readonly snapshots: readonly HeldFile[]
  /** Ascending. The newest may grow while it is read. */
  readonly logs: readonly HeldFile[]
  /** The greatest epoch that the server knows of: from its epoch files and the names of its files. */
  readonly epochMax: bigint
  close(): Promise<void>
}

/** Listings tried before giving up: a purge runs once an hour at most, and one run takes away files once. */
const listingsMax = 10
/** Files held open at once. Autopurge keeps a few; a directory with more than this was never purged, and its oldest files are left out by an error. */
const openFilesMax = 4096

/**
 * Opens every snapshot and log of a data directory before the first is read. When a purge takes a listed file away before it is open, the
 * directory is listed anew.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_NOT_ZOOKEEPER, SOURCE_EMPTY, SOURCE_CHANGING, LIMIT_EXCEEDED
 */
export async function openDataDirectory(dataDir: string, dataLogDir?: string): Promise<DataDirectory> {
  for (let tries = 0; tries < listingsMax; tries++) {
    const listing = await listDataDir(dataDir, dataLogDir)
    if (listing.snapshots.length + listing.logs.length > openFilesMax) {
      throw new ZooArkError('LIMIT_EXCEEDED', `the directory holds more than ${openFilesMax} snapshots and logs`, {
        place: { file: dataDir },
      })
    }
    const held = await holdAll(listing)
    if (held !== undefined) return { description: describe(dataDir, dataLogDir), listing, epochMax: epochMaxOf(listing), ...held }
  }
  throw new ZooArkError('SOURCE_CHANGING', `files went away while they were opened, ${listingsMax} times`, { place: { file: dataDir } })
}

/** The snapshot that the server began after the one of this zxid; it writes one at a time. */
export function nextSnapshotZxid({ snapshots }: Pick<DataDirectory, 'snapshots'>, zxid: Zxid): Zxid | undefined {
  return snapshots.find((snapshot) => snapshot.zxid > zxid)?.zxid
}

type Held = Pick<DataDirectory, 'snapshots' | 'logs' | 'close'>

async function holdAll(listing: DataDir): Promise<Held | undefined> {
  const opened: OpenFile[] = []
  const close = async (): Promise<void> => {
    for (const { handle } of opened.splice(0)) await handle.close()
  }
  const hold = async (files: readonly (SnapshotFile | LogFile)[]): Promise<HeldFile[]> => {
    const held: HeldFile[] = []
    for (const { path, zxid, sizeBytes } of files) {
      const file = await openFile(path)
      opened.push(file)
      held.push({ file, zxid, sizeBytes })
    }
    return held
  }
  try {
    // Snapshots first: a log that is purged together with its snapshot is then needed by nothing that is held.
    return { snapshots: await hold(listing.snapshots), logs: await hold(listing.logs), close }
  } catch (error) {
    await close()
    if (error instanceof ZooArkError && error.code === 'SOURCE_NOT_FOUND') return undefined
    throw error
  }
}

function epochMaxOf(listing: DataDir): bigint {
  const epochs = [listing.currentEpoch?.epoch, listing.acceptedEpoch?.epoch].filter((epoch) => epoch !== undefined)
  const ofNames = [...listing.snapshots, ...listing.logs].map(({ zxid }) => epochOf(zxid))
  return [...epochs, ...ofNames].reduce((most, epoch) => (epoch > most ? epoch : most), 0n)
}

function describe(dataDir: string, dataLogDir: string | undefined): string {
  return dataLogDir === undefined ? `file:${dataDir}` : `file:${dataDir}?log=${dataLogDir}`
}
