/** Apache ZooKeeper's own tools and server, of one version, as command lines. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const peerVersion = '3.8.4'

/** Heap of the tools and of the server: above what they need, so that no figure is one of garbage collection under pressure. */
const heapMb = 6000
const servingTimeoutNs = 600_000_000_000n

export async function loadPeers() {
  const { ensureZooKeeper } = await import('../../.build/testbed/jars.js')
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
    startAndSnapshot: (dataDir) => startAndSnapshot(jars.classPath.join(':'), dataDir),
  }
}

/**
 * A server starts on a copy of the directory: it loads snapshot and logs, and writes a snapshot of the state before it serves. Its files are
 * links: it changes none of them. Measured until it answers.
 */
async function startAndSnapshot(classPath, source) {
  const directory = `${source}.server`
  rmSync(directory, { recursive: true, force: true })
  linkTree(source, directory)
  const before = newestSnapshot(directory)
  const port = await freePort()
  const config = join(directory, 'zoo.cfg')
  writeFileSync(
    config,
    `dataDir=${directory}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n`,
  )
  const started = process.hrtime.bigint()
  const args = [`-Xmx${heapMb}m`, '-Dzooark.log.level=WARN', '-cp', classPath, 'org.apache.zookeeper.server.ZooKeeperServerMain', config]
  const server = spawn('java', args, { stdio: 'ignore' })
  const isGone = new Promise((resolve) => server.once('exit', resolve).once('error', resolve))
  try {
    while (!(await answers(port))) {
      if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`)
      if (process.hrtime.bigint() - started > servingTimeoutNs) throw new Error('the server does not serve')
      await sleep(20)
    }
    const wallMs = Number(process.hrtime.bigint() - started) / 1e6
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    const [user, system] = readFileSync(`/proc/${server.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13)
      .map(Number)
    const written = newestSnapshot(directory)
    if (written === before) throw new Error('the server wrote no snapshot')
    return {
      wallMs,
      // Clock ticks are hundredths of a second on Linux.
      cpuMs: (user + system) * 10,
      peakMb: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024,
      stdout: '',
      bytes: statSync(join(directory, 'version-2', written)).size,
    }
  } finally {
    server.kill('SIGKILL')
    await isGone
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Whether the server answers the command `srvr` as one that serves. */
async function answers(port) {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(1000, () => socket.destroy())
  socket.once('connect', () => socket.write('srvr'))
  let text = ''
  try {
    for await (const bytes of socket) text += bytes
  } catch {
    // Nobody listens yet.
    return false
  }
  return text.includes('Zxid')
}

async function freePort() {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address()
  holder.close()
  await once(holder, 'close')
  return port
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
