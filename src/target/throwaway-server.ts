import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { ZooArkError } from '../base/errors.ts'
import type { OwnerRules } from '../model/ephemeral-owner.ts'
import { parseZxid, type Zxid } from '../model/zxid.ts'
import type { FoundServer } from './find-server.ts'
import { askFourLetterWord } from './four-letter-word.ts'
import { targetError } from './staging.ts'

/** What a server says of itself once it serves. */
export interface ServerFacts {
  readonly version: string
  readonly zxid: Zxid
  /** As the server counts: the root stands twice in its map of paths. */
  readonly nodeCount: number
  /** How often a digest did not match while it loaded; undefined before 3.6, which has no digest. */
  readonly digestMismatches: number | undefined
  /** Lines of its log that complain of a digest. */
  readonly digestWarnings: readonly string[]
}

export interface ServerStart {
  /** The dataDir to start on; the server writes there. */
  readonly dataDir: string
  /** For configuration and log; exists. */
  readonly workDir: string
  readonly ownerRules: OwnerRules
}

/** Ten million znodes load in 40 s at the rate that was measured; a start that takes longer than this has failed. */
const startTimeoutMs = 5 * 60_000
const pollMs = 100
/** A port that was free can be taken before the server binds it. */
const portTries = 3
const logLinesShown = 5

/**
 * No session of the restored state may expire while it is looked at, nor any container go: both would be txns. A session expires at the end of
 * a tick, so the tick is long.
 */
const tickTimeMs = 600_000
const quietMs = 3_600_000

/**
 * Starts Apache's standalone server on a data directory, on a free port of 127.0.0.1, asks it what it has loaded and stops it again. The
 * process is gone when this resolves or rejects. Its log stays as `server.log` in `workDir`.
 * @throws BOOT_FAILED with the end of the log, and the reason of the signal
 */
