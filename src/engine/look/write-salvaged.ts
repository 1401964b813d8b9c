import { copyFile, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ZooArkError } from '../../base/errors.ts'
import { prefixOf, writeSalvagedLog } from '../../formats/salvage-log.ts'
import { writeSalvagedSnapshot } from '../../formats/salvage-snapshot.ts'
import type { Zxid } from '../../model/zxid.ts'
import { checkEmptyTarget, stageDirectory, targetError } from '../../target/staging.ts'
import type { DirectorySalvage } from './salvage-directory.ts'
import type { FileSalvage } from './salvage-file.ts'

/** Where saved files were written, by the file that they come from. */
export type WrittenFiles = ReadonlyMap<string, string>

/** For people only: what may not be replayed by a server stands apart. */
const unverifiedDirectory = 'unverified'
const versionDirectory = 'version-2'

/**
 * Writes the longest valid prefix of one damaged file to a new file.
 * @throws TARGET_NOT_EMPTY when `out` exists, SNAPSHOT_DAMAGED or TXN_LOG_DAMAGED when nothing can be saved
 */
export async function writeSalvagedFile({ kind, file }: FileSalvage, out: string): Promise<WrittenFiles> {
  if (kind === 'txn-log') await writeSalvagedLog(file, out, { keep: 'prefix', fsync: 'before-close' })
  else await writeSalvagedSnapshot(file, out, { fsync: 'before-close' })
  return new Map([[file, out]])
}

/**
 * Writes a data directory that a server can start on, with what is proved: whole snapshots, and of the logs what leads on from the newest
 * reachable state without a break. Everything else that can be read goes to `unverified/`, where no server looks.
 * The directory appears whole or not at all.
 * @param owner the id of this process
 */
export async function writeSalvagedDirectory(salvage: DirectorySalvage, out: string, owner: number): Promise<WrittenFiles> {
  await checkEmptyTarget(out)
  const staging = await stageDirectory(out, owner)
  const written = new Map<string, string>()
  try {
    const good = join(staging.path, versionDirectory)
    const doubtful = join(staging.path, unverifiedDirectory)
    await mkdir(good)
    const through = newestReachable(salvage)
    for (const file of salvage.files) {
      const name = basename(file.file)
      const place = placeOf(file, through)
      if (place === 'nowhere') continue
      if (place === 'unverified') await mkdir(doubtful, { recursive: true })
      await writeOne(file, join(place === 'good' ? good : doubtful, name), place)
      written.set(file.file, join(out, place === 'good' ? versionDirectory : unverifiedDirectory, name))
    }
    await copySmallFiles(salvage, good, staging.path)
    await staging.publish()
    return written
  } catch (error) {
    await staging.discard()
    throw error instanceof ZooArkError ? error : targetError(error, out)
  }
}

/** The newest zxid to which a whole snapshot and unbroken logs lead. */
function newestReachable({ reachable }: DirectorySalvage): Zxid | undefined {
  return reachable.reduce<Zxid | undefined>((most, { through }) => (most === undefined || through > most ? through : most), undefined)
}

/** Logs that begin behind the newest reachable state would make a server jump over what is missing. */
function placeOf(file: FileSalvage, through: Zxid | undefined): 'good' | 'unverified' | 'nowhere' {
  if (file.kind === 'snapshot') return file.ok ? 'good' : file.report.nodes > 0 ? 'unverified' : 'nowhere'
  if (file.report.stretches.length === 0) return 'nowhere'
  // A log that is damaged from its first record on has nothing that a server could replay, and something for people.
  const first = prefixOf(file.report).at(0)
  return through !== undefined && first !== undefined && first.first <= through ? 'good' : 'unverified'
}

async function writeOne(file: FileSalvage, path: string, place: 'good' | 'unverified'): Promise<void> {
  if (file.kind === 'snapshot') {
    if (place === 'good') await copyFile(file.file, path)
    else await writeSalvagedSnapshot(file.file, path, { fsync: 'before-close' })
  } else {
    await writeSalvagedLog(file.file, path, { keep: place === 'good' ? 'prefix' : 'every-valid-record', fsync: 'before-close' })
  }
}

async function copySmallFiles({ listing }: DirectorySalvage, good: string, top: string): Promise<void> {
  for (const epoch of [listing.currentEpoch, listing.acceptedEpoch]) {
    if (epoch !== undefined) await copyFile(epoch.path, join(good, basename(epoch.path)))
  }
  if (listing.myid !== undefined) await copyFile(join(listing.snapshotDir, '..', 'myid'), join(top, 'myid'))
}
