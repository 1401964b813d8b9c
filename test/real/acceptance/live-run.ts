/** Real servers under a mixed load, killed and restarted, while their data directories are backed up and purged. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/base/clock.ts'
import { ZooArkError } from '../../../src/base/errors.ts'
import { backUp, type BackupReport } from '../../../src/engine/backup.ts'
import type { RunContext } from '../../../src/engine/run-context.ts'
import { localStore } from '../../../src/storage/local-store.ts'
import { type RunningLoad, startLoad } from '../testbed/helpers.ts'
import { type Ensemble, freePorts, type RealServer, startEnsemble, startStandalone } from '../testbed/server.ts'
import { keepRest, purge } from './keep-files.ts'
import { connectRaw, type RawClient, type RawSession } from './raw-client.ts'

export interface RunShape {
  readonly version: string
  readonly shape: 'standalone' | 'ensemble'
  readonly seed: number
  readonly ops: number
  /** In the middle of the run the server purges and nobody backs up: the repository gets a gap. */
  readonly backups: 'steady' | 'with-a-pause'
}

/** One server of a run that has ended. */
export interface RunServer {
  readonly id: number
  readonly dataDir: string
  /** Every snapshot and log that the server ever made, those that it took back left out. */
  readonly kept: string
  /** Its own repository. */
  readonly repository: string
  readonly reports: readonly BackupReport[]
  readonly wasKilled: boolean
}

export interface LiveRun extends RunShape {
  readonly servers: readonly RunServer[]
  readonly newestZxid: bigint
  /** Open when the run ended, with an ephemeral `/raw/e` and a parent `/raw`. */
  readonly session: RawSession
  readonly ops: number
  readonly refused: number
  readonly purgedFiles: number
  readonly serverLogs: readonly string[]
}

/** Snapshots and log rolls after about this many txns. */
const SNAP_COUNT = 300
const SNAPSHOTS_KEPT = 3
const OPS_PER_SECOND_MAX = 500
const LOAD_DURATION_MS = 120_000
const SESSION_TIMEOUT_MS = 3_600_000
const KILLED_FOR_MS = 1500
const BETWEEN_BACKUPS_MS = 300
const QUIET_ROUNDS = 5
const THINNED_FROM = 150
const THINNED_TO = 11

export function engineContext(): RunContext {
  return { clock: systemClock, signal: new AbortController().signal, onProgress: () => undefined, onNotice: () => undefined }
}

export async function runLive(run: RunShape, directory: string): Promise<LiveRun> {
  const live = await startServers(run, directory)
  try {
    return await new Session(run, directory, live).run()
  } finally {
    await Promise.all(live.servers.map((server) => server.kill()))
  }
}

type Live = Pick<Ensemble, 'servers' | 'connectString'> & { readonly ensemble?: Ensemble }

async function startServers({ version, shape }: RunShape, directory: string): Promise<Live> {
  const systemProperties = { 'zookeeper.snapCount': String(SNAP_COUNT), 'zookeeper.preAllocSize': '64' }
  const common = { version, systemProperties, heapMb: 160, config: { maxSessionTimeout: String(SESSION_TIMEOUT_MS) } }
  if (shape === 'standalone') {
    const server = await startStandalone({ ...common, dataDir: join(directory, 'server-1') })
    return { servers: [server], connectString: server.connectString }
  }
  const ensemble = await startEnsemble({ ...common, directory, size: 3 })
  return { servers: ensemble.servers, connectString: ensemble.connectString, ensemble }
}

class Session {
  readonly #run: RunShape
  readonly #directory: string
  readonly #live: Live
  readonly #killed = new Set<number>()
  readonly #reports = new Map<number, BackupReport[]>()
  #purgedFiles = 0

  constructor(run: RunShape, directory: string, live: Live) {
    this.#run = run
    this.#directory = directory
    this.#live = live
  }

  async run(): Promise<LiveRun> {
    const { servers } = this.#live
    const session = await this.#openRawSession()
    const load = await this.#startLoad()
    const incidents = this.#incidents(load)
    await this.#backUpWhile(load)
    await incidents
    const { ops, refused } = await load.ended
    const newestZxid = await untilQuiet(servers)
    for (const server of servers) await this.#backUp(server)
    await Promise.all(servers.map((server) => server.stop()))
    for (const server of servers) await keepRest(join(server.dataDir, 'version-2'), this.#kept(server))
    return {
      ...this.#run,
      ops,
      refused,
      newestZxid,
      session,
      purgedFiles: this.#purgedFiles,
      serverLogs: servers.map((server) => server.logPath),
      servers: servers.map((server) => ({
        id: server.id,
        dataDir: server.dataDir,
        kept: this.#kept(server),
        repository: this.#repository(server),
        reports: this.#reports.get(server.id) ?? [],
        wasKilled: this.#killed.has(server.id),
      })),
    }
  }

  #kept(server: RealServer): string {
    return join(this.#directory, `kept-${server.id}`, 'version-2')
  }

  #repository(server: RealServer): string {
    return join(this.#directory, `repository-${server.id}`)
  }

  async #openRawSession(): Promise<RawSession> {
    const answer = await connectRaw(this.#live.servers[0]!.clientPort, { lastZxidSeen: 0n, timeoutMs: SESSION_TIMEOUT_MS })
    if (answer.kind !== 'accepted') throw new Error(`the raw client is ${answer.kind}`)
    await answer.client.create('/raw', 'persistent')
    await answer.client.create('/raw/e', 'ephemeral')
    for (let i = 0; i < 3; i++) await answer.client.create('/raw/s-', 'sequential')
    await fillAndThin(answer.client)
    answer.client.abandon()
    return answer.client.session
  }

  async #startLoad(): Promise<RunningLoad> {
    const { version, seed, ops, shape } = this.#run
    const isReconfigured = shape === 'ensemble' && !version.startsWith('3.4.')
    const ports = isReconfigured ? await freePorts(3) : []
    return startLoad({
      version,
      seed,
      ops,
      connectString: this.#live.connectString,
      opsPerSecondMax: OPS_PER_SECOND_MAX,
      durationMs: LOAD_DURATION_MS,
      ...(isReconfigured ? { reconfigMember: `server.9=127.0.0.1:${ports[0]}:${ports[1]}:observer;127.0.0.1:${ports[2]}` } : {}),
    })
  }

