import { lineageOfTimeline, type History, type Timeline } from '../../archive/history.ts'
import { usableSegments } from '../../archive/intervals.ts'
import { readSegment } from '../../archive/segment-reader.ts'
import { crc32 } from '../../base/checksum.ts'
import { logsCovering } from '../../formats/data-dir.ts'
import { readTxnLog } from '../../formats/txn-log-reader.ts'
import { longAt } from '../../jute/long.ts'
import { txnLayout } from '../../model/txn-layout.ts'
import { type Zxid, toZxid } from '../../model/zxid.ts'
import type { Repository } from '../../repository/types.ts'
import type { DataDirectory } from '../../source/data-directory.ts'
import type { ZooArkError } from '../../base/errors.ts'

/** How the logs of a source stand to the newest txn that the repository holds. */
export type Relation =
  /** The source has that very txn (`txn`), or begins directly after it (`adjacency`: what it had there was purged). */
  | { readonly kind: 'continues'; readonly by: 'txn' | 'adjacency' }
  /** The source ends earlier, and what it has last is what the repository has there. */
  | { readonly kind: 'behind'; readonly last: Zxid }
  /** What the source has begins later. */
  | { readonly kind: 'later'; readonly first: Zxid | undefined }
  /** The source has other txns under the same zxids, or lacks some in between; `common`: the last that both have, if any. */
  | { readonly kind: 'other'; readonly common: Zxid | undefined }

/** Headers (session, cxid, zxid, time, type) by zxid: what makes two txns the same. Bodies may differ, see docs/formats/archive.md. */
type HeaderSums = Map<bigint, number>

/**
 * Compares the source with the timeline. Reads the log that covers the newest txn, and only where the two have parted more than that.
 * @param latest the newest zxid that can be restored on the timeline
 */
export async function relate(
  directory: DataDirectory,
  repository: Repository,
  history: History,
  timeline: Timeline,
  latest: Zxid,
): Promise<Relation> {
  const around = await readAround(directory, latest)
  const last = around.at ?? around.before
  if (last === undefined)
    return around.next === latest + 1n ? { kind: 'continues', by: 'adjacency' } : { kind: 'later', first: around.next }
  const known = await knownSumOf(repository, history, timeline, last.zxid)
  const isSame = known === undefined || known === last.sum
  if (around.at !== undefined && isSame) return { kind: 'continues', by: 'txn' }
  if (isSame && around.next === undefined) return { kind: 'behind', last: last.zxid }
  return { kind: 'other', common: await lastCommon(directory, repository, history, timeline) }
}

interface Header {
  readonly zxid: Zxid
  readonly sum: number
}

interface Around {
  /** The last txn below the zxid. */
  before?: Header
  at?: Header
  /** The first zxid above it. */
  next?: Zxid
}

async function readAround(directory: DataDirectory, zxid: Zxid): Promise<Around> {
  const around: Around = {}
  const isDone = await scanHeaders(directory, toZxid(zxid - 1n), (header) => {
    if (header.zxid < zxid) around.before = header
    else if (header.zxid === zxid) around.at = header
    else around.next = header.zxid
    return around.next === undefined ? 'go on' : 'stop'
  })
  if (isDone === 'all' && around.at === undefined && around.before === undefined) {
    // The log that covers it may begin with it: then the one before has the last txn below.
    await scanHeaders(directory, toZxid(0n), (header) => {
      if (header.zxid >= zxid) return 'stop'
      around.before = header
      return 'go on'
    })
  }
  return around
}

/** Ends a scan; never leaves this file. */
class Enough extends Error {}

/** Visits txns of the logs that cover what comes after `after`, in file order. A log that is damaged ends the scan: what follows is judged by the run. */
async function scanHeaders(directory: DataDirectory, after: Zxid, visit: (header: Header) => 'go on' | 'stop'): Promise<'all' | 'stopped'> {
  try {
    for (const log of logsCovering(directory.logs, after)) {
      await readTxnLog(log.file, {
        txns: (window, starts, _ends, count) => {
          for (let i = 0; i < count; i++) if (visit(headerAt(window, starts[i])) === 'stop') throw new Enough()
        },
      })
    }
    return 'all'
  } catch (error) {
    if (error instanceof Enough || (error as ZooArkError).code === 'TXN_LOG_DAMAGED') return 'stopped'
    throw error
  }
}

function headerAt(window: Uint8Array, start: number): Header {
  return { zxid: toZxid(longAt(window, start + txnLayout.zxid)), sum: crc32(window, start, start + txnLayout.body) }
}

/** The sum that the timeline holds for a zxid; undefined when none of its segments has it (it is below the first, or the base itself). */
async function knownSumOf(repository: Repository, history: History, timeline: Timeline, zxid: Zxid): Promise<number | undefined> {
  for (const { segment, through } of usableSegments(lineageOfTimeline(history, timeline.id)).toReversed()) {
    if (segment.after >= zxid || through < zxid) continue
    const sums = await sumsOf(repository, segment, { after: toZxid(zxid - 1n), through: zxid })
    return sums.get(zxid) ?? -1
  }
  return undefined
}

async function sumsOf(
  repository: Repository,
  segment: Parameters<typeof readSegment>[1],
  range: Parameters<typeof readSegment>[2],
): Promise<HeaderSums> {
  const sums: HeaderSums = new Map()
  await readSegment(repository, segment, range, {
    txns: (window, starts, _ends, count) => {
      for (let i = 0; i < count; i++) {
        const { zxid, sum } = headerAt(window, starts[i])
        sums.set(zxid, sum)
      }
    },
  })
  return sums
}

/** The newest txn that stands in both, searched segment by segment from the newest back. */
async function lastCommon(
  directory: DataDirectory,
  repository: Repository,
  history: History,
  timeline: Timeline,
): Promise<Zxid | undefined> {
  for (const { segment, through } of usableSegments(lineageOfTimeline(history, timeline.id)).toReversed()) {
    const sums = await sumsOf(repository, segment, { through })
    let common: Zxid | undefined
    await scanHeaders(directory, segment.after, (header) => {
      if (header.zxid > through) return 'stop'
      if (sums.get(header.zxid) === header.sum) common = header.zxid
      return 'go on'
    })
    if (common !== undefined) return common
  }
  return undefined
}
