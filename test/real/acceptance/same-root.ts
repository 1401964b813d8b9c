/** Roots of states that different servers of one ensemble hold. */
import { cp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hashOnlySink } from '../../../src/archive/state-ref.ts'
import { writeState } from '../../../src/archive/write-state.ts'
import { toHex } from '../../../src/base/hex.ts'
import { readSnapshot } from '../../../src/formats/snapshot-reader.ts'
import type { Zxid } from '../../../src/model/zxid.ts'
import { decodeNodeRecord } from '../../../src/model/node-record.ts'
import { openDataDirectory } from '../../../src/source/data-directory.ts'
import { loadSnapshotTree } from '../../../src/replay/load-snapshot-tree.ts'
import { replayFiles } from '../../../src/source/replay-files.ts'
import type { DataTree } from '../../../src/tree/data-tree.ts'
import { bootStandalone } from './booted.ts'
import type { RunServer } from './live-run.ts'

export interface Roots {
  readonly tree: string
  readonly sessions: string
  readonly state: string
}

async function rootsOf(tree: DataTree): Promise<Roots> {
  const { treeRoot, sessionsRoot, stateRoot } = await writeState(hashOnlySink, tree)
  return { tree: toHex(treeRoot), sessions: toHex(sessionsRoot), state: toHex(stateRoot) }
}

/** Of what a server's own snapshots and logs come to. */
export async function rootsOfDirectory(dataDir: string, zxid: Zxid): Promise<Roots> {
  const directory = await openDataDirectory(dataDir)
  try {
    return await rootsOf((await replayFiles(directory, zxid)).tree)
  } finally {
    await directory.close()
  }
}

export interface OwnSnapshot {
  readonly bytes: Buffer
  /** In the order of the file. */
  readonly paths: readonly string[]
  readonly roots: Roots
}

/**
 * The snapshot that a server writes of its state when it starts on a copy of its files: of several servers, of one and the same zxid.
 * @param life `whole`: from the first snapshot over all logs
 */
export async function snapshotBySelf(
  version: string,
  server: RunServer,
  life: 'whole' | 'since-last-snapshot',
  zxid: bigint,
  copy: string,
): Promise<OwnSnapshot> {
  const isTaken = (path: string): boolean => life === 'since-last-snapshot' || !/^snapshot\.[^0]/.test(basename(path))
  const from = life === 'whole' ? server.kept : join(server.dataDir, 'version-2')
  await cp(from, join(copy, 'version-2'), { recursive: true, filter: isTaken })
  await (await bootStandalone(version, copy, 'still')).kill()
  const path = join(copy, 'version-2', `snapshot.${zxid.toString(16)}`)
  const paths: string[] = []
  await readSnapshot(path, {
    records: (window, starts, count) => {
      for (let i = 0; i < count; i++) paths.push(Buffer.from(decodeNodeRecord(window, starts[i]!, starts[i + 1]!).path).toString())
    },
  })
  return { bytes: await readFile(path), paths, roots: await rootsOf((await loadSnapshotTree(path)).tree) }
}
