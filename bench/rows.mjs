/**
 * The rows of the contract, in its order. A row measures and returns lines; a line is one figure with its must and its goal.
 *
 * @typedef {import('./lib/measure.mjs').Sample} Sample
 * @typedef {{ job: string, peer: string, ours?: Sample, theirs?: Sample, value: number, unit: 'x' | '%' | 'ms' | 'B' | 'MB',
 *   better: 'more' | 'less', must?: number, goal?: number, note?: string }} Line
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkFile } from './lib/peers.mjs'
import { measure, median, takeTurns } from './lib/measure.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'bin/zooark.mjs')
const entry = (name) => join(root, 'bench/entries', name)
const zooark = (node, ...args) => [node, bin, ...args]

/** @param {object} bench data, peers, node, nativeNode, rounds. @returns {Record<string, () => Promise<Line[]>>} */
export function makeRows(bench) {
  mkdirSync(bench.data.scratch, { recursive: true })
  const rows = {
    'verify-snapshot': verifySnapshot,
    'dump-snapshot': dumpSnapshot,
    'verify-log': verifyLog,
    'dump-log': dumpLog,
    rebuild,
    backup,
    again,
    memory,
    fifty,
    start,
  }
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, () => row(bench)]))
}

async function verifySnapshot({ data, peers, node, rounds }) {
  const turns = await takeTurns(
    () => measure(zooark(node, 'inspect', data.snapshot)),
    () => measure(peers.formatter('-json', data.snapshot)),
    rounds.long,
  )
  const peer = 'SnapshotFormatter -json'
  const memory = turns.peer.peakMb / turns.ours.peakMb
  return [
    faster('verify a snapshot: every checksum, every record, counted', peer, turns, [10, 25]),
    { job: 'the same, peak memory', peer, value: memory, unit: 'x', better: 'more', must: 2 },
  ]
}

async function dumpSnapshot({ data, peers, node, rounds }) {
  const turns = await takeTurns(
    () => measure(zooark(node, 'inspect', data.snapshot, '--records')),
    () => measure(peers.formatter('-d', data.snapshot)),
    rounds.long,
  )
  const note = 'text; ours has the ACL of each znode besides'
  return [faster('dump a snapshot: path, stat and data (base64) of every znode', 'SnapshotFormatter -d', turns, [7, 12], note)]
}

async function verifyLog({ data, peers, node, rounds }) {
  const directory = fresh(join(data.scratch, 'log'))
  const copy = join(directory, data.log.split('/').at(-1))
  mkdirSync(directory)
  linkFile(data.log, copy)
  const theirs = async () => {
    for (const name of readdirSync(directory)) if (name.endsWith('.fixed')) rmSync(join(directory, name))
    return await measure(peers.logToolkit('-r', '-y', copy))
  }
  const turns = await takeTurns(() => measure(zooark(node, 'inspect', data.log)), theirs, rounds.long)
  fresh(directory)
  const note = 'the peer writes a copy besides, which cannot be turned off; ours reads the padding besides'
  return [faster('verify every checksum of a txn log', 'TxnLogToolkit -r -y', turns, [18, 60], note)]
}

async function dumpLog({ data, peers, node, rounds }) {
  const turns = await takeTurns(
    () => measure(zooark(node, 'inspect', data.log, '--records')),
    () => measure(peers.logToolkit(data.log)),
    rounds.long,
  )
  const note = 'text; data as base64 on both sides, ours has ACL and digest besides'
  return [faster('dump a txn log: header and record of every txn', 'TxnLogToolkit', turns, [6, 12], note)]
}

async function rebuild(bench) {
  return [
    await rebuildFrom(bench, 'snapshot + logs to a new sealed snapshot, many changes', bench.data.big, [4, 8]),
    await rebuildFrom(bench, 'the same, 1% of the znodes changed', bench.data.few, [7, 12]),
  ]
}

async function rebuildFrom({ data, peers, node, rounds }, job, directory, bounds) {
  const to = join(data.scratch, 'rebuilt')
  let written
  let theirs
  const turns = await takeTurns(
    async () => {
      const sample = await measure([node, entry('rebuild.mjs'), directory, 'latest', fresh(to)], { stdout: 'keep' })
      written = JSON.parse(sample.stdout)
      return sample
    },
    async () => (theirs = await peers.startAndSnapshot(directory)),
    rounds.server,
  )
  fresh(to)
  const lengths =
    written.snapshotBytes === theirs.bytes
      ? 'both snapshots have the same length'
      : `lengths differ: ${written.snapshotBytes} and ${theirs.bytes}`
  const note = `${written.znodes.toLocaleString('en')} znodes, ${written.consistency}; ${lengths}`
  return faster(job, 'server start + its snapshot', turns, bounds, note)
}

