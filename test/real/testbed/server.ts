/**
 * Starts real Apache ZooKeeper servers on loopback for tests: one alone, or an ensemble. Each server is a Java process in its own process group
 * that ends when this process ends, however it ends: a pipe on its standard input tells it (`java/GuardedServer.java`).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureZooKeeper } from './jars.ts'

export const superUser = 'super:super'
const SERVING_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000
const LOG_TAIL_LINES = 30

export interface ServerOptions {
  readonly version: string
  /** Java system properties; they win over the testbed's defaults. An undefined value removes a default. */
  readonly systemProperties?: Readonly<Record<string, string | undefined>>
  /** Lines of zoo.cfg; they win over the testbed's defaults. */
  readonly config?: Readonly<Record<string, string>>
  /** Java heap, default 512. */
  readonly heapMb?: number
}

export interface StandaloneOptions extends ServerOptions {
  readonly dataDir: string
  readonly dataLogDir?: string
  /** Default: a free port. */
  readonly clientPort?: number
}

export interface EnsembleOptions extends ServerOptions {
  /** Each server gets a folder `<directory>/server-<id>`. */
  readonly directory: string
  /** Voting servers, ids 1..size. */
  readonly size: number
  /** Further servers that do not vote, ids after the voting ones. Default 0. */
  readonly observers?: number
}

export interface RealServer {
  readonly version: string
  readonly id: number
  readonly clientPort: number
  /** `127.0.0.1:<clientPort>`. */
  readonly connectString: string
  readonly quorumPort: number | undefined
  readonly electionPort: number | undefined
  readonly dataDir: string
  /** Equal to dataDir where no other was asked for. */
  readonly dataLogDir: string
  readonly logPath: string
  /** The Java process, undefined while stopped. */
  readonly pid: number | undefined
  /** Starts the process (again) and returns at once; follow with `waitUntilServing`. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL when it has not ended in 15 s. Returns when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL. Returns when the process is gone. */
  kill(): Promise<void>
  /** Answer of a four-letter word; rejects when nobody listens. */
  fourLetter(command: string): Promise<string>
  /** `standalone`, `leader`, `follower`, `observer`, or undefined while it does not serve. */
  mode(): Promise<string | undefined>
  waitUntilServing(timeoutMs?: number): Promise<void>
  logLines(): Promise<string[]>
}

export interface Ensemble {
  readonly servers: readonly RealServer[]
  /** All client addresses, joined by commas. */
  readonly connectString: string
  /** `host:quorumPort` of every server: where an observer looks for the leader. */
  readonly quorumAddresses: readonly string[]
  /** Waits (bounded) until one of the running servers leads. */
  leader(): Promise<RealServer>
  stop(): Promise<void>
}

/** The server is serving when this resolves. */
export async function startStandalone(options: StandaloneOptions): Promise<RealServer> {
  const clientPort = options.clientPort ?? (await freePorts(1))[0]!
  const server = new ServerProcess(options, {
    id: 1,
    clientPort,
    home: options.dataDir,
    dataLogDir: options.dataLogDir ?? options.dataDir,
    ports: undefined,
    config: {},
  })
  await server.start()
  await stopUnlessServing([server])
  return server
}

/** All servers are serving when this resolves. */
export async function startEnsemble(options: EnsembleOptions): Promise<Ensemble> {
  const count = options.size + (options.observers ?? 0)
  const ports = await freePorts(count * 3)
  const isDynamic = minorOf(options.version) >= 5
  const members = Array.from({ length: count }, (_, i) => {
    const [clientPort, quorum, election] = ports.slice(i * 3, i * 3 + 3) as [number, number, number]
    return { id: i + 1, clientPort, quorum, election, role: i < options.size ? 'participant' : 'observer' }
  })
  const config: Record<string, string> = isDynamic ? { standaloneEnabled: 'false', reconfigEnabled: 'true' } : {}
  for (const m of members) {
    const role = isDynamic ? `:${m.role};127.0.0.1:${m.clientPort}` : m.role === 'observer' ? ':observer' : ''
    config[`server.${m.id}`] = `127.0.0.1:${m.quorum}:${m.election}${role}`
  }
  const servers = members.map((m) => {
    const home = join(options.directory, `server-${m.id}`)
    const own = { ...config, ...(m.role === 'observer' ? { peerType: 'observer' } : {}) }
    return new ServerProcess(options, {
      id: m.id,
      clientPort: m.clientPort,
      home,
      dataLogDir: home,
      ports: { quorum: m.quorum, election: m.election },
      config: own,
    })
  })
  await Promise.all(servers.map((server) => server.start()))
  await stopUnlessServing(servers)
  return {
    servers,
    connectString: servers.map((server) => server.connectString).join(','),
    quorumAddresses: servers.map((server) => `127.0.0.1:${server.quorumPort}`),
    leader: () => findLeader(servers),
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** Ports that were free a moment ago: all are held open together, so they differ, and are released just before use. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, () => {
      const holder = createServer()
      return new Promise<typeof holder>((resolve, reject) => holder.once('error', reject).listen(0, '127.0.0.1', () => resolve(holder)))
    }),
  )
  const ports = holders.map((holder) => (holder.address() as { port: number }).port)
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  return ports
}

async function findLeader(servers: readonly RealServer[]): Promise<RealServer> {
  const giveUpAt = Date.now() + SERVING_TIMEOUT_MS
  while (Date.now() < giveUpAt) {
    for (const server of servers) if ((await server.mode()) === 'leader') return server
    await sleep(100)
  }
  throw new Error(`no leader after ${SERVING_TIMEOUT_MS / 1000} s`)
}

