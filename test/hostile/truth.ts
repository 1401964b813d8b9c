import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readHistory } from '../../src/archive/history.ts'
import { readSegments } from '../../src/archive/segment-reader.ts'
import { equalBytes } from '../../src/base/bytes.ts'
import { errorTable, ZooArkError } from '../../src/base/errors.ts'
import { toHex } from '../../src/base/hex.ts'
import { backUp } from '../../src/engine/backup.ts'
import { salvageDirectory } from '../../src/engine/look/salvage-directory.ts'
import { writeSalvagedDirectory } from '../../src/engine/look/write-salvaged.ts'
import { openToWrite } from '../../src/engine/repository-place.ts'
import { longAt } from '../../src/jute/long.ts'
import { txnLayout } from '../../src/model/txn-layout.ts'
import { formatZxid, toZxid, type Zxid } from '../../src/model/zxid.ts'
import { openDataDirectory } from '../../src/source/data-directory.ts'
import { loadSnapshotTree } from '../../src/replay/load-snapshot-tree.ts'
import { replayFiles } from '../../src/source/replay-files.ts'
import { readTxnRun } from '../../src/replay/txn-run.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import { contextAt, rootOf } from '../engine/scenario.ts'
import type { Files } from './damage.ts'

/** What a whole data directory says: every txn, and the state after each. */
export interface Truth {
  readonly files: Files
  /** State roots by zxid, from the oldest snapshot's own on. */
  readonly roots: ReadonlyMap<Zxid, string>
  readonly payloads: ReadonlyMap<Zxid, Uint8Array>
  readonly last: Zxid
}

export async function readFiles(version2: string): Promise<Files> {
  const files = new Map<string, Uint8Array>()
  for (const name of (await readdir(version2)).toSorted()) files.set(name, new Uint8Array(await readFile(join(version2, name))))
  return files
}

/** Replays a directory that is whole from its oldest snapshot, which must be a state by itself or become one. */
export async function truthOf(dataDir: string): Promise<Truth> {
  const directory = await openDataDirectory(dataDir)
  try {
    const [oldest] = directory.snapshots
    const { tree, zxid: start } = await loadSnapshotTree(oldest.file, { zxid: oldest.zxid })
    const roots = new Map<Zxid, string>([[start, await rootOf(tree)]])
    const payloads = new Map<Zxid, Uint8Array>()
    const run = await readTxnRun(directory.logs, start, {
      txns: async (window, starts, ends, count) => {
        for (let i = 0; i < count; i++) {
          const zxid = toZxid(longAt(window, starts[i] + txnLayout.zxid))
          tree.applyTxn(window, starts[i], ends[i])
          roots.set(zxid, await rootOf(tree))
          payloads.set(zxid, window.slice(starts[i], ends[i]))
        }
      },
    })
    expect(run.end).toEqual({ kind: 'end' })
    return { files: await readFiles(directory.listing.snapshotDir), roots, payloads, last: run.last }
  } finally {
    await directory.close()
  }
}

/** A data directory of these files, gone after `act`. */
export async function withDirectory<T>(files: Files, act: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'zooark-hostile-'))
  try {
    await mkdir(join(dataDir, 'version-2'))
    for (const [name, bytes] of files) await writeFile(join(dataDir, 'version-2', name), bytes)
    return await act(dataDir)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** What came of one flow: the code of an error, or how far it got. */
export type Ending = string

/** An error is one of the table, and not our own. */
function endingOf(error: unknown, what: string): Ending {
  if (!(error instanceof ZooArkError)) throw new Error(`${what}: not a coded error: ${String(error)}`, { cause: error })
  if (errorTable[error.code].exitCode === errorTable.BUG.exitCode) throw new Error(`${what}: ${error.message}`, { cause: error })
  return error.code
}

function expectTrue(truth: Truth, zxid: Zxid, root: string, what: string): void {
  const known = truth.roots.get(zxid)
  if (known !== root) throw new Error(`${what}: the state shown at ${formatZxid(zxid)} is ${known === undefined ? 'of no txn' : 'wrong'}`)
}

/** Backs a directory up; whatever the repository then shows as restorable is what the whole directory says. */
export async function backUpAndCompare(truth: Truth, dataDir: string, what: string): Promise<Ending> {
  const store = memoryStore()
  const context = contextAt(Date.parse('2026-11-20T06:00:00Z'))
  let ending: Ending
  try {
    const report = await backUp({ dataDir, store }, context)
    ending = report.gaps.length + report.losses.length > 0 ? 'incomplete' : report.last === truth.last ? 'whole' : 'shorter'
  } catch (error) {
    ending = endingOf(error, what)
  }
  if ((await store.stat('repository')) === undefined) return ending
  const repository = await openToWrite(store, context)
  const history = await readHistory(repository)
  for (const { points, segments, intervals } of history.timelines) {
    for (const { zxid, state } of points) expectTrue(truth, zxid, toHex(state.stateRoot), `${what}: backup`)
    for (const { from } of intervals) if (!points.some(({ zxid }) => zxid === from)) throw new Error(`${what}: an interval without a base`)
    // Each segment goes on from a state that is proved, so that equal txns give equal states.
    for (const segment of segments) {
      await readSegments(
        repository,
        [segment],
        { after: segment.after, through: segment.last },
        { txns: (window, starts, ends, count) => expectTrueTxns(truth, window, starts, ends, count, what) },
      )
    }
  }
  return ending
}

function expectTrueTxns(truth: Truth, window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, what: string): void {
  for (let i = 0; i < count; i++) {
    const zxid = toZxid(longAt(window, starts[i] + txnLayout.zxid))
    const known = truth.payloads.get(zxid)
    if (known === undefined || !equalBytes(known, window.subarray(starts[i], ends[i])))
      throw new Error(`${what}: another txn is stored under ${formatZxid(zxid)}`)
  }
}

/** Replays the files as every looking command does. */
export async function replayAndCompare(truth: Truth, dataDir: string, what: string): Promise<Ending> {
  let shown: { readonly zxid: Zxid; readonly root: string }
  try {
    const directory = await openDataDirectory(dataDir)
    try {
      const { tree, zxid } = await replayFiles(directory, 'latest')
      shown = { zxid, root: await rootOf(tree) }
    } finally {
      await directory.close()
    }
  } catch (error) {
    return endingOf(error, what)
  }
  expectTrue(truth, shown.zxid, shown.root, `${what}: replay`)
  return shown.zxid === truth.last ? 'whole' : 'shorter'
}

/** Salvages a directory; what is written out as good replays at least to the newest point that the report names, and that state is the true one. */
export async function salvageAndCompare(truth: Truth, dataDir: string, what: string): Promise<Ending> {
  const out = `${dataDir}-salvaged`
  try {
    const salvage = await salvageDirectory(dataDir, undefined)
    const { reachable } = salvage
    await writeSalvagedDirectory(salvage, out, process.pid)
    if (reachable.length === 0) return 'nothing reachable'
    const through = reachable.reduce((most, stretch) => (stretch.through > most ? stretch.through : most), toZxid(0n))
    const directory = await openDataDirectory(out)
    try {
      const { tree, zxid } = await replayFiles(directory, 'latest')
      if (zxid < through) throw new Error(`${what}: salvage promises ${formatZxid(through)} and leads to ${formatZxid(zxid)}`)
      expectTrue(truth, zxid, await rootOf(tree), `${what}: salvage`)
      return zxid === truth.last ? 'whole' : 'shorter'
    } finally {
      await directory.close()
    }
  } catch (error) {
    return endingOf(error, `${what}: salvage`)
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
