import { ZooArkError } from '../base/errors.ts'
import { compareLong, highOf, int32At, longAt, lowOf } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { type Zxid, formatZxid, toZxid, zeroZxid } from '../model/zxid.ts'
import type { DataTree, DataTreeOptions } from '../tree/data-tree.ts'
import { type DataDirectory, type HeldFile, nextSnapshotZxid } from './data-directory.ts'
import { type LoadedSnapshot, loadSnapshotTree } from '../replay/load-snapshot-tree.ts'
import { Settling } from '../replay/settling.ts'
import { type RunEnd, readTxnRun } from '../replay/txn-run.ts'

export interface ReplayedFiles {
  readonly tree: DataTree
  readonly zxid: Zxid
  /** `exact`: a digest of the server has proved the state on the way; `contiguous`: no transaction is missing, and there is no digest. */
  readonly consistency: 'exact' | 'contiguous'
  /** The snapshot that the replay began with. */
  readonly snapshot: HeldFile
  /** From this zxid on every state of the replay is a true one. */
  readonly settledZxid: Zxid
  readonly txns: number
  /** Newer snapshots that could not be used, and why. */
  readonly skipped: readonly { readonly file: string; readonly error: ZooArkError }[]
}

export interface ReplayOptions {
  readonly tree?: DataTreeOptions
  /** Whether a transaction must have the zxid asked for (the default), or the one before it will do. */
  readonly match?: 'exact' | 'at-or-before'
  readonly onTxns?: (count: number) => void
}

/**
 * The state at a zxid, from the newest snapshot that leads to it. A snapshot that is damaged, or not settled by then, makes way for the one
 * before it; a state is never approximated.
 * @param target a zxid, or `latest`: as far as the logs go
 * @throws SOURCE_NO_SNAPSHOT, POINT_NOT_REACHABLE, POINT_IN_GAP, POINT_NOT_SETTLED, REPLAY_DIVERGED, SNAPSHOT_DAMAGED, TXN_LOG_DAMAGED
 */
export async function replayFiles(directory: DataDirectory, target: Zxid | 'latest', options: ReplayOptions = {}): Promise<ReplayedFiles> {
  const candidates = directory.snapshots.filter((snapshot) => target === 'latest' || snapshot.zxid <= target).toReversed()
  if (candidates.length === 0) throw noSnapshot(directory, target)
  const skipped: { file: string; error: ZooArkError }[] = []
  for (const snapshot of candidates) {
    try {
      return { ...(await replayFrom(directory, snapshot, target, options)), skipped }
    } catch (error) {
      if (!(error instanceof ZooArkError) || !mayTryOlder.has(error.code)) throw error
      skipped.push({ file: snapshot.file.path, error })
    }
  }
  // The newest snapshot's own reason is the one that a person can do something about.
  throw skipped[0].error
}

/** Reasons that an older snapshot may not have. */
const mayTryOlder: ReadonlySet<string> = new Set([
  'SNAPSHOT_DAMAGED',
  'RECORD_DAMAGED',
  'LIMIT_EXCEEDED',
  'POINT_NOT_SETTLED',
  'REPLAY_DIVERGED',
])

/** Ends a run of transactions at the target; never leaves this file. */
class TargetReached extends Error {}

async function replayFrom(
  directory: DataDirectory,
  snapshot: HeldFile,
  target: Zxid | 'latest',
  options: ReplayOptions,
): Promise<Omit<ReplayedFiles, 'skipped'>> {
  const loaded = await loadSnapshotTree(snapshot.file, {
    zxid: snapshot.zxid,
    ...(options.tree === undefined ? {} : { tree: options.tree }),
  })
  const replay = new Replay(loaded, target, nextSnapshotZxid(directory, snapshot.zxid), options.onTxns)
  const end = await runToTarget(directory, snapshot, replay)
  if (end === 'target' && !replay.isProved) await checkSettledBy(replay.zxid, directory, snapshot, options)
  const { zxid } = replay
  if (end === 'target' && target !== 'latest' && zxid < target && options.match !== 'at-or-before') {
    throw new ZooArkError('POINT_NOT_REACHABLE', `no transaction has this zxid; the one before it has ${formatZxid(zxid)}`, {
      place: { zxid: formatZxid(target) },
      hint: `Use ${formatZxid(zxid)} for the state at that moment.`,
    })
  }
  if (end !== 'target' && target !== 'latest' && zxid < target) throw notReached(end, zxid, target)
  if (end !== 'target' && end.kind !== 'end') throw notReached(end, zxid, target)
  // Where no transaction came after the snapshot began, nothing can have changed while it was written; nor before a server had its first.
  const isStill = replay.txns === 0 && loaded.summary.maxZxidSeen <= zxid && (end !== 'target' || zxid === zeroZxid)
  if (!replay.isSettled && !isStill) {
    throw new ZooArkError('POINT_NOT_SETTLED', 'the snapshot was written while the server went on, and is not yet a state by then', {
      place: { file: snapshot.file.path, zxid: formatZxid(zxid) },
      hint: `A point from ${formatZxid(loaded.summary.maxZxidSeen)} on may do; an older snapshot would lead to this one.`,
    })
  }
  return {
    tree: loaded.tree,
    zxid,
    consistency: replay.isProved ? 'exact' : 'contiguous',
    snapshot,
    settledZxid: replay.settledZxid ?? zxid,
    txns: replay.txns,
  }
}

/**
 * Without a digest only what comes later tells whether the snapshot was ahead of the target: the log is replayed as far as the snapshot can have been
 * written. @throws POINT_NOT_SETTLED
 */