async function stopUnlessServing(servers: readonly RealServer[]): Promise<void> {
  try {
    await Promise.all(servers.map((server) => server.waitUntilServing()))
  } catch (error) {
    await Promise.all(servers.map((server) => server.kill()))
    throw error
  }
}

interface Placement {
  readonly id: number
  readonly clientPort: number
  readonly home: string
  readonly dataLogDir: string
  readonly ports: { readonly quorum: number; readonly election: number } | undefined
  readonly config: Readonly<Record<string, string>>
}

class ServerProcess implements RealServer {
  readonly version: string
  readonly id: number
  readonly clientPort: number
  readonly connectString: string
  readonly quorumPort: number | undefined
  readonly electionPort: number | undefined
  readonly dataDir: string
  readonly dataLogDir: string
  readonly logPath: string
  readonly #options: ServerOptions
  readonly #placement: Placement
  #child: ChildProcess | undefined

  constructor(options: ServerOptions, placement: Placement) {
    this.version = options.version
    this.id = placement.id
    this.clientPort = placement.clientPort
    this.connectString = `127.0.0.1:${placement.clientPort}`
    this.quorumPort = placement.ports?.quorum
    this.electionPort = placement.ports?.election
    this.dataDir = placement.home
    this.dataLogDir = placement.dataLogDir
    this.logPath = `${placement.home}.server.log`
    this.#options = options
    this.#placement = placement
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`server ${this.id} already runs as pid ${this.#child.pid}`)
    const jars = await ensureZooKeeper(this.version)
    if ('missing' in jars) throw new Error(jars.missing)
    const configPath = await this.#writeConfig()
    const log = await open(this.logPath, 'a')
    const args = [
      `-Xmx${this.#options.heapMb ?? 512}m`,
      ...this.#systemProperties(),
      '-cp',
      jars.classPath.join(':'),
      'GuardedServer',
      configPath,
    ]
    const child = spawn('java', args, { detached: true, stdio: ['pipe', log.fd, log.fd] })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    await log.close()
    ;(child.stdin as Socket).on('error', () => undefined).unref()
    child.unref()
    child.once('exit', () => {
      running.delete(child)
      if (this.#child === child) this.#child = undefined
    })
    running.add(child)
    this.#child = child
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.ref()
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }

  fourLetter(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.clientPort, '127.0.0.1', () => socket.write(command))
      let answer = ''
      socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to '${command}' in 5 s`)))
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text
      })
      socket.on('error', reject).on('close', () => resolve(answer))
    })
  }

  async mode(): Promise<string | undefined> {
    const answer = await this.fourLetter('srvr').catch(() => '')
    return /^Mode: (\S+)/m.exec(answer)?.[1]
  }

  async waitUntilServing(timeoutMs: number = SERVING_TIMEOUT_MS): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs
    while (Date.now() < giveUpAt) {
      if (this.#child === undefined) throw await this.#failure('ended before it served')
      if ((await this.mode()) !== undefined) return
      await sleep(100)
    }
    throw await this.#failure(`does not serve after ${timeoutMs / 1000} s`)
  }

  async logLines(): Promise<string[]> {
    return (await readFile(this.logPath, 'utf8')).split('\n')
  }

  async #failure(what: string): Promise<Error> {
    const lines = await this.logLines().catch(() => ['(no log)'])
    return new Error(`ZooKeeper ${this.version} server ${this.id} ${what}; the end of its log:\n${lines.slice(-LOG_TAIL_LINES).join('\n')}`)
  }

  /** Written once: from 3.5 on a server in an ensemble rewrites its configuration, and a restart must find what it wrote. */
  async #writeConfig(): Promise<string> {
    const path = `${this.dataDir}.zoo.cfg`
    await mkdir(this.dataDir, { recursive: true })
    await mkdir(this.dataLogDir, { recursive: true })
    const exists = await access(path).then(
      () => true,
      () => false,
    )
    if (exists && this.#placement.ports !== undefined) return path
    if (this.#placement.ports !== undefined) await writeFile(join(this.dataDir, 'myid'), `${this.id}\n`)
    const ownPort = { clientPort: String(this.clientPort), clientPortAddress: '127.0.0.1' }
    const isDynamicMember = this.#placement.ports !== undefined && minorOf(this.version) >= 5
    const config: Record<string, string> = {
      dataDir: this.dataDir,
      ...(this.dataLogDir === this.dataDir ? {} : { dataLogDir: this.dataLogDir }),
      tickTime: '500',
      initLimit: '40',
      syncLimit: '20',
      maxClientCnxns: '0',
      ...(isDynamicMember ? {} : ownPort),
      ...this.#placement.config,
      ...this.#options.config,
    }
    await writeFile(
      path,
      Object.entries(config)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    return path
  }

  #systemProperties(): string[] {
    const properties: Record<string, string | undefined> = {
      'zookeeper.forceSync': 'no',
      'zookeeper.admin.enableServer': 'false',
      'zookeeper.4lw.commands.whitelist': '*',
      'zookeeper.extendedTypesEnabled': 'true',
      'zookeeper.DigestAuthenticationProvider.superDigest': superDigest,
      'znode.container.checkIntervalMs': '500',
      'java.awt.headless': 'true',
      ...this.#options.systemProperties,
    }
    return Object.entries(properties).flatMap(([name, value]) => (value === undefined ? [] : [`-D${name}=${value}`]))
  }
}

const superDigest = `super:${createHash('sha1').update(superUser).digest('base64')}`

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It ended in this moment.
    }
  }
})

function minorOf(version: string): number {
  return Number(version.split('.')[1])
}
