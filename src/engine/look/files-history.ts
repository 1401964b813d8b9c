import { ZooArkError } from '../../base/errors.ts'
import { readSnapshot } from '../../formats/snapshot-reader.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import { longAt } from '../../jute/long.ts'
import { type Acl, readAcls } from '../../model/acl.ts'
import { decodeNodeRecord } from '../../model/node-record.ts'
import { decodeTxn } from '../../model/txn.ts'
import { txnLayout } from '../../model/txn-layout.ts'
import { type Zxid, toZxid } from '../../model/zxid.ts'
import type { DataDirectory, HeldFile } from '../../source/data-directory.ts'
import { readTxnRun } from '../../replay/txn-run.ts'
import type { KnownZnode } from './change-tracker.ts'
import type { HistorySink, HistorySource } from './history-source.ts'
import type { ZnodeSelection } from './znode-selection.ts'

/** Ends the reading of the logs; never leaves this file. */
class PastTheEnd extends Error {}

/** The history that the logs of a data directory hold. */
export class FilesHistory implements HistorySource {
  readonly description: string
  readonly #directory: DataDirectory

  constructor(directory: DataDirectory) {
    this.description = directory.description
    this.#directory = directory
  }

  async read(selection: ZnodeSelection, range: { readonly after?: Zxid; readonly through?: Zxid }, sink: HistorySink): Promise<void> {
    const { logs, snapshots } = this.#directory
    if (logs.length === 0)
      throw new ZooArkError('SOURCE_NO_LOGS', 'there are no logs, which alone tell changes', {
        place: { file: this.#directory.listing.logDir },
      })
    const { after } = range
    const base = snapshots.findLast((snapshot) => after !== undefined && snapshot.zxid <= after) ?? snapshots.at(0)
    const seeds = base === undefined ? undefined : new SnapshotSeeds(base, await readSeeds(base, selection))
    const from = base === undefined || after === undefined || base.zxid > after ? ((logs[0].zxid - 1n) as Zxid) : base.zxid
    seeds?.giveThrough(from, sink)
    const take = (window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): undefined | Promise<void> => {
      const first = toZxid(longAt(window, starts[0] + txnLayout.zxid))
      seeds?.giveThrough((first - 1n) as Zxid, sink)
      selection.candidates(window, starts, ends, count, (start, end) => {
        const zxid = toZxid(longAt(window, start + txnLayout.zxid))
        if (range.through !== undefined && zxid > range.through) throw new PastTheEnd()
        seeds?.giveThrough((zxid - 1n) as Zxid, sink)
        sink.txn(decodeTxn(window, start, end))
      })
      return sink.batchEnd()
    }
    try {
      await this.#run(from, take, sink)
    } catch (error) {
      if (!(error instanceof PastTheEnd)) throw error
    }
  }

  /** All txns after `from`, across holes and damage, which become gaps. */
  async #run(
    from: Zxid,
    take: (window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number) => undefined | Promise<void>,
    sink: HistorySink,
  ): Promise<void> {
    const { logs } = this.#directory
    let after = from
    // Each turn ends at a hole or at a damaged file, and goes on behind it.
    for (;;) {
      const { end, last } = await readTxnRun(logs, after, { txns: take })
      if (end.kind === 'end') return
      if (end.kind === 'hole') {
        sink.gap({ after: last, before: end.before, cause: 'no log holds these transactions' })
        after = (end.before - 1n) as Zxid
        continue
      }
      const next = logs.find((log) => log.zxid > last + 1n && log.zxid > after)
      const before = next?.zxid ?? last
      const { message, place } = end.error
      sink.gap({ after: last, before, cause: `${place.file ?? 'a log'} is damaged: ${message}` })
      if (next === undefined) return
      after = (next.zxid - 1n) as Zxid
    }
  }
}

interface Seed {
  readonly path: Uint8Array
  readonly znode: KnownZnode
}

/** What one snapshot shows of the selected znodes, given out once the history has come to its zxid. */
class SnapshotSeeds {
  readonly #zxid: Zxid
  #seeds: readonly Seed[]

  constructor(snapshot: HeldFile, seeds: readonly Seed[]) {
    this.#zxid = snapshot.zxid
    this.#seeds = seeds
  }

  giveThrough(zxid: Zxid, sink: HistorySink): void {
    if (zxid < this.#zxid || this.#seeds.length === 0) return
    for (const { path, znode } of this.#seeds) sink.seed(path, znode)
    this.#seeds = []
  }
}

/**
 * The selected znodes as the snapshot shows them, as far as they were so at the zxid of its name: a fuzzy snapshot shows some as they
 * were later, and of these only what cannot have changed is taken.
 */
async function readSeeds(snapshot: HeldFile, selection: ZnodeSelection): Promise<Seed[]> {
  const seeds: Seed[] = []
  const acls = new Map<bigint, readonly Acl[] | null>()
  const records = (window: Uint8Array, starts: Uint32Array, count: number): void => {
    for (let i = 0; i < count; i++) {
      const { path, data, aclKey, stat } = decodeNodeRecord(window, starts[i], starts[i + 1])
      if (!selection.includes(path) || stat.czxid > snapshot.zxid) continue
      const acl = acls.get(aclKey)
      const isOld = stat.mzxid <= snapshot.zxid
      seeds.push({
        path: path.slice(),
        znode: {
          owner: stat.ephemeralOwner,
          ...(isOld ? { data: data?.slice() ?? null, version: stat.version } : {}),
          // Nothing in a znode says when its ACL changed; where it never did, it is the first one.
          ...(acl === undefined || (stat.aversion > 0 && !isOld) ? {} : { acl, aversion: stat.aversion }),
        },
      })
    }
  }
  await readSnapshot(snapshot.file, {
    acl: (keyHi, keyLo, bytes, start, end) => {
      acls.set((BigInt(keyHi) << 32n) | BigInt(keyLo >>> 0), readAcls(new JuteReader(bytes.slice(start, end))))
    },
    records,
  })
  return seeds
}