async function backup(bench) {
  const { nativeNode, node } = bench
  const native =
    nativeNode === undefined
      ? [{ job: 'backup, Node 24', peer: 'tar -czf', value: Number.NaN, unit: 'x', better: 'more', note: 'no such Node could be fetched' }]
      : await backupWith(bench, nativeNode.path, nativeNode.version, [8, 15])
  return nativeNode?.path === node ? native : [...native, ...(await backupWith(bench, node, `Node ${process.versions.node}`, []))]
}

async function backupWith({ data, rounds }, program, version, bounds) {
  const repository = join(data.scratch, 'repository')
  const archive = join(data.scratch, 'archive.tgz')
  const turns = await takeTurns(
    () => measure(zooark(program, 'backup', '--from', `file:${data.first}`, '--repo', fresh(repository))),
    () => measure(['tar', '-czf', archive, '-C', data.first, '.']),
    rounds.long,
  )
  const [stored, packed] = [sizeOfTree(repository), statSync(archive).size]
  fresh(repository)
  fresh(archive)
  const value = 100 * (1 - stored / packed)
  const note = `${mega(stored)} against ${mega(packed)}`
  const bound = bounds.length === 0 ? {} : { must: 30, goal: 40 }
  return [
    faster(`backup, ${version}`, 'tar -czf', turns, bounds),
    { job: 'the same, smaller by', peer: 'tar -czf', value, unit: '%', better: 'more', ...bound, note },
  ]
}

async function again({ data, node, nativeNode, rounds }) {
  const program = nativeNode?.path ?? node
  const repository = fresh(join(data.scratch, 'repository'))
  await measure(zooark(program, 'backup', '--from', `file:${data.first}`, '--repo', repository))
  const firstBytes = sizeOfTree(repository)
  const ours = await measure(zooark(program, 'backup', '--from', `file:${data.second}`, '--repo', repository))
  const total = sizeOfTree(repository)
  const samples = []
  for (let i = 0; i < rounds.short.ours; i++) samples.push(await measure([program, entry('diff.mjs'), repository], { stdout: 'keep' }))
  const diff = JSON.parse(median(samples).stdout)
  fresh(repository)
  const stored = {
    job: 'second backup, 100 znodes changed, stored bytes',
    peer: 'the first backup',
    ours,
    value: (100 * (total - firstBytes)) / firstBytes,
    unit: '%',
    better: 'less',
    must: 1,
    goal: 0.5,
    note: `${mega(total - firstBytes)} of ${mega(firstBytes)}`,
  }
  const time = {
    job: 'diff of the two points, repository just opened',
    peer: '–',
    value: diff.newRepositoryMs,
    unit: 'ms',
    better: 'less',
    must: 150,
    goal: 30,
    note: `${diff.changes} differences; ${diff.coldMs.toFixed(0)} ms the first time in a process, ${diff.warmMs.toFixed(0)} ms when asked again`,
  }
  const share = (100 * diff.readBytes) / total
  const job = 'the same, bytes read of those stored'
  return [stored, time, { job, peer: '–', value: share, unit: '%', better: 'less', must: 2, note: mega(diff.readBytes) }]
}

async function memory({ data, node }) {
  const { stdout } = await measure([node, '--expose-gc', entry('memory.mjs'), data.snapshot], { stdout: 'keep' })
  const { znodes, rawBytes, heldBytes } = JSON.parse(stdout)
  const value = (heldBytes - rawBytes) / znodes
  return [
    { job: 'memory of a loaded tree per znode, over the raw bytes', peer: '–', value, unit: 'B', better: 'less', must: 100, goal: 32 },
  ]
}

async function fifty({ data, peers, node, rounds }) {
  const turns = await takeTurns(
    () => measure(zooark(node, 'inspect', data.fifty)),
    () => measure(peers.formatter('-json', data.fifty)),
    rounds.short,
  )
  return [faster(`${data.counts.fifty.toLocaleString('en')} znodes, whole process`, 'SnapshotFormatter -json', turns, [3, 6])]
}

async function start({ node, rounds }) {
  const turns = await takeTurns(
    () => measure(zooark(node, '--version')),
    () => measure([node, '-e', '0']),
    rounds.tiny,
  )
  const value = turns.ours.wallMs - turns.peer.wallMs
  const sides = { ours: turns.ours, theirs: turns.peer }
  const job = '`zooark --version`, time over the peer'
  return [{ job, peer: '`node -e 0`', ...sides, value, unit: 'ms', better: 'less', must: 80, goal: 30 }]
}

/** A line about wall clock; bounds are must and goal. */
function faster(job, peer, turns, [must, goal], note) {
  const value = turns.peer.wallMs / turns.ours.wallMs
  return { job, peer, ours: turns.ours, theirs: turns.peer, value, unit: 'x', better: 'more', must, goal, note }
}

function fresh(path) {
  rmSync(path, { recursive: true, force: true })
  return path
}

function mega(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function sizeOfTree(directory) {
  if (!existsSync(directory)) return 0
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}
