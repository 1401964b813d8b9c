import { ZooArkError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { formatZxid, type Zxid } from '../../model/zxid.ts'
import { type DataDirectory, type HeldFile, nextSnapshotZxid } from '../../source/data-directory.ts'
import { loadSnapshotTree } from '../../replay/load-snapshot-tree.ts'
import { Settling } from '../../replay/settling.ts'
import type { DataTree } from '../../tree/data-tree.ts'

/** Where a stretch of txns starts: a tree, and what is known of it. */
export interface StretchStart {
  readonly tree: DataTree
  readonly settling: Settling
  /** The run goes on after this. */
  readonly zxid: Zxid
  /** Kept with every point of the stretch; `restore` writes the trailers that the source's servers write. */
  readonly facts: JsonObject
  /** The largest zxid that the base shows. */
  readonly maxZxidSeen: Zxid
}

/** A directory that cannot give a state at all is refused before anything is written. @throws SOURCE_NO_SNAPSHOT, SOURCE_NO_LOGS */
export function checkSource({ listing, snapshots, logs }: DataDirectory): void {
  if (snapshots.length === 0) {
    throw new ZooArkError('SOURCE_NO_SNAPSHOT', `the directory holds ${logs.length} logs and no snapshot`, {
      place: { file: listing.snapshotDir },
    })
  }
  if (logs.length === 0) {
    throw new ZooArkError('SOURCE_NO_LOGS', `the directory holds ${snapshots.length} snapshots and no log`, {
      place: { file: listing.logDir },
    })
  }
}

/** Errors of one snapshot that leave the next one its chance; each is told to the user. */
const damages: ReadonlySet<string> = new Set(['SNAPSHOT_DAMAGED', 'RECORD_DAMAGED', 'LIMIT_EXCEEDED'])

/** Loads the oldest snapshot of `candidates` that can be read. @returns undefined when none can */
export async function loadOldestBase(
  candidates: readonly HeldFile[],
  directory: DataDirectory,
  onDamaged: (snapshot: HeldFile, error: ZooArkError) => void,
): Promise<(StretchStart & { readonly snapshot: HeldFile }) | undefined> {
  for (const snapshot of candidates) {
    try {
      return { ...(await loadBase(snapshot, directory)), snapshot }
    } catch (error) {
      if (!(error instanceof ZooArkError) || !damages.has(error.code)) throw error
      onDamaged(snapshot, error)
    }
  }
  return undefined
}

async function loadBase(snapshot: HeldFile, directory: DataDirectory): Promise<StretchStart> {
  const { zxid } = snapshot
  const { tree, summary, proved } = await loadSnapshotTree(snapshot.file, { zxid })
  const hasDigests = summary.digest !== undefined
  const facts = {
    description: directory.description,
    snapshot: snapshot.file.path.slice(snapshot.file.path.lastIndexOf('/') + 1),
    snapshotZxid: formatZxid(zxid),
    digestTrailer: hasDigests,
    lastProcessedZxidTrailer: summary.lastProcessedZxid !== undefined,
  }
  const { maxZxidSeen } = summary
  const writtenBefore = nextSnapshotZxid(directory, zxid)
  return { tree, zxid, facts, maxZxidSeen, settling: new Settling({ zxid, maxZxidSeen, isProved: proved, hasDigests, writtenBefore }) }
}
