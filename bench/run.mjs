/**
 * Measures ZooArk beside Apache's own tools on the same files in the same run, and writes bench/RESULTS.md.
 *
 *   npm run bench                       everything; half an hour, most of it the peers'
 *   npm run bench -- --small            a fiftieth of the data, one round: does the bench work? RESULTS.md stays as it is
 *   npm run bench -- --only fifty,start some rows; RESULTS.md stays as it is
 *   npm run bench -- --rounds 1 --pause 10   one round a side, 10 s between rows for other work of the machine
 *   npm run bench -- --huge             also ten million znodes (3 GB), which need 12 GB of disk
 *
 * ZOOARK_BENCH_DATA names a data directory made before by bench/data/make-big.mjs. Needs Java, GNU time, tar, and Maven for the first time.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { prepareData } from './lib/data.mjs'
import { loadPeers, peerVersion } from './lib/peers.mjs'
import { describeMachine, formatLine, markdownLine, tableHead, verdict } from './lib/report.mjs'
import { measureHuge } from './huge.mjs'
import { makeRows } from './rows.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    small: { type: 'boolean' },
    huge: { type: 'boolean' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    pause: { type: 'string' },
  },
})
const isWhole = options.small !== true && options.only === undefined
const say = (text) => process.stderr.write(`bench: ${text}\n`)

/** Node with zstd of its own, for the rows that need it: this one, or one fetched once. */
function findNativeNode() {
  const hasZstd = (path) => {
    const script = "process.exit(typeof require('zlib').zstdCompressSync === 'function' ? 0 : 1)"
    try {
      execFileSync(path, ['-e', script], { stdio: 'ignore' })
      return { path, version: `Node ${execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()}` }
    } catch {
      // It has none, or there is no such program.
      return undefined
    }
  }
  const prefix = join(root, 'node_modules/.cache/zooark/node24')
  const fetched = join(prefix, 'node_modules/node24/bin/node')
  const named = process.env.ZOOARK_BENCH_NODE24
  if (named === undefined && hasZstd(process.execPath) === undefined && !existsSync(fetched)) {
    say('fetching Node 24 …')
    const name = `node24@npm:node-${process.platform}-${process.arch}@24`
    try {
      execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix, name], { stdio: ['ignore', 2, 2] })
    } catch (error) {
      say(`it could not be fetched: ${error.message}`)
    }
  }
  return named === undefined ? (hasZstd(process.execPath) ?? hasZstd(fetched)) : hasZstd(named)
}

/** Started as `chrt -r 5 node bench/run.mjs`: on a machine that others use. */
function hasRealTimePriority() {
  try {
    return /SCHED_(RR|FIFO)/.test(execFileSync('chrt', ['-p', String(process.pid)], { encoding: 'utf8' }))
  } catch {
    // There is no chrt, hence nobody used it.
    return false
  }
}

const rounds = (n) => ({
  long: { ours: n, peer: n },
  server: { ours: n, peer: Math.min(n, 2) },
  short: { ours: 3 * n, peer: n },
  tiny: { ours: 7 * n, peer: 7 * n },
})

execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'test/real/testbed')], {
  stdio: ['ignore', 2, 2],
})
say('preparing the data …')
const data = await prepareData(options.small === true ? 'small' : 'full')
const nativeNode = findNativeNode()
const perRow = Number(options.rounds ?? (options.small === true ? 1 : 3))
const rows = makeRows({ data, peers: await loadPeers(), node: process.execPath, nativeNode, rounds: rounds(perRow) })
const wanted = options.only?.split(',') ?? Object.keys(rows)

const started = new Date()
const load = loadavg()[0].toFixed(1)
const lines = []
const take = (line) => {
  lines.push(line)
  console.log(formatLine(line))
}
for (const line of tableHead) console.log(line)
for (const name of wanted) {
  if (rows[name] === undefined) throw new Error(`there is no row ${name}; there are ${Object.keys(rows).join(', ')}`)
  say(`${name} …`)
  if (options.pause !== undefined) await sleep(1000 * Number(options.pause))
  for (const line of await rows[name]()) take(line)
}
if (options.huge === true) for (const line of await measureHuge({ data, node: process.execPath })) take(line)

if (options.small === true) console.log('\nSmall data: that the rows run is all this shows; the bounds are for a million znodes.')
const missed = lines.filter((line) => verdict(line) === 'MISSED')
console.log(
  `\n${lines.length} figures, ${missed.length} missed${missed.length === 0 ? '' : `: ${missed.map(({ job }) => job).join('; ')}`}`,
)
if (isWhole) {
  const head = [
    '# Results of the last run of the benchmark',
    '',
    `- When: ${started.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()}`,
    `- Command: \`npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}\``,
    `- Machine: ${describeMachine()}`,
    `- Node ${process.versions.node}${nativeNode === undefined ? '' : `, and ${nativeNode.version} where a row says so`}; Apache ZooKeeper ${peerVersion}; ${perRow === 1 ? 'one round' : `${perRow} rounds`} a side in turn${perRow === 1 ? '' : ', medians'}; whole processes, files in the page cache, output discarded`,
    `- Load of the machine when it began: ${load}${hasRealTimePriority() ? '; both sides ran with real-time priority, before everything else' : ''}`,
    '- Data: 1,000,004 znodes, a snapshot of 308 MB; a log of 2,000,217 txns, 604 MB (bench/data/make-big.mjs)',
    '',
  ]
  const notes = existsSync(join(root, 'bench/NOTES.md')) ? ['', readFileSync(join(root, 'bench/NOTES.md'), 'utf8').trim()] : []
  writeFileSync(join(root, 'bench/RESULTS.md'), [...head, ...tableHead, ...lines.map(markdownLine), ...notes, ''].join('\n'))
}
process.exit(0)
