import { cp, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type History, readHistory } from '../../src/archive/history.ts'
import { resolvePoint } from '../../src/archive/resolve-point.ts'
import { fixedClock } from '../../src/base/clock.ts'
import { type BackupReport, backUp } from '../../src/engine/backup.ts'
import type { StretchSizes } from '../../src/engine/backup/stretch.ts'
import { planRestore, type RestorePlan } from '../../src/engine/plan-restore.ts'
import { openToWrite } from '../../src/engine/repository-place.ts'
import { restore, type RestoreReport } from '../../src/engine/restore.ts'
import type { RunContext } from '../../src/engine/run-context.ts'
import type { Repository } from '../../src/repository/types.ts'
import { openDataDirectory } from '../../src/source/data-directory.ts'
import { replayFiles } from '../../src/source/replay-files.ts'
import { SampleServer } from '../../src/source/sample-server.ts'
import { localStore } from '../../src/storage/local-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { parseZxid } from '../../src/model/zxid.ts'
import type { DataTree } from '../../src/tree/data-tree.ts'
import { hashOnlySink } from '../../src/archive/state-ref.ts'
import { writeState } from '../../src/archive/write-state.ts'
import { toHex } from '../../src/base/hex.ts'

export const startMs = Date.parse('2026-11-20T03:00:00Z')
export const session = 0x1000a2b3c4d0001n

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export function contextAt(ms: number, signal: AbortSignal = new AbortController().signal): RunContext & { readonly notices: string[] } {
  const notices: string[] = []
  return { clock: fixedClock(ms), signal, onProgress: () => undefined, onNotice: (text) => notices.push(text), notices }
}

/** One source, one repository, and what a test does to them. */
export class Scenario {
  readonly directory: string
  readonly store: ObjectStore
  readonly context = contextAt(startMs + 3_600_000)

  private constructor(directory: string, store: ObjectStore) {
    this.directory = directory
    this.store = store
  }

  static async create(options: { readonly store?: ObjectStore } = {}): Promise<Scenario> {
    const directory = await temporaryDirectory()
    return new Scenario(directory, options.store ?? localStore(join(directory, 'repo')))
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** A new server with a few znodes. */
  async server(name = 'data'): Promise<SampleServer> {
    const server = await SampleServer.create(this.path(name), { timeMs: startMs })
    await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await server.create('/a', 'first', session)
    await server.create('/a/lock', '', session, { ephemeral: 'ephemeral' })
    await server.create('/b', 'b', session)
    return server
  }

  backUp(from = 'data', name?: string, sizes?: StretchSizes): Promise<BackupReport> {
    return backUp({ dataDir: this.path(from), store: this.store, sizes, ...(name === undefined ? {} : { name }) }, this.context)
  }

  async open(): Promise<{ readonly repository: Repository; readonly history: History }> {
    const repository = await openToWrite(this.store, this.context)
    return { repository, history: await readHistory(repository) }
  }

  async plan(
    at: string,
    to: string,
    options: { readonly mode?: RestorePlan['mode']; readonly servers?: readonly string[] } = {},
  ): Promise<RestorePlan> {
    const { repository, history } = await this.open()
    const point = await resolvePoint(history, repository, at, this.context.clock.nowMs())
    const target = { directory: this.path(to), logDirectory: null, servers: options.servers ?? null }
    return planRestore(history, repository.id, point, { repository: 'repo', mode: options.mode ?? 'client-safe', target })
  }

  async run(plan: RestorePlan): Promise<RestoreReport> {
    return await restore(plan, (await this.open()).repository, this.context)
  }

  /** Restores exactly and gives the state root that was read back. */
  async exactRootAt(at: string): Promise<string> {
    const to = `exact-${at.replaceAll(/[^a-z0-9]/gi, '-')}`
    const { root } = await this.run(await this.plan(at, to, { mode: 'exact' }))
    await rm(this.path(to), { recursive: true })
    return root
  }

  /** The root that the files of a directory replay to at `latest` or a zxid: another way than through the repository. */
  async rootOfFiles(name: string, at: string): Promise<string> {
    const directory = await openDataDirectory(this.path(name))
    try {
      const { tree } = await replayFiles(directory, at === 'latest' ? 'latest' : parseZxid(at))
      return await rootOf(tree)
    } finally {
      await directory.close()
    }
  }

  async copy(from: string, to: string): Promise<void> {
    await cp(this.path(from), this.path(to), { recursive: true })
  }

  /** As a purge does: takes files of version-2 away. */
  async remove(name: string, ...files: string[]): Promise<void> {
    for (const file of files) await rm(join(this.path(name), 'version-2', file))
  }

  async cut(name: string, file: string, length: number): Promise<void> {
    await truncate(join(this.path(name), 'version-2', file), length)
  }

  async write(name: string, file: string, bytes: Uint8Array | string): Promise<void> {
    await writeFile(join(this.path(name), 'version-2', file), bytes)
  }

  async files(name: string): Promise<string[]> {
    return (await readdir(this.path(name), { recursive: true })).toSorted()
  }
}

export async function rootOf(tree: DataTree): Promise<string> {
  return toHex((await writeState(hashOnlySink, tree)).stateRoot)
}