  /** A follower dies, later the leader: both come back under load. */
  async #incidents(load: RunningLoad): Promise<void> {
    const { ensemble } = this.#live
    if (ensemble === undefined) return
    await untilProgress(load, this.#run.ops / 4)
    const leader = await ensemble.leader()
    const follower = ensemble.servers.find((server) => server.id !== leader.id)!
    await this.#bounce(follower)
    await untilProgress(load, this.#run.ops / 2)
    await this.#bounce(await ensemble.leader())
  }

  async #bounce(server: RealServer): Promise<void> {
    this.#killed.add(server.id)
    await server.kill()
    await sleep(KILLED_FOR_MS)
    await server.start()
    await server.waitUntilServing()
  }

  async #backUpWhile(load: RunningLoad): Promise<void> {
    const { servers } = this.#live
    let ended = false
    const onEnd = (): void => {
      ended = true
    }
    load.ended.then(onEnd, onEnd)
    for (let round = 0; !ended; round++) {
      const share = load.progress().ops / this.#run.ops
      const isPaused = this.#run.backups === 'with-a-pause' && share > 0.4 && share < 0.7
      for (const server of servers) {
        // Every other time the purge runs into the backup.
        const backup = isPaused ? Promise.resolve() : this.#backUp(server)
        if (round % 2 === 0) await backup
        // A slow machine must not make gaps of its own: what is not backed up yet is spared, but in the pause.
        const through = isPaused ? undefined : this.#reports.get(server.id)?.at(-1)?.last
        this.#purgedFiles += await purge(join(server.dataDir, 'version-2'), SNAPSHOTS_KEPT, this.#kept(server), through)
        await backup
      }
      await sleep(BETWEEN_BACKUPS_MS)
    }
  }

  async #backUp(server: RealServer): Promise<void> {
    const reports = this.#reports.get(server.id) ?? []
    this.#reports.set(server.id, reports)
    try {
      reports.push(await backUp({ dataDir: server.dataDir, store: localStore(this.#repository(server)) }, engineContext()))
    } catch (error) {
      // A standalone server of 3.4 has no snapshot until it has seen some txns.
      const isYoung = this.#run.version.startsWith('3.4.') && reports.length === 0
      if (!isYoung || !(error instanceof ZooArkError) || error.code !== 'SOURCE_NO_SNAPSHOT') throw error
    }
  }
}

/** A parent that had many children, of which a few stay: servers that saw the many keep the few in another order than those that did not. */
async function fillAndThin(client: RawClient): Promise<void> {
  await client.create('/thinned', 'persistent')
  for (let i = 0; i < THINNED_FROM; i++) await client.create(`/thinned/${i * 7919}`, 'persistent')
  for (let i = THINNED_TO; i < THINNED_FROM; i++) await client.delete(`/thinned/${i * 7919}`)
}

async function untilProgress(load: RunningLoad, ops: number): Promise<void> {
  const giveUpAt = Date.now() + LOAD_DURATION_MS
  while (load.progress().ops < ops && Date.now() < giveUpAt) await sleep(100)
}

/** Sessions that the load left behind expire and containers are swept in the first seconds. Returns the zxid at which all servers stand. */
async function untilQuiet(servers: readonly RealServer[]): Promise<bigint> {
  const zxidOf = async (server: RealServer): Promise<string> => /^Zxid: (\S+)/m.exec(await server.fourLetter('srvr'))?.[1] ?? ''
  let last = ''
  for (let quiet = 0, rounds = 0; rounds < 120; rounds++) {
    const zxids = new Set(await Promise.all(servers.map(zxidOf)))
    const [zxid] = zxids
    quiet = zxids.size === 1 && zxid === last ? quiet + 1 : 0
    last = zxid ?? ''
    if (quiet >= QUIET_ROUNDS) return BigInt(last)
    await sleep(500)
  }
  throw new Error(`the servers do not come to rest at one zxid; last seen ${last}`)
}