async function checkSettledBy(target: Zxid, directory: DataDirectory, snapshot: HeldFile, options: ReplayOptions): Promise<void> {
  const next = nextSnapshotZxid(directory, snapshot.zxid)
  if (next !== undefined && next <= target) return
  const loaded = await loadSnapshotTree(snapshot.file, {
    zxid: snapshot.zxid,
    ...(options.tree === undefined ? {} : { tree: options.tree }),
  })
  const replay = new Replay(loaded, next ?? 'latest', next, undefined)
  await runToTarget(directory, snapshot, replay)
  const { settledZxid } = replay
  if (settledZxid !== undefined && settledZxid <= target) return
  throw new ZooArkError('POINT_NOT_SETTLED', 'the snapshot holds later changes than this point', {
    place: { file: snapshot.file.path, zxid: formatZxid(target) },
    ...(settledZxid === undefined ? {} : { hint: `Points from ${formatZxid(settledZxid)} on do.` }),
  })
}

async function runToTarget(directory: DataDirectory, snapshot: HeldFile, replay: Replay): Promise<RunEnd | 'target'> {
  try {
    const run = await readTxnRun(directory.logs, snapshot.zxid, {
      txns: (window, starts, ends, count) => replay.take(window, starts, ends, count),
    })
    return run.end
  } catch (error) {
    if (error instanceof TargetReached) return 'target'
    throw error
  }
}

class Replay {
  txns = 0
  settledZxid: Zxid | undefined
  readonly #tree: DataTree
  readonly #target: Zxid | 'latest'
  readonly #targetHi: number
  readonly #targetLo: number
  readonly #settling: Settling
  readonly #onTxns: ((count: number) => void) | undefined

  constructor(
    loaded: LoadedSnapshot,
    target: Zxid | 'latest',
    writtenBefore: Zxid | undefined,
    onTxns: ((count: number) => void) | undefined,
  ) {
    const { tree, zxid, proved, summary } = loaded
    this.#tree = tree
    this.#target = target
    this.#targetHi = target === 'latest' ? 0x7fffffff : highOf(target)
    this.#targetLo = target === 'latest' ? -1 : lowOf(target)
    this.#onTxns = onTxns
    const { maxZxidSeen } = summary
    this.#settling = new Settling({ zxid, maxZxidSeen, isProved: proved, hasDigests: summary.digest !== undefined, writtenBefore })
    if (this.#settling.isSettled) this.settledZxid = zxid
  }

  get zxid(): Zxid {
    return this.#tree.lastZxid
  }

  get isSettled(): boolean {
    // Without a digest and without a transaction nothing tells whether the snapshot is a state already: deletions leave no trace.
    return this.#settling.isSettled && (this.#settling.isProved || this.txns > 0)
  }

  get isProved(): boolean {
    return this.#settling.isProved
  }

  take(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void {
    const tree = this.#tree
    for (let i = 0; i < count; i++) {
      const at = starts[i] + txnLayout.zxid
      const isBeyond = compareLong(int32At(window, at), int32At(window, at + 4), this.#targetHi, this.#targetLo) > 0
      if (isBeyond) throw new TargetReached()
      const outcome = tree.applyTxn(window, starts[i], ends[i])
      this.txns++
      if (this.#settling.passes(outcome)) continue
      const zxid = toZxid(longAt(window, at))
      const step = this.#settling.observe(zxid, outcome)
      if (step === 'contradiction') throw diverged(zxid, outcome)
      if (step === 'unsettled') this.settledZxid = undefined
      if (step === 'settled-here') this.settledZxid = zxid
    }
    this.#onTxns?.(this.txns)
    if (this.zxid === this.#target) throw new TargetReached()
  }
}

function diverged(zxid: Zxid, outcome: { readonly reason: string; readonly digest: string }): ZooArkError {
  const what =
    outcome.digest === 'mismatch'
      ? 'the state does not have the digest that the server logged'
      : `a transaction does not fit the state (${outcome.reason})`
  return new ZooArkError('REPLAY_DIVERGED', what, { place: { zxid: formatZxid(zxid) } })
}

function notReached(end: RunEnd | 'target', reached: Zxid, target: Zxid | 'latest'): ZooArkError {
  const hint = `The newest state that can be reached from here is --at ${formatZxid(reached)}.`
  const wanted = target === 'latest' ? {} : { zxid: formatZxid(target) }
  if (end !== 'target' && end.kind === 'hole') {
    const message = `the logs leave out what stands between ${formatZxid(end.after)} and ${formatZxid(end.before)}`
    return new ZooArkError('POINT_IN_GAP', message, { place: wanted, hint })
  }
  if (end !== 'target' && end.kind === 'damage')
    return new ZooArkError(end.error.code, end.error.message, { place: end.error.place, hint, cause: end.error })
  return new ZooArkError('POINT_NOT_REACHABLE', `the logs end at ${formatZxid(reached)}`, { place: wanted, hint })
}

function noSnapshot(directory: DataDirectory, target: Zxid | 'latest'): ZooArkError {
  const oldest = directory.snapshots.at(0)
  if (oldest === undefined)
    return new ZooArkError('SOURCE_NO_SNAPSHOT', 'the directory holds logs and no snapshot', {
      place: { file: directory.listing.snapshotDir },
    })
  return new ZooArkError('POINT_NOT_REACHABLE', `the oldest snapshot begins at ${formatZxid(oldest.zxid)}`, {
    place: { file: directory.listing.snapshotDir, ...(target === 'latest' ? {} : { zxid: formatZxid(target) }) },
    hint: 'Only a backup that is older can show this point.',
  })
}
