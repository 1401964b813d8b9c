import { type DataDir, listDataDir } from '../../formats/data-dir.ts'
import { type LogStretch, prefixOf, salvageTxnLog } from '../../formats/salvage-log.ts'
import { salvageSnapshot } from '../../formats/salvage-snapshot.ts'
import type { SnapshotSink } from '../../formats/snapshot-reader.ts'
import { compareLong, highOf, int32At, joinLong, lowOf } from '../../jute/long.ts'
import { nodePathEnd, nodePathOffset, nodeTail, nodeTailOf } from '../../model/node-record.ts'
import { type Zxid, follows, toZxid, zeroZxid } from '../../model/zxid.ts'
import { type FileSalvage, type LostThing, logSalvage, snapshotSalvage } from './salvage-file.ts'

/** Points that can still be reached without the damaged parts; both ends inclusive. */
export interface ReachableStretch {
  /** File name of the snapshot that leads there. */
  readonly snapshot: string
  /** From here on the snapshot and the logs are a state. */
  readonly from: Zxid
  readonly through: Zxid
}

export interface DirectorySalvage {
  readonly listing: DataDir
  readonly files: readonly FileSalvage[]
  /** Transactions that no valid part of any log holds; both ends exclusive. */
  readonly missing: readonly { readonly after: Zxid; readonly before: Zxid }[]
  /** Znodes that a whole snapshot shows as last touched by a missing transaction, and everything that the files say is lost. */
  readonly lost: readonly LostThing[]
  readonly reachable: readonly ReachableStretch[]
}

/** Znodes that are named for missing transactions; more than this nobody reads. */
const touchedMax = 10_000

/** Looks at every snapshot and log of a data directory and says what can be saved of all together. Changes nothing. */
export async function salvageDirectory(dataDir: string, dataLogDir: string | undefined): Promise<DirectorySalvage> {
  const listing = await listDataDir(dataDir, dataLogDir)
  const files: FileSalvage[] = []
  const stretches: LogStretch[] = []
  const replayable: LogStretch[] = []
  for (const { path } of listing.logs) {
    const report = await salvageTxnLog(path)
    stretches.push(...report.stretches)
    // A server reads a log up to its first damage, even where the record behind it would go on.
    replayable.push(...prefixOf(report))
    files.push(logSalvage(path, report))
  }
  const runs = mergeRuns(stretches)
  const replayableRuns = mergeRuns(replayable)
  const newest = runs.at(-1)?.last ?? zeroZxid
  const missing = runs.slice(1).map((run, i) => ({ after: runs[i].last, before: run.first }))
  const lost = files.flatMap((file) => file.lost)
  const reachable: ReachableStretch[] = []
  const touched = new TouchedByMissing(missing)
  for (const { path, zxid, sizeBytes } of listing.snapshots) {
    const sink = new MaxZxid(touched)
    const report = await salvageSnapshot(path, sink)
    const file = snapshotSalvage(path, sizeBytes, report)
    files.push(file)
    lost.push(...file.lost)
    if (!file.ok) continue
    const stretch = reachableFrom(zxid, sink.max > zxid ? sink.max : zxid, replayableRuns, newest)
    if (stretch !== undefined) reachable.push({ snapshot: path, ...stretch })
  }
  return { listing, files, missing, lost: [...lost, ...touched.found()], reachable }
}

interface Run {
  readonly first: Zxid
  last: Zxid
}

/** Valid stretches of all logs, joined where nothing is missing between them. */
export function mergeRuns(stretches: readonly Pick<LogStretch, 'first' | 'last'>[]): Run[] {
  const runs: Run[] = []
  const ordered = stretches.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  for (const { first, last } of ordered) {
    const run = runs.at(-1)
    if (run === undefined || (first > run.last && !follows(run.last, first))) runs.push({ first, last })
    else if (last > run.last) run.last = last
  }
  return runs
}

/**
 * @param settled the newest zxid that the snapshot shows: the logs must reach it
 * @param newest the newest txn of all: a snapshot with none after it stands by itself, one whose next txns are lost does not
 */
function reachableFrom(zxid: Zxid, settled: Zxid, runs: readonly Run[], newest: Zxid): { from: Zxid; through: Zxid } | undefined {
  const run = runs.find(({ first, last }) => last > zxid && (first <= zxid || follows(zxid, first)))
  if (run === undefined && newest > zxid) return undefined
  const through = run?.last ?? zxid
  return settled <= through ? { from: settled, through } : undefined
}

/** The newest zxid in any stat of a snapshot; hands the records on. */
class MaxZxid implements SnapshotSink {
  #hi = highOf(zeroZxid)
  #lo = lowOf(zeroZxid)
  readonly #next: TouchedByMissing

  constructor(next: TouchedByMissing) {
    this.#next = next
  }

  get max(): Zxid {
    return toZxid(joinLong(this.#hi, this.#lo))
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const tail = nodeTailOf(window, starts[i])
      for (const field of zxidFields) {
        const hi = int32At(window, tail + field)
        const lo = int32At(window, tail + field + 4)
        if (compareLong(hi, lo, this.#hi, this.#lo) <= 0) continue
        this.#hi = hi
        this.#lo = lo
      }
    }
    this.#next.records(window, starts, count)
  }
}

const zxidFields = [nodeTail.czxid, nodeTail.mzxid, nodeTail.pzxid] as const

/** Finds the znodes whose stat names a missing transaction: what it did is still to be seen in them. */
class TouchedByMissing {
  readonly #missing: readonly { after: Zxid; before: Zxid }[]
  readonly #found = new Map<string, LostThing>()

  constructor(missing: readonly { after: Zxid; before: Zxid }[]) {
    this.#missing = missing
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void {
    for (const { after, before } of this.#missing) {
      const [afterHi, afterLo, beforeHi, beforeLo] = [highOf(after), lowOf(after), highOf(before), lowOf(before)]
      for (let i = 0; i < count; i++) {
        const tail = nodeTailOf(window, starts[i])
        for (const field of [nodeTail.czxid, nodeTail.mzxid]) {
          const hi = int32At(window, tail + field)
          const lo = int32At(window, tail + field + 4)
          if (compareLong(hi, lo, afterHi, afterLo) <= 0 || compareLong(hi, lo, beforeHi, beforeLo) >= 0) continue
          this.#note(window, starts[i], field === nodeTail.czxid ? 'created' : 'changed', toZxid(joinLong(hi, lo)), { after, before })
        }
      }
    }
  }

  #note(window: Uint8Array, start: number, what: 'created' | 'changed', zxid: Zxid, range: { after: Zxid; before: Zxid }): void {
    if (this.#found.size >= touchedMax) return
    const path = window.slice(start + nodePathOffset, nodePathEnd(window, start))
    const why = `a missing transaction ${what} it; a later snapshot shows what came of that`
    this.#found.set(`${zxid}/${Buffer.from(path).toString('latin1')}`, { file: '', zxid, path, why, ...range })
  }

  found(): LostThing[] {
    return [...this.#found.values()]
  }
}
