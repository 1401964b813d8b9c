/**
 * Kill -9 at random moments of `zooark backup` and `zooark restore`, while a writer appends to the source. docs/guide/crash-safety.md says what is
 * promised; this says whether it is kept.
 *
 *     node test/acceptance/kill-backup-restore.mjs [--kills 200] [--seed N] [--znodes 5000] [--checkout DIR] [--keep]
 *
 * Half of the kills meet a backup, half a restore. Each falls uniformly into the measured time of an undisturbed run. After each:
 * `verify --level replay` is clean, everything that an earlier run reported as `last` can still be restored, no target is half-written, the next run
 * succeeds and removes what was left. In the end every root that a restore reported is compared with a replay of the source's own files.
 * Exits with 1 and the seed at the first broken promise.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRandom } from './seeded-random.mjs'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    znodes: { type: 'string', default: '5000' },
    checkout: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
    keep: { type: 'boolean', default: false },
  },
})
const checkout = resolve(values.checkout)
const bin = join(checkout, 'bin', 'zooark.mjs')
const seed = Number(values.seed)
const random = seededRandom(seed)
const work = await mkdtemp(join(tmpdir(), 'zooark-kill-'))
const data = join(work, 'data')
/** Rounds on one repository: `verify` proves every point of it each time, and each round adds two. */
const roundsPerRepository = 15
let repo = join(work, 'repo-0')

/** What earlier runs reported: it must stay restorable. */
const acknowledged = new Map()
/** Roots that restores reported or left, by zxid: compared with the source's files in the end. */
const roots = []
const figures = {
  backupsKilled: 0,
  backupsFinished: 0,
  firstBackupsKilled: 0,
  backupsCommittedUnseen: 0,
  restoresKilled: 0,
  restoresFinished: 0,
  targetsAbsent: 0,
  targetsEmpty: 0,
  targetsWholeAfterKill: 0,
  leftoversRemoved: 0,
  verified: 0,
}

function killed() {
  return figures.backupsKilled + figures.firstBackupsKilled + figures.restoresKilled
}

function fail(what) {
  throw new Error(`${what}\nseed ${seed}; the files are in ${work}`)
}

/** Runs the CLI; with `killAfterMs` it gets SIGKILL then, unless it ends before. */
function run(args, killAfterMs) {
  return new Promise((done, reject) => {
    const startedMs = performance.now()
    const child = spawn(process.execPath, [bin, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      done({ code, signal, stdout, stderr, tookMs: performance.now() - startedMs })
    })
  })
}

/** The last line is the document; lines before it are of --json streams. */
function documentOf(outcome) {
  try {
    return JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1))
  } catch {
    return fail(`no JSON: exit ${outcome.code}, ${outcome.stdout.slice(-500)} ${outcome.stderr}`)
  }
}

async function runToEnd(args) {
  const outcome = await run(args)
  if (outcome.code !== 0) fail(`zooark ${args.join(' ')} exits with ${outcome.code}: ${outcome.stdout.slice(-800)} ${outcome.stderr}`)
  return { report: documentOf(outcome), tookMs: outcome.tookMs }
}

const backUpArgs = (to) => ['backup', '--from', `file:${data}`, '--repo', to]

function acknowledge(to, report) {
  if (report.gaps.length > 0) fail(`a backup recorded a gap where nothing was purged: ${JSON.stringify(report.gaps)}`)
  acknowledged.set(to, { first: report.first, last: report.last })
}

/** Everything acknowledged can still be restored, and the repository is whole at replay level. */
async function checkRepository(to) {
  const known = acknowledged.get(to)
  const outcome = await run(['status', '--repo', to])
  if (known === undefined && outcome.code === 10) return 'absent'
  const status = documentOf(outcome)
  if (outcome.code !== 0 && !(known === undefined && status.intervals?.length === 0))
    fail(`status exits with ${outcome.code}: ${outcome.stdout}`)
  if (known !== undefined) {
    const holds = status.intervals.some(({ first, last }) => BigInt(first) <= BigInt(known.first) && BigInt(last) >= BigInt(known.last))
    if (!holds || status.gaps.length > 0)
      fail(`acknowledged ${known.first} to ${known.last}, restorable now: ${JSON.stringify(status.intervals)}`)
    if (status.intervals.some(({ last }) => BigInt(last) > BigInt(known.last))) figures.backupsCommittedUnseen++
  }
  const { report } = await runToEnd(['verify', '--repo', to, '--level', 'replay'])
  if (report.ok !== true || report.findings.length > 0) fail(`not whole: ${JSON.stringify(report.findings)}`)
  figures.verified++
  return 'present'
}

