import { beginArchive, type ArchiveDraft } from '../../src/archive/archive-draft.ts'
import { readHistory, type History } from '../../src/archive/history.ts'
import { fixedClock } from '../../src/base/clock.ts'
import { encodePath } from '../../src/model/znode-path.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { createRepository } from '../../src/repository/repository.ts'
import type { Repository } from '../../src/repository/types.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import { PlainTree } from './plain-tree.ts'
import { batch, type PlainTxn } from './txns.ts'

export interface PlainPoint {
  readonly zxid: bigint
  readonly timeMs?: number | null
  readonly name?: string
  /** Owner of each znode, 0n for persistent. */
  readonly znodes?: Readonly<Record<string, bigint>>
}

/** Makes repositories for tests in a few lines: timelines of points, runs of txns and gaps. */
export class HistoryMaker {
  readonly repository: Repository
  #timeline: string | undefined

  constructor(repository: Repository) {
    this.repository = repository
  }

  static async create(): Promise<HistoryMaker> {
    const options = { id: 'test', clock: fixedClock(1_000_000), writer: 'test', threads: 0 }
    return new HistoryMaker(await createRepository(memoryStore(), options))
  }

  history(): Promise<History> {
    return readHistory(this.repository)
  }

  /** Starts a timeline; later commits go there. */
  async start(parent: string | null = null, forkZxid: bigint | null = null): Promise<void> {
    const start = { parent, forkZxid: forkZxid === null ? null : toZxid(forkZxid), reason: 'test' }
    const archive = await beginArchive(this.repository, await this.history(), { start })
    await archive.commit({ kind: 'test', capturedAtMs: 0 })
    this.#timeline = archive.timeline
  }

  /** One commit: a point, or txns after a zxid, or a gap. */
  async commit(parts: {
    point?: PlainPoint
    after?: bigint
    txns?: readonly PlainTxn[]
    gap?: { after: bigint; before: bigint; cause: string }
    capturedAtMs?: number
    timeline?: string
    segmentBytesMax?: number
  }): Promise<void> {
    const archive = await beginArchive(this.repository, await this.history(), { timeline: parts.timeline ?? this.#timeline ?? '1' })
    if (parts.point !== undefined) await addPoint(archive, parts.point)
    if (parts.txns !== undefined) {
      const run = archive.openRun(toZxid(parts.after ?? 0n))
      const { window, starts, ends, count } = batch(parts.txns)
      run.appendAll(window, starts, ends, count)
      archive.addSegments(await run.finish())
    }
    const { gap } = parts
    if (gap !== undefined) archive.addGap({ after: toZxid(gap.after), before: toZxid(gap.before), cause: gap.cause })
    await archive.commit({ kind: 'test', capturedAtMs: parts.capturedAtMs ?? 0 })
  }
}

async function addPoint(archive: ArchiveDraft, { zxid, timeMs = 0, name, znodes = {} }: PlainPoint): Promise<void> {
  const tree = new PlainTree()
  for (const [path, owner] of Object.entries({ '/': 0n, ...znodes })) {
    const stat = {
      czxid: toZxid(1n),
      mzxid: toZxid(1n),
      pzxid: toZxid(1n),
      ctime: 0n,
      mtime: 0n,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: owner,
    }
    tree.add({ path: encodePath(path), data: null, aclKey: -1n, stat })
  }
  await archive.addPoint(tree, toZxid(zxid), {
    timeMs,
    digest: null,
    consistency: 'exact',
    name: name ?? null,
    maxEpochSeen: 1,
    source: {},
  })
}
