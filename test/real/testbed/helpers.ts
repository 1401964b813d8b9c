/** Runs our small Java programs (`java/*.java`) against the jars of one ZooKeeper release: the load, the oracle and the client's view. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureZooKeeper } from './jars.ts'
import { runCommand } from './run-command.ts'

const ANSWER_TIMEOUT_MS = 300_000

export interface LoadOptions {
  readonly version: string
  readonly connectString: string
  readonly seed: number
  readonly ops: number
  /** Operations a second over all sessions; 0 or absent = no limit. */
  readonly opsPerSecondMax?: number
  /** Default 60000. */
  readonly durationMs?: number
  /** Parallel sessions, default 4. */
  readonly sessions?: number
  /** Largest random value, default 300 bytes. */
  readonly dataSizeMax?: number
  /** Znodes that a session keeps before it rather deletes, default 400. */
  readonly keepMax?: number
  /** Different digest ids in ACLs, default 20; many make ACLs that no earlier znode had. */
  readonly aclUsers?: number
  /** Default `/load`. */
  readonly root?: string
  /** A line such as `server.9=127.0.0.1:1:2:observer;127.0.0.1:3` that is added to and removed from the ensemble again and again. */
  readonly reconfigMember?: string
  /** Leave the sessions open at the end, so that they expire on the server. */
  readonly linger?: boolean
}

export interface LoadOutcome {
  readonly ops: number
  /** Operations that the server refused, most of them on purpose. */
  readonly refused: number
  readonly elapsedMs: number
}

export interface RunningLoad {
  /** Latest progress; zeros before the first second. */
  progress(): LoadOutcome
  /** Resolves when the load has ended by itself. */
  readonly ended: Promise<LoadOutcome>
  /** Asks it to end and resolves when it has. */
  stop(): Promise<LoadOutcome>
}

/** Mixed load through ZooKeeper's own client until its count or its time is used up. */
export async function runLoad(options: LoadOptions): Promise<LoadOutcome> {
  return (await startLoad(options)).ended
}

export async function startLoad(options: LoadOptions): Promise<RunningLoad> {
  const durationMs = options.durationMs ?? 60_000
  const args: Record<string, string | number | undefined> = {
    connect: options.connectString,
    seed: options.seed,
    ops: options.ops,
    rate: options.opsPerSecondMax ?? 0,
    'duration-ms': durationMs,
    sessions: options.sessions,
    'data-bytes-max': options.dataSizeMax,
    'keep-max': options.keepMax,
    'acl-users': options.aclUsers,
    root: options.root,
    'reconfig-member': options.reconfigMember,
    linger: options.linger === true ? 1 : undefined,
    'server-version': options.version,
  }
  const child = spawn('java', await javaArguments(clientVersionFor(options.version), 'Load', [], args), { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  const timer = setTimeout(() => child.kill('SIGKILL'), durationMs + 60_000)
  let latest: LoadOutcome & { done?: boolean; failure?: string } = { ops: 0, refused: 0, elapsedMs: 0 }
  let pending = ''
  let tail = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-4000)
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop() ?? ''
    // The logging of older releases shares standard output.
    for (const line of lines)
      if (line.startsWith('{"ops"')) latest = JSON.parse(line) as typeof latest
      else tail = `${tail}${line}\n`.slice(-4000)
  })
  const ended = new Promise<LoadOutcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      if (code === 0) resolve(latest)
      else reject(new Error(`the load ended with code ${code}: ${latest.failure ?? ''}\n${tail}`))
    })
  })
  ended.catch(() => undefined)
  const stop = (): Promise<LoadOutcome> => {
    child.stdin.end()
    return ended
  }
  return { progress: () => latest, ended, stop }
}

export interface DumpedAcl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

/** One znode of a dump. zxids, owners: `0x` hex; times: decimal milliseconds; `data`: base64. */
export interface DumpedNode {
  readonly path: string
  readonly data: string | null
  /** null: the znode names an ACL that the snapshot does not hold. */
  readonly acl: readonly DumpedAcl[] | null
  readonly czxid: string
  readonly mzxid: string
  readonly ctime: string
  readonly mtime: string
  readonly version: number
  /** From the oracle the persisted number (children created), from a client the Stat's. */
  readonly cversion: number
  readonly aversion: number
  /** From the oracle the raw number (container and TTL included), from a client the Stat's. */
  readonly ephemeralOwner: string
  readonly pzxid: string
  /** Client dumps only. */
  readonly dataLength?: number
  readonly numChildren?: number
}

export interface DumpedHead {
  /** null in a client's dump, as are the sessions. */
  readonly zxid: string | null
  readonly sessions: readonly { readonly id: string; readonly timeout: number }[] | null
  readonly znodeCount: number
  /** 3.6 and later. */
  readonly digest?: string
  readonly digestsCompared?: number
  readonly digestMismatches?: number
  /** Present while the snapshot's own digest lies ahead: the state is fuzzy until this zxid. */
  readonly settledZxid?: string
  /** File name of the snapshot that the oracle began with. */
  readonly snapshot?: string
}

export interface DumpedState {
  readonly head: DumpedHead
  /** In the order of the paths' bytes. */
  readonly nodes: readonly DumpedNode[]
}

export interface OracleOptions {
  readonly version: string
  /** The folder that holds snapshot.* (a `version-2`). */
  readonly snapDir: string
  /** Default: snapDir. */
  readonly logDir?: string
  /** Hex zxids (with or without 0x), or `latest`. */
  readonly at: readonly string[]
  /** Default: the newest snapshot at or before the first zxid. */
  readonly snapshot?: string
  readonly heapMb?: number
}

