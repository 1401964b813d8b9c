/**
 * The rows of the contract, in its order. A row measures and returns lines; a line is one comparison with its must and its goal.
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
const ratio = ({ ours, peer }) => peer.wallMs / ours.wallMs
const fresh = (path) => {
  rmSync(path, { recursive: true, force: true })
  return path
}

/** @param {object} bench data, peers, nodes, rounds. @returns {Record<string, () => Promise<Line[]>>} */
export function makeRows({ data, peers, node, nativeNode, rounds }) {
  const { scratch } = data
  mkdirSync(scratch, { recursive: true })

  const versus = async (job, peer, ours, theirs, must, goal, note) => {
    const turns = await takeTurns(
      () => measure(ours),
      () => measure(theirs),
      rounds.long,
    )
    return {
      line: { job, peer, ours: turns.ours, theirs: turns.peer, value: ratio(turns), unit: 'x', better: 'more', must, goal, note },
      turns,
    }
  }

  return {
    'verify-snapshot': async () => {
      const { line, turns } = await versus(
        'verify a snapshot: every checksum, every record, counted',
        'SnapshotFormatter -json',
        zooark(node, 'inspect', data.snapshot),
        peers.formatter('-json', data.snapshot),
        10,
        25,
      )
      const memory = turns.peer.peakMb / turns.ours.peakMb
      return [line, { job: 'the same, peak memory', peer: 'SnapshotFormatter -json', value: memory, unit: 'x', better: 'more', must: 2 }]
    },
    'dump-snapshot': async () => [
      (
        await versus(
          'dump a snapshot: path, stat and data (base64) of every znode',
          'SnapshotFormatter -d',
          zooark(node, 'inspect', data.snapshot, '--records'),
          peers.formatter('-d', data.snapshot),
          7,
          12,
          'text; ours has the ACL of each znode besides',
        )
      ).line,
    ],
    'verify-log': async () => {
      const copy = join(fresh(join(scratch, 'log')), data.log.split('/').at(-1))
      mkdirSync(join(scratch, 'log'))
      linkFile(data.log, copy)
      const theirs = async () => {
        for (const name of readdirSync(join(scratch, 'log'))) if (name.endsWith('.fixed')) rmSync(join(scratch, 'log', name))
        return await measure(peers.logToolkit('-r', '-y', copy))
      }
      const turns = await takeTurns(() => measure(zooark(node, 'inspect', data.log)), theirs, rounds.long)
      fresh(join(scratch, 'log'))
      const sides = { ours: turns.ours, theirs: turns.peer }
      const note = 'the peer writes a repaired copy besides; ours reads the padding besides'
      return [
        {
          job: 'verify every checksum of a txn log',
          peer: 'TxnLogToolkit -r -y',
          ...sides,
          value: ratio(turns),
          unit: 'x',
          better: 'more',
          must: 18,
          goal: 60,
          note,
        },
      ]
    },
    'dump-log': async () => [
      (
        await versus(
          'dump a txn log: header and record of every txn',
          'TxnLogToolkit',
          zooark(node, 'inspect', data.log, '--records'),
          peers.logToolkit(data.log),
          6,
          12,
          'text; data as base64 on both sides, ours has the ACL and the digest in full besides',
        )
      ).line,
    ],
    rebuild: async () => [
      await rebuild('snapshot + logs to a new sealed snapshot, many changes', data.big, 4, 8),
      await rebuild('the same, 1% of the znodes changed', data.few, 7, 12),
    ],
    backup: async () => await backup(),
    again: async () => await again(),
    memory: async () => {
      const { stdout } = await measure([node, '--expose-gc', entry('memory.mjs'), data.snapshot], { stdout: 'keep' })
      const { znodes, rawBytes, heldBytes } = JSON.parse(stdout)
      const value = (heldBytes - rawBytes) / znodes
      return [
        { job: 'memory of a loaded tree per znode, over the raw bytes', peer: '–', value, unit: 'B', better: 'less', must: 100, goal: 32 },
      ]
    },
    fifty: async () => {
      const turns = await takeTurns(
        () => measure(zooark(node, 'inspect', data.fifty)),
        () => measure(peers.formatter('-json', data.fifty)),
        rounds.short,
      )
      const sides = { ours: turns.ours, theirs: turns.peer }
      const job = `${data.counts.fifty.toLocaleString('en')} znodes, whole process`
      return [{ job, peer: 'SnapshotFormatter -json', ...sides, value: ratio(turns), unit: 'x', better: 'more', must: 3, goal: 6 }]
    },
    start: async () => {
      const turns = await takeTurns(
        () => measure(zooark(node, '--version')),
        () => measure([node, '-e', '0']),
        rounds.tiny,
      )
      const value = turns.ours.wallMs - turns.peer.wallMs
      const sides = { ours: turns.ours, theirs: turns.peer }
      return [
        {
          job: '`zooark --version`, time over the peer',
          peer: '`node -e 0`',
          ...sides,
          value,
          unit: 'ms',
          better: 'less',
          must: 80,
          goal: 30,
        },
      ]
    },
  }

  async function rebuild(job, directory, must, goal) {
    const to = join(scratch, 'rebuilt')
    let written
    const ours = async () => {
      const sample = await measure([node, entry('rebuild.mjs'), directory, 'latest', fresh(to)], { stdout: 'keep' })
      written = JSON.parse(sample.stdout)
      return sample
    }
    let theirs
    const peer = async () => (theirs = await peers.startAndSnapshot(directory))
    const turns = await takeTurns(ours, peer, rounds.server)
    fresh(to)
    const sameBytes = written.snapshotBytes === theirs.bytes
    return {
      job,
      peer: 'server start + its snapshot',
      ours: turns.ours,
      theirs: turns.peer,
      value: ratio(turns),
      unit: 'x',
      better: 'more',
      must,
      goal,
      note: `${written.znodes.toLocaleString('en')} znodes, ${written.consistency}; ${sameBytes ? 'both snapshots have the same length' : `lengths differ: ${written.snapshotBytes} and ${theirs.bytes}`}`,
    }
  }

  async function backup() {
    const lines = []
    const repository = join(scratch, 'repository')
    const archive = join(scratch, 'archive.tgz')
    for (const [program, name, must, goal] of [
      [nativeNode?.path, nativeNode?.version ?? 'Node 24', 8, 15],
      [node, process.version, undefined, undefined],
    ]) {
      if (program === undefined) {
        lines.push({
          job: `backup, ${name}`,
          peer: 'tar -czf',
          value: Number.NaN,
          unit: 'x',
          better: 'more',
          must,
          goal,
          note: 'no such Node could be fetched',
        })
        continue
      }
      const turns = await takeTurns(
        () => measure(zooark(program, 'backup', '--from', `file:${data.first}`, '--repo', fresh(repository))),
        () => measure(['tar', '-czf', archive, '-C', data.first, '.']),
        rounds.long,
      )
      const sides = { ours: turns.ours, theirs: turns.peer }
      const [stored, packed] = [sizeOfTree(repository), statSync(archive).size]
      lines.push({ job: `backup, ${name}`, peer: 'tar -czf', ...sides, value: ratio(turns), unit: 'x', better: 'more', must, goal })
      const smaller = 100 * (1 - stored / packed)
      const note = `${mega(stored)} against ${mega(packed)}`
      lines.push({ job: 'the same, smaller by', peer: 'tar -czf', value: smaller, unit: '%', better: 'more', must: 30, goal: 40, note })
    }
    fresh(repository)
    rmSync(archive, { force: true })
    return lines
  }

  async function again() {
    const program = nativeNode?.path ?? node
    const repository = fresh(join(scratch, 'repository'))
    await measure(zooark(program, 'backup', '--from', `file:${data.first}`, '--repo', repository))
    const firstBytes = sizeOfTree(repository)
    const second = await measure(zooark(program, 'backup', '--from', `file:${data.second}`, '--repo', repository))
    const storedBytes = sizeOfTree(repository) - firstBytes
    const samples = []
    for (let i = 0; i < rounds.short.ours; i++) samples.push(await measure([program, entry('diff.mjs'), repository], { stdout: 'keep' }))
    const diff = JSON.parse(median(samples).stdout)
    const total = sizeOfTree(repository)
    fresh(repository)
    const share = (100 * storedBytes) / firstBytes
    const readShare = (100 * diff.readBytes) / total
    return [
      {
        job: 'second backup, 100 znodes changed, stored bytes',
        peer: 'the first backup',
        ours: second,
        value: share,
        unit: '%',
        better: 'less',
        must: 1,
        goal: 0.5,
        note: `${mega(storedBytes)} of ${mega(firstBytes)}`,
      },
      {
        job: 'diff of the two points, repository just opened',
        peer: '–',
        value: diff.newRepositoryMs,
        unit: 'ms',
        better: 'less',
        must: 150,
        goal: 30,
        note: `${diff.changes} differences; ${diff.coldMs.toFixed(0)} ms the first time in a process, ${diff.warmMs.toFixed(0)} ms when asked again`,
      },
      {
        job: 'the same, bytes read of those stored',
        peer: '–',
        value: readShare,
        unit: '%',
        better: 'less',
        must: 2,
        note: mega(diff.readBytes),
      },
    ]
  }
}

export function mega(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function sizeOfTree(directory) {
  if (!existsSync(directory)) return 0
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}
