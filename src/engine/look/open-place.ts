import { access, stat } from 'node:fs/promises'
import { ZooArkError } from '../../base/errors.ts'
import { sourceError, withFile } from '../../formats/file-input.ts'
import { type Zxid, formatZxid } from '../../model/zxid.ts'
import { openDataDirectory } from '../../source/data-directory.ts'
import { loadSnapshotTree } from '../../replay/load-snapshot-tree.ts'
import { type FilePlace, parsePlace, splitPath } from '../../source/place.ts'
import { replayFiles } from '../../source/replay-files.ts'
import type { RunContext } from '../run-context.ts'
import { parseFilePoint } from './file-point.ts'
import { type OpenedRepositoryPoint, openRepositoryPoint } from './open-repository-point.ts'
import { recogniseFile } from './recognise-file.ts'
import type { Consistency, StateView } from './state-view.ts'
import { TreeView } from './tree-view.ts'
import { zxidAtTime } from './zxid-at-time.ts'

/** A place with everything to look into it. */
export interface OpenedPlace {
  readonly view: StateView
  /** The znode path behind the place, as text; `/` when none was written. */
  readonly znode: string
  /** Set for a point of a repository. */
  readonly stored?: OpenedRepositoryPoint
}

export interface OpenOptions {
  /** The POINT, where the place does not carry one itself. */
  readonly at?: string
}

/**
 * Opens a data directory, a snapshot file or a repository point, each with a znode path behind it. A data directory is shown as it is at
 * its newest zxid, or at `at`; a snapshot file is shown as it is and said to be fuzzy.
 * @throws BAD_PLACE, BAD_POINT, SOURCE_…, POINT_…, REPOSITORY_… with the place and the next step
 */
export async function openPlace(text: string, options: OpenOptions, context: RunContext): Promise<OpenedPlace> {
  const place = parsePlace(text)
  if (place.kind === 'repository') {
    const stored = await openRepositoryPoint(place, options, context)
    return { view: stored.view, znode: place.znode, stored }
  }
  const { place: file, znode } = await splitPath(place, exists)
  const isDirectory = (await statOf(file.path)).isDirectory()
  return { view: isDirectory ? await directoryView(file, options, context) : await snapshotView(file, options), znode }
}

async function directoryView(place: FilePlace, options: OpenOptions, context: RunContext): Promise<TreeView> {
  const directory = await openDataDirectory(place.path, place.logDir)
  try {
    const point = parseFilePoint(options.at ?? 'latest', context.clock.nowMs())
    const target = point.kind === 'latest' ? 'latest' : point.kind === 'time' ? await zxidAtTime(directory, point.timeMs) : zxidOf(point)
    const onTxns = (done: number): void => {
      context.signal.throwIfAborted()
      context.onProgress({ step: 'replaying', unit: 'txns', done })
    }
    const replayed = await replayFiles(directory, target, { onTxns, ...(point.kind === 'before' ? { match: 'at-or-before' } : {}) })
    for (const { file, error } of replayed.skipped) {
      if (error.code !== 'POINT_NOT_SETTLED') context.onNotice(`${file} was passed over: ${error.message}`)
    }
    const consistency: Consistency = { class: replayed.consistency }
    return new TreeView(replayed.tree, { description: `${directory.description} at ${formatZxid(replayed.zxid)}`, consistency })
  } finally {
    await directory.close()
  }
}

function zxidOf(point: { readonly kind: 'zxid' | 'before'; readonly zxid: Zxid }): Zxid {
  return point.kind === 'before' ? ((point.zxid - 1n) as Zxid) : point.zxid
}

async function snapshotView(place: FilePlace, options: OpenOptions): Promise<TreeView> {
  const { path } = place
  return await withFile(path, async (file) => {
    const { kind } = await recogniseFile(file)
    if (kind !== 'snapshot') {
      const what = kind === 'txn-log' ? 'a txn log holds changes and no state' : 'the file is no snapshot'
      throw new ZooArkError('BAD_PLACE', what, {
        place: { file: path },
        hint: 'Name the data directory or a snapshot of it; `zooark inspect` shows what is in a file.',
      })
    }
    if (options.at !== undefined) {
      throw new ZooArkError('USAGE', 'a snapshot file alone has no other points', {
        place: { file: path },
        hint: 'Name the data directory with --at.',
      })
    }
    const { tree, summary, zxid, proved } = await loadSnapshotTree(file)
    const settledZxid = summary.maxZxidSeen > zxid ? summary.maxZxidSeen : zxid
    const consistency: Consistency = proved ? { class: 'exact' } : { class: 'fuzzy', settledZxid }
    return new TreeView(tree, { description: `file:${path}`, consistency })
  })
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    // Whatever the reason, a shorter part of the path is tried; when none is there the caller says so.
    return false
  }
}

async function statOf(path: string): ReturnType<typeof stat> extends Promise<infer T> ? Promise<T> : never {
  try {
    return await stat(path)
  } catch (error) {
    throw sourceError(error, path)
  }
}