export async function askThrowawayServer(
  found: FoundServer,
  start: ServerStart,
  context: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<ServerFacts> {
  for (let tries = 1; ; tries++) {
    context.signal.throwIfAborted()
    const server = await ServerProcess.spawn(found, start)
    try {
      await server.waitUntilServing(context)
      return await server.facts()
    } catch (error) {
      const wasTaken = tries < portTries && (await server.log()).includes('BindException')
      if (!wasTaken) throw error
    } finally {
      await server.stop()
    }
  }
}

class ServerProcess {
  readonly #child: ChildProcess
  readonly #port: number
  readonly #logPath: string
  readonly #exited: Promise<void>
  #hasExited = false
  /** Also when this process ends without coming to `stop`. */
  readonly #killNow = (): void => void this.#child.kill('SIGKILL')

  private constructor(child: ChildProcess, port: number, logPath: string) {
    this.#child = child
    this.#port = port
    this.#logPath = logPath
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        this.#hasExited = true
        process.off('exit', this.#killNow)
        resolve()
      }
      child.once('exit', ended)
      child.once('error', ended)
    })
    process.once('exit', this.#killNow)
  }

  static async spawn(found: FoundServer, start: ServerStart): Promise<ServerProcess> {
    const port = await freePort()
    const logPath = join(start.workDir, 'server.log')
    const configDir = await writeConfiguration(start, port)
    const log = await open(logPath, 'w')
    try {
      const classPath = [configDir, ...found.classPath].join(delimiter)
      const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
      const args = [...systemProperties(start.ownerRules), '-cp', classPath, main, join(configDir, 'zoo.cfg')]
      return new ServerProcess(spawn(found.java, args, { cwd: start.workDir, stdio: ['ignore', log.fd, log.fd] }), port, logPath)
    } finally {
      await log.close()
    }
  }

  async waitUntilServing({ signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock }): Promise<void> {
    const giveUpAtMs = clock.nowMs() + startTimeoutMs
    // Counted too: a clock that stands still or steps back must not make it wait for ever.
    for (let polls = 0; polls * pollMs < startTimeoutMs && clock.nowMs() < giveUpAtMs; polls++) {
      signal.throwIfAborted()
      if (this.#hasExited) throw await this.#failed('the server ended before it served')
      if (await this.#isServing()) return
      await Promise.race([sleep(pollMs), this.#exited])
    }
    throw await this.#failed(`the server does not serve after ${startTimeoutMs / 60_000} minutes`)
  }

  async facts(): Promise<ServerFacts> {
    const srvr = await askFourLetterWord(this.#port, 'srvr')
    const mntr = await askFourLetterWord(this.#port, 'mntr')
    const version = /^Zookeeper version: ([^\s,-]+)/m.exec(srvr)?.[1]
    const zxid = /^Zxid: (0x[0-9a-f]+)/m.exec(srvr)?.[1]
    const nodes = /^Node count: (\d+)/m.exec(srvr)?.[1]
    if (version === undefined || zxid === undefined || nodes === undefined)
      throw await this.#failed('the server does not say what it has loaded')
    const mismatches = /^zk_digest_mismatches_count\s+(\d+)/m.exec(mntr)?.[1]
    const digestWarnings = (await this.log()).split('\n').filter((line) => /digest/i.test(line) && / (WARN|ERROR) /.test(line))
    return {
      version,
      zxid: parseZxid(zxid),
      nodeCount: Number(nodes),
      digestMismatches: mismatches === undefined ? undefined : Number(mismatches),
      digestWarnings,
    }
  }

  /** At once: what it has written is thrown away. */
  async stop(): Promise<void> {
    if (this.#hasExited) return
    this.#killNow()
    await this.#exited
  }

  async log(): Promise<string> {
    try {
      return await readFile(this.#logPath, 'utf8')
    } catch (error) {
      throw targetError(error, this.#logPath)
    }
  }

  async #isServing(): Promise<boolean> {
    try {
      return /^Mode: standalone/m.test(await askFourLetterWord(this.#port, 'srvr'))
    } catch (error) {
      // Not yet: nobody listens. Whoever waits gives up in time.
      if (error instanceof ZooArkError) return false
      throw error
    }
  }

  async #failed(what: string): Promise<ZooArkError> {
    const lines = (await this.log()).split('\n').filter((line) => line.trim() !== '')
    const reasons = lines.filter((line) => /exception|error/i.test(line))
    const shown = (reasons.length > 0 ? reasons : lines).slice(-logLinesShown).join(' | ')
    return new ZooArkError('BOOT_FAILED', `${what}: ${shown === '' ? 'its log is empty' : shown}`, { place: { file: this.#logPath } })
  }
}

async function writeConfiguration({ dataDir, workDir }: ServerStart, port: number): Promise<string> {
  const configDir = join(workDir, 'conf')
  try {
    await mkdir(configDir, { recursive: true })
    const settings = [`dataDir=${dataDir}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', `tickTime=${tickTimeMs}`]
    await writeFile(join(configDir, 'zoo.cfg'), `${settings.join('\n')}\n`)
    await writeFile(join(configDir, 'log4j.properties'), log4jConfiguration)
    await writeFile(join(configDir, 'logback.xml'), logbackConfiguration)
  } catch (error) {
    throw targetError(error, configDir)
  }
  return configDir
}

function systemProperties(ownerRules: OwnerRules): string[] {
  const properties: Record<string, string> = {
    'java.awt.headless': 'true',
    'zookeeper.admin.enableServer': 'false',
    'zookeeper.4lw.commands.whitelist': 'srvr,mntr',
    'zookeeper.jmx.log4j.disable': 'true',
    'znode.container.checkIntervalMs': String(quietMs),
    // It is thrown away in a moment.
    'zookeeper.forceSync': 'no',
    ...(ownerRules === 'plain' ? {} : { 'zookeeper.extendedTypesEnabled': 'true' }),
    ...(ownerRules === 'emulate353' ? { 'zookeeper.emulate353TTLNodes': 'true' } : {}),
  }
  return Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
}

/** A port of 127.0.0.1 that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const holder = createServer()
    holder.once('error', (error) => reject(new ZooArkError('IO_FAILED', error.message, { cause: error })))
    holder.listen(0, '127.0.0.1', () => {
      const address = holder.address()
      holder.close(() =>
        address === null || typeof address === 'string'
          ? reject(new ZooArkError('IO_FAILED', 'there is no free port'))
          : resolve(address.port),
      )
    })
  })
}

const log4jConfiguration = `log4j.rootLogger=INFO, OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %-5p [%t] %c{1} - %m%n
`
const logbackConfiguration = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level [%thread] %logger{0} - %msg%n</pattern></encoder></appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
`