/** Writes one dump a zxid as `<out>/<hex>.ndjson` (or `latest.ndjson`) and returns the paths in the order asked for. */
export async function oracleStateFiles(options: OracleOptions, out: string): Promise<string[]> {
  await mkdir(out, { recursive: true })
  const at = options.at.map((zxid) => (zxid === 'latest' ? zxid : BigInt(zxid.startsWith('0x') ? zxid : `0x${zxid}`).toString(16)))
  await answer(
    options.version,
    'Oracle',
    ['state'],
    {
      'snap-dir': options.snapDir,
      'log-dir': options.logDir ?? options.snapDir,
      at: at.join(','),
      snapshot: options.snapshot,
      out,
    },
    options.heapMb,
  )
  return at.map((name) => join(out, `${name}.ndjson`))
}

/** What ZooKeeper's own classes make of a data directory at each of the zxids. */
export async function oracleStates(options: OracleOptions): Promise<DumpedState[]> {
  return inTemporaryDirectory(async (out) => Promise.all((await oracleStateFiles(options, out)).map(readDump)))
}

export interface OracleTxn {
  readonly zxid: string
  readonly type: number
  readonly session: string
  readonly cxid: number
  readonly time: string
  readonly digestVersion?: number
  readonly digest?: string
  /** Name of ZooKeeper's record class, null for an empty body. */
  readonly record: string | null
  /** The record as ZooKeeper serializes it again, base64. */
  readonly body: string | null
}

export interface OracleTxns {
  readonly txns: readonly OracleTxn[]
  /** What ZooKeeper said where it stopped reading, if it did not like the end. */
  readonly error: string | undefined
}

/** Every txn of one log file as ZooKeeper's own reader delivers it. */
export async function oracleTxns(options: { readonly version: string; readonly log: string }): Promise<OracleTxns> {
  return inTemporaryDirectory(async (directory) => {
    const out = join(directory, 'txns.ndjson')
    await answer(options.version, 'Oracle', ['txns'], { log: options.log, out })
    const lines = await readLines(out)
    const last = lines.at(-1) as { error?: string } | undefined
    return { txns: (last?.error === undefined ? lines : lines.slice(0, -1)) as OracleTxn[], error: last?.error }
  })
}

/** What a client with the super user's rights sees in a live server, read by ZooKeeper's own client. */
export async function clientDump(options: {
  readonly version: string
  readonly connectString: string
  readonly path?: string
}): Promise<DumpedState> {
  return inTemporaryDirectory(async (directory) => {
    const out = join(directory, 'dump.ndjson')
    await answer(clientVersionFor(options.version), 'ClientDump', [], { connect: options.connectString, path: options.path, out })
    return readDump(out)
  })
}

/** An oracle's state as a client would see it: Stat's cversion and ephemeralOwner, and the two numbers that only a client has. */
export function asClientSees(state: DumpedState): DumpedNode[] {
  const children = new Map<string, number>()
  for (const { path } of state.nodes) {
    if (path === '/') continue
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    children.set(parent, (children.get(parent) ?? 0) + 1)
  }
  return state.nodes.map((node) => {
    const numChildren = children.get(node.path) ?? 0
    const owner = BigInt(node.ephemeralOwner)
    const isSession = owner !== 0n && owner !== 1n << 63n && owner >> 56n !== 0xffn
    return {
      ...node,
      cversion: node.cversion * 2 - numChildren,
      ephemeralOwner: isSession ? node.ephemeralOwner : '0x0',
      dataLength: node.data === null ? 0 : Buffer.from(node.data, 'base64').length,
      numChildren,
    }
  })
}

export async function readDump(path: string): Promise<DumpedState> {
  const [head, ...nodes] = await readLines(path)
  return { head: head as DumpedHead, nodes: nodes as DumpedNode[] }
}

async function readLines(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

async function inTemporaryDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-testbed-'))
  try {
    return await body(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The 3.4 client resolves no address on Java 14 and later (ZOOKEEPER-3779), so a 3.4 server meets the client of 3.5. */
function clientVersionFor(serverVersion: string): string {
  return serverVersion.startsWith('3.4.') ? '3.5.10' : serverVersion
}

type JavaOptions = Readonly<Record<string, string | number | undefined>>

async function answer(version: string, program: string, words: readonly string[], options: JavaOptions, heapMb = 1024): Promise<void> {
  const args = await javaArguments(version, program, words, options, heapMb)
  const outcome = await runCommand('java', args, { timeoutMs: ANSWER_TIMEOUT_MS })
  if (outcome.code !== 0)
    throw new Error(`${program} ${outcome.timedOut ? 'took too long' : `ended with code ${outcome.code}`}:\n${outcome.tail}`)
}

async function javaArguments(
  version: string,
  program: string,
  words: readonly string[],
  options: JavaOptions,
  heapMb = 512,
): Promise<string[]> {
  const jars = await ensureZooKeeper(version)
  if ('missing' in jars) throw new Error(jars.missing)
  const flags = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))
  const properties = [
    '-Dzooark.log.level=WARN',
    '-Dzookeeper.extendedTypesEnabled=true',
    '-Dzookeeper.sasl.client=false',
    '-Djava.awt.headless=true',
  ]
  return [`-Xmx${heapMb}m`, ...properties, '-cp', jars.classPath.join(':'), program, ...words, ...flags]
}
