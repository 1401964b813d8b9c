/** Apache ZooKeeper's own tools and server, of one version, as command lines. */
import { linkSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const peerVersion = '3.8.4'

/** Heap of the tools and of the server: above what they need, so that no figure is one of garbage collection under pressure. */
const heapMb = 6000

export async function loadPeers() {
  const { ensureZooKeeper } = await import('../../.build/testbed/jars.js')
  const { startStandalone } = await import('../../.build/testbed/server.js')
  const jars = await ensureZooKeeper(peerVersion)
  if ('missing' in jars) throw new Error(jars.missing)
  const tool = (name, ...args) => [
    'java',
    `-Xmx${heapMb}m`,
    '-Dzooark.log.level=WARN',
    '-cp',
    jars.classPath.join(':'),
    `org.apache.zookeeper.server.${name}`,
    ...args,
  ]
  return {
    formatter: (...args) => tool('SnapshotFormatter', ...args),
    logToolkit: (...args) => tool('persistence.TxnLogToolkit', ...args),
    startAndSnapshot: (dataDir) => startAndSnapshot(startStandalone, dataDir),
  }
}

/**
 * A server starts on a copy of the directory: it loads snapshot and logs, and writes a snapshot of the state before it serves. Its files are
 * links: it changes none of them.
 */
async function startAndSnapshot(startStandalone, source) {
  const directory = `${source}.server`
  rmSync(directory, { recursive: true, force: true })
  linkTree(source, directory)
  const before = newestSnapshot(directory)
  const started = process.hrtime.bigint()
  const starting = startStandalone({ version: peerVersion, dataDir: directory, heapMb })
  const server = await starting
  const wallMs = Number(process.hrtime.bigint() - started) / 1e6
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  const [user, system] = readFileSync(`/proc/${server.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
    .map(Number)
  const sample = { wallMs, cpuMs: (user + system) * 10, peakMb: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024, stdout: '' }
  const written = newestSnapshot(directory)
  if (written === before) throw new Error('the server wrote no snapshot')
  await server.kill()
  await sleep(50)
  const bytes = statSync(join(directory, 'version-2', written)).size
  rmSync(directory, { recursive: true, force: true })
  return { ...sample, snapshot: written, bytes }
}

function newestSnapshot(directory) {
  const zxid = (name) => BigInt(`0x${name.slice('snapshot.'.length)}`)
  return readdirSync(join(directory, 'version-2'))
    .filter((name) => name.startsWith('snapshot.'))
    .sort((a, b) => (zxid(a) < zxid(b) ? -1 : 1))
    .at(-1)
}

/** The same files under other names; copies where they lie on another file system. */
export function linkTree(from, to) {
  mkdirSync(join(to, 'version-2'), { recursive: true })
  for (const name of readdirSync(join(from, 'version-2'))) linkFile(join(from, 'version-2', name), join(to, 'version-2', name))
}

export function linkFile(from, to) {
  try {
    linkSync(from, to)
  } catch (error) {
    if (error.code !== 'EXDEV' && error.code !== 'EPERM') throw error
    copyFileSync(from, to)
  }
}