/** Leaves the repository and begins another. */
async function startRepository(round) {
  await rm(repo, { recursive: true })
  acknowledged.delete(repo)
  repo = join(work, `repo-${round}`)
  acknowledge(repo, (await runToEnd(backUpArgs(repo))).report)
}

class Average {
  #ms
  constructor(ms) {
    this.#ms = ms
  }
  add(ms) {
    this.#ms = this.#ms * 0.7 + ms * 0.3
  }
  /** A moment of a run, uniformly. */
  moment() {
    return random() * this.#ms
  }
  get ms() {
    return this.#ms
  }
}

async function killBackup(round, times) {
  const isFirst = round % 5 === 4
  const to = isFirst ? join(work, `first-${round}`) : repo
  const time = isFirst ? times.firstBackup : times.backup
  const outcome = await run(backUpArgs(to), time.moment())
  if (outcome.signal === 'SIGKILL') figures[isFirst ? 'firstBackupsKilled' : 'backupsKilled']++
  else if (outcome.code === 0) {
    figures.backupsFinished++
    acknowledge(to, documentOf(outcome))
  } else fail(`a backup that nobody killed exits with ${outcome.code}: ${outcome.stdout} ${outcome.stderr}`)
  await checkRepository(to)
  const next = await runToEnd(backUpArgs(to))
  acknowledge(to, next.report)
  time.add(next.tookMs)
  if (isFirst) {
    await checkRepository(to)
    await rm(to, { recursive: true })
  }
}

const restoreKinds = [['--exact'], [], ['--servers', '1,2,3']]

async function killRestore(round, times, readRoot) {
  const known = acknowledged.get(repo)
  const span = BigInt(known.last) - BigInt(known.first)
  const at = `0x${(BigInt(known.first) + BigInt(Math.floor(random() * (Number(span) + 1)))).toString(16)}`
  // Zxids of the first epoch follow its beginning: what lies between 0x0 and that is no txn.
  const point = BigInt(at) <= 0x1_0000_0000n ? known.last : at
  const place = join(work, 'targets')
  await rm(place, { recursive: true, force: true })
  const to = join(place, 'out')
  const target = round % 2 === 0 ? 'absent' : 'empty'
  await mkdir(target === 'empty' ? to : place, { recursive: true })
  const kind = restoreKinds[round % restoreKinds.length]
  const args = ['restore', '--repo', repo, '--at', point, '--to', `file:${to}`, '--yes', ...kind]
  const outcome = await run(args, times.restore.moment())
  if (outcome.signal === 'SIGKILL') figures.restoresKilled++
  else if (outcome.code === 0) figures.restoresFinished++
  else fail(`a restore that nobody killed exits with ${outcome.code}: ${outcome.stdout} ${outcome.stderr}`)
  const files = existsSync(to) ? await readdir(to) : undefined
  const left = (await readdir(place)).filter((name) => name !== 'out')
  if (files === undefined || files.length === 0) {
    if (outcome.code === 0) fail('a restore that succeeded left no target')
    if ((files === undefined) !== (target === 'absent')) fail(`the target was ${target} and is not any more`)
    figures[files === undefined ? 'targetsAbsent' : 'targetsEmpty']++
  } else {
    if (outcome.signal === 'SIGKILL') figures.targetsWholeAfterKill++
    await checkWhole(to, kind, point, readRoot)
    await rm(to, { recursive: true })
  }
  const next = await runToEnd(args)
  times.restore.add(next.tookMs)
  const after = await readdir(place)
  if (after.join() !== 'out') fail(`after the next restore there are ${after.join(', ')}`)
  figures.leftoversRemoved += left.length
  await checkWhole(to, kind, point, readRoot)
  if (kind[0] === '--exact') roots.push({ zxid: point, root: next.report.root })
  await checkRepository(repo)
}

