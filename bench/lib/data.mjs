/**
 * The directories that the rows read, made where they are missing:
 *
 *   big       one snapshot of 1,000,000 znodes and a log of 2,000,000 txns, by a real server (data/make-big.mjs); ZOOARK_BENCH_DATA names one made before
 *   first     the same snapshot and a log of one txn
 *   second    the same snapshot and log, and 100 more txns on 100 znodes
 *   few       the same snapshot and a log of 10,000 txns on 10,000 znodes, 1% of them
 *   fifty     a snapshot of the first 50,000 znodes
 *
 * With --small everything is a fiftieth of that, and no server is needed to make it. Derived directories hold links to big's snapshot.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSnapshot } from '../../dist/formats/snapshot-reader.js'
import { writeSnapshot } from '../../dist/formats/snapshot-writer.js'
import { decodeNodeRecord } from '../../dist/model/node-record.js'
import { SampleServer } from '../../dist/source/sample-server.js'
import { linkFile } from './peers.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const session = 0x1000_0000_0001n
const dayOne = Date.UTC(2026, 0, 1)

export const sizes = {
  full: { znodes: 1_000_000, txns: 2_000_000, few: 10_000, fifty: 50_000 },
  small: { znodes: 20_000, txns: 40_000, few: 200, fifty: 5_000 },
}

/** @param {'full' | 'small'} size */
export async function prepareData(size) {
  const counts = sizes[size]
  const directory = join(root, 'bench/.data')
  const big = size === 'full' ? resolve(process.env.ZOOARK_BENCH_DATA ?? join(directory, 'big')) : join(directory, 'small')
  if (!existsSync(big)) {
    if (size === 'small') await makeSmall(big, counts)
    else execFileSync(process.execPath, [join(root, 'bench/data/make-big.mjs'), big], { stdio: ['ignore', 2, 2] })
  }
  const snapshot = only(big, 'snapshot.')
  const log = only(big, 'log.')
  const derived = join(directory, `${size}-derived-${statSync(snapshot).size}`)
  const make = async (name, fill) => {
    const path = join(derived, name)
    if (existsSync(path)) return path
    const draft = `${path}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(join(draft, 'version-2'), { recursive: true })
    await fill(draft)
    renameSync(draft, path)
    return path
  }
  const withSets =
    (...parts) =>
    async (draft) => {
      linkFile(snapshot, join(draft, 'version-2', snapshot.split('/').at(-1)))
      await writeSets(draft, snapshot, counts.znodes, parts)
    }
  return {
    counts,
    big,
    snapshot,
    log,
    first: await make('first', withSets(1)),
    second: await make('second', withSets(1, 100)),
    few: await make('few', withSets(counts.few)),
    fifty: only(await make('fifty', (draft) => cutSnapshot(snapshot, join(draft, 'version-2'), counts.fifty)), 'snapshot.'),
    scratch: join(directory, 'scratch'),
  }
}

function only(directory, prefix) {
  const names = readdirSync(join(directory, 'version-2')).filter((name) => name.startsWith(prefix))
  if (names.length !== 1) throw new Error(`${directory} holds ${names.length} files ${prefix}*, not one`)
  return join(directory, 'version-2', names[0])
}

/** One setData for each of so many znodes, spread evenly over the tree; the parts are offset, so that no znode is set twice. */
async function writeSets(directory, snapshot, znodes, parts) {
  const server = await SampleServer.open(directory, { timeMs: dayOne, epoch: 'same' })
  for (const [i, count] of parts.entries()) {
    const paths = await samplePaths(snapshot, Math.floor((znodes * 0.9) / count), 100 + 7 * i, count)
    for (const path of paths) await server.setData(path, `{"revision":${i},"path":"${path}","changed":true}`, session)
  }
  await server.close()
}

async function samplePaths(snapshot, step, first, count) {
  const paths = []
  let at = 0
  await readSnapshot(snapshot, {
    records: (window, starts, n) => {
      for (let i = 0; i < n; i++, at++) {
        if (at < first || (at - first) % step !== 0 || paths.length === count) continue
        paths.push(new TextDecoder().decode(decodeNodeRecord(window, starts[i], starts[i + 1]).path))
      }
    },
  })
  return paths
}

/** The first znodes of a snapshot in file order, where parents come before children, as a snapshot of their own. */
async function cutSnapshot(from, directory, znodes) {
  const acls = []
  const pieces = []
  let left = znodes
  await readSnapshot(from, {
    acl: (hi, lo, bytes, start, end) => acls.push({ key: (BigInt(hi) << 32n) | BigInt(lo >>> 0), bytes: bytes.slice(start, end) }),
    records: (window, starts, count) => {
      const n = Math.min(left, count)
      if (n > 0) pieces.push(window.slice(starts[0], starts[n]))
      left -= n
    },
  })
  let next = 0
  const records = {
    window: new Uint8Array(0),
    start: 0,
    end: 0,
    next() {
      if (next === pieces.length) return false
      this.window = pieces[next++]
      this.end = this.window.length
      return true
    },
  }
  await writeSnapshot(join(directory, from.split('/').at(-1)), { sessions: [], acls, records }, { fsync: 'never' })
}

/** A small data directory of the same mix, by our own sample server. */
async function makeSmall(directory, { znodes, txns }) {
  const draft = `${directory}.draft`
  rmSync(draft, { recursive: true, force: true })
  const before = await SampleServer.create(draft, { timeMs: dayOne })
  let seed = 1
  const random = (below) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % below
  const value = () =>
    `{"host":"10.0.${random(256)}.${random(256)}","port":${random(65536)},"weight":${random(100)},"id":"${random(2 ** 31)}"}`
  const parents = 200
  for (let i = 0; i < parents; i++) await before.create(`/app-${i}`, '', session)
  for (let i = 0; i < znodes - parents; i++) await before.create(`/app-${i % parents}/node-${i}`, value(), session)
  await before.snapshot()
  await before.close()
  const oldest = readdirSync(join(draft, 'version-2')).filter((name) => name === 'snapshot.0' || name.startsWith('log.'))
  for (const name of oldest) rmSync(join(draft, 'version-2', name))
  const after = await SampleServer.open(draft, { timeMs: dayOne + 86_400_000, epoch: 'same' })
  for (let i = 0; i < txns / 2; i++) {
    await after.create(`/app-${i % parents}/more-${i}`, value(), session)
    await after.setData(`/app-${(i * 7) % parents}`, value(), session)
  }
  await after.close()
  renameSync(draft, directory)
}