/** Every directory of a target holds one snapshot that its own checks accept, both epoch files, myid where it belongs, and nothing else. */
async function checkWhole(to, kind, point, readRoot) {
  const names = kind[0] === '--servers' ? ['server-1', 'server-2', 'server-3'] : ['']
  if (kind[0] === '--servers' && (await readdir(to)).toSorted().join() !== names.join()) fail(`half-written: ${to}`)
  const found = new Set()
  for (const name of names) {
    const files = (await readdir(join(to, name), { recursive: true })).toSorted()
    const expected = [...(name === '' ? [] : ['myid']), 'version-2', 'version-2/acceptedEpoch', 'version-2/currentEpoch']
    const snapshots = files.filter((file) => file.startsWith('version-2/snapshot.'))
    if (snapshots.length !== 1 || files.filter((file) => !file.includes('snapshot.')).join() !== expected.join())
      fail(`half-written: ${files}`)
    found.add(await readRoot(join(to, name, snapshots[0])))
  }
  if (found.size !== 1) fail('the servers of one restore have different states')
  if (kind[0] === '--exact') roots.push({ zxid: point, root: [...found][0] })
}

/** Reads states with the code of the checkout, but past the repository: from files alone. */
async function fileReader() {
  const load = (path) => import(pathToFileURL(join(checkout, 'dist', path)).href)
  const { loadSnapshotTree } = await load('replay/load-snapshot-tree.js')
  const { openDataDirectory } = await load('source/data-directory.js')
  const { replayFiles } = await load('source/replay-files.js')
  const { hashOnlySink } = await load('archive/state-ref.js')
  const { writeState } = await load('archive/write-state.js')
  const rootOf = async (tree) => Buffer.from((await writeState(hashOnlySink, tree)).stateRoot).toString('hex')
  return {
    readRoot: async (file) => rootOf((await loadSnapshotTree(file)).tree),
    rootOfSource: async (zxid) => {
      const directory = await openDataDirectory(data)
      try {
        return await rootOf((await replayFiles(directory, BigInt(zxid))).tree)
      } finally {
        await directory.close()
      }
    },
  }
}

async function startWriter() {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'write-history.mjs')
  const writer = spawn(process.execPath, [script, checkout, data, String(seed), values.znodes], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise((done) => writer.on('close', done))
  await Promise.race([
    new Promise((done) => writer.stdout.once('data', done)),
    exited.then((code) => fail(`the writer ended with ${code}`)),
  ])
  return {
    async stop() {
      writer.stdin.end()
      const code = await exited
      if (code !== 0) fail(`the writer ended with ${code}`)
    },
    kill: () => writer.kill('SIGKILL'),
  }
}

console.log(`seed ${seed}`)
const writer = await startWriter()
try {
  const { readRoot, rootOfSource } = await fileReader()
  const first = await runToEnd(backUpArgs(repo))
  acknowledge(repo, first.report)
  const second = await runToEnd(backUpArgs(repo))
  acknowledge(repo, second.report)
  const restored = await runToEnd(['restore', '--repo', repo, '--at', 'latest', '--to', `file:${join(work, 'measured')}`, '--yes'])
  const times = {
    firstBackup: new Average(first.tookMs),
    backup: new Average(second.tookMs),
    restore: new Average(restored.tookMs),
  }
  const kills = Number(values.kills)
  // A run that ended before its moment was not killed and does not count.
  for (let round = 0; killed() < kills; round++) {
    if (round > 0 && round % roundsPerRepository === 0) await startRepository(round)
    await killBackup(round, times)
    await killRestore(round, times, readRoot)
    if (round % 10 === 9) console.log(`${killed()} kills: ${JSON.stringify(figures)}`)
  }
  await writer.stop()
  for (const { zxid, root } of roots)
    if ((await rootOfSource(zxid)) !== root) fail(`the state restored at ${zxid} is not that of the source`)
  const { report } = await runToEnd(['verify', '--repo', repo, '--level', 'replay'])
  console.log(
    JSON.stringify({
      seed,
      ...figures,
      rootsEqual: roots.length,
      txns: report.txns,
      commits: report.commits,
      runMs: { firstBackup: Math.round(times.firstBackup.ms), backup: Math.round(times.backup.ms), restore: Math.round(times.restore.ms) },
    }),
  )
  if (!values.keep) await rm(work, { recursive: true })
} catch (error) {
  writer.kill()
  console.error(error)
  process.exitCode = 1
}
