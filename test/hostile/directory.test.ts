/**
 * The one promise that damage must not break: a state that is shown is the true one. Every variant of a damaged directory is backed up, replayed and
 * salvaged; each ends in a coded error, or in states that the whole directory has at the same zxid.
 * ZOOARK_LONG=1 tries 10,000 variants; ZOOARK_SEED repeats the choices of a run.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { writeSnapshot } from '../../src/formats/snapshot-writer.ts'
import { readTxnLog } from '../../src/formats/txn-log-reader.ts'
import { TxnLogWriter } from '../../src/formats/txn-log-writer.ts'
import { decodeTxn, encodeTxn } from '../../src/model/txn.ts'
import { treeRecordSpans } from '../../src/replay/tree-spans.ts'
import { loadSnapshotTree } from '../../src/replay/load-snapshot-tree.ts'
import { SampleServer } from '../../src/source/sample-server.ts'
import { session, startMs } from '../engine/scenario.ts'
import { damagedAtRandom, type Files, flipBit, seededRandom, truncateAt } from './damage.ts'
import { backUpAndCompare, type Ending, replayAndCompare, salvageAndCompare, type Truth, truthOf, withDirectory } from './truth.ts'

const isLong = process.env['ZOOARK_LONG'] === '1'
const seed = Number(process.env['ZOOARK_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const vectors = fileURLToPath(new URL('../vectors/zookeeper', import.meta.url))
const longTimeoutMs = 3_600_000

/** Endings by flow, counted: a test whose variants all end alike tests less than it seems. */
type Endings = Map<string, number>

async function tryVariant(truth: Truth, files: Files, what: string, endings: Endings): Promise<void> {
  await withDirectory(files, async (dataDir) => {
    const count = (flow: string, ending: Ending): void => {
      endings.set(`${flow}: ${ending}`, (endings.get(`${flow}: ${ending}`) ?? 0) + 1)
    }
    count('backup', await backUpAndCompare(truth, dataDir, what))
    count('replay', await replayAndCompare(truth, dataDir, what))
    count('salvage', await salvageAndCompare(truth, dataDir, what))
  })
}

function report(endings: Endings): string {
  return [...endings.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([ending, count]) => `${ending} ${count}`)
    .join('\n')
}

/** Three snapshots and three logs of a small server, with sessions, ephemerals and deletions. */
async function writeSmallDirectory(dataDir: string): Promise<void> {
  let server = await SampleServer.create(dataDir, { timeMs: startMs })
  await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
  await server.create('/a', 'first', session)
  await server.create('/a/lock', '', session, { ephemeral: 'ephemeral' })
  await server.create('/b', 'b', session)
  for (let log = 1; log <= 2; log++) {
    await server.setData('/a', `in log ${log}`, session)
    await server.create(`/b/${log}`, 'x'.repeat(30), session)
    await server.create(`/b/${log}/c`, '', session, { ephemeral: 'ephemeral' })
    await server.deleteAll(`/b/${log}/c`, session)
    await server.snapshot()
    await server.close()
    server = await SampleServer.open(dataDir, { timeMs: startMs + log * 1000, epoch: 'same' })
  }
  await server.commit({ kind: 'closeSession' }, session)
  await server.create('/z', 'the last', session + 1n)
  await server.close()
}

/** The same without digests, as servers before 3.6 write it: only checksums and the shape of the data tell. */
async function withoutDigests(truth: Truth): Promise<Files> {
  return await withDirectory(truth.files, async (dataDir) => {
    const files = new Map<string, Uint8Array>()
    const bare = join(dataDir, 'bare')
    await mkdir(bare)
    for (const name of truth.files.keys()) {
      const from = join(dataDir, 'version-2', name)
      if (name.startsWith('log.')) await copyLogBare(from, join(bare, name))
      else await copySnapshotBare(from, join(bare, name))
      files.set(name, new Uint8Array(await readFile(join(bare, name))))
    }
    return files
  })
}

async function copyLogBare(from: string, to: string): Promise<void> {
  const writer = await TxnLogWriter.create(to, { fsync: 'never' })
  await readTxnLog(from, {
    txns: async (window, starts, ends, count) => {
      for (let i = 0; i < count; i++) {
        const { header, record } = decodeTxn(window, starts[i], ends[i])
        const payload = encodeTxn({ header, record })
        await writer.append(payload, 0, payload.length)
      }
    },
  })
  await writer.close()
}

async function copySnapshotBare(from: string, to: string): Promise<void> {
  const { tree } = await loadSnapshotTree(from)
  await writeSnapshot(
    to,
    {
      sessions: [...tree.sessions()].map(({ id, timeoutMs }) => ({ id, timeoutMs })),
      acls: tree.aclEntries(),
      records: treeRecordSpans(tree),
    },
    { fsync: 'never' },
  )
}

const truths = new Map<string, Truth>()

/** Read once: what is true of a directory costs a replay with a root for every txn. */
async function truthNamed(name: string): Promise<Truth> {
  const known = truths.get(name)
  if (known !== undefined) return known
  const truth = await makeTruth(name)
  truths.set(name, truth)
  return truth
}

async function makeTruth(name: string): Promise<Truth> {
  if (name === 'small')
    return await withDirectory(new Map(), (directory) =>
      writeSmallDirectory(join(directory, 'd')).then(() => truthOf(join(directory, 'd'))),
    )
  if (name === 'small without digests') return await withDirectory(await withoutDigests(await truthNamed('small')), truthOf)
  return await truthOf(join(vectors, name))
}

const small = ['small', 'small without digests']
const ofServers = [
  '3.4.14/mixed',
  '3.5.10/mixed',
  '3.6.4/mixed',
  '3.8.4/mixed',
  '3.8.4/no-digest',
  '3.8.4/ensemble',
  '3.9.5/mixed',
  '3.9.5/ensemble',
]

describe.each([...small, ...ofServers])('the directory %s', (name) => {
  it('that is whole is taken whole: the comparison finds nothing wrong where nothing is', async () => {
    const truth = await truthNamed(name)
    const endings: Endings = new Map()
    await tryVariant(truth, truth.files, 'undamaged', endings)
    expect(Object.fromEntries(endings)).toEqual({ 'backup: whole': 1, 'replay: whole': 1, 'salvage: whole': 1 })
  })

  it(
    'damaged at random shows true states or none',
    async () => {
      const truth = await truthNamed(name)
      const isSmall = small.includes(name)
      const variants = isLong ? (isSmall ? 3600 : 350) : isSmall ? 60 : 4
      const random = seededRandom(seed)
      const endings: Endings = new Map()
      for (let i = 0; i < variants; i++) {
        const { what, files } = damagedAtRandom(truth.files, random)
        await tryVariant(truth, files, `seed ${seed}, variant ${i}: ${what}`, endings)
      }
      if (isLong) process.stdout.write(`${name}, seed ${seed}, ${variants} variants\n${report(endings)}\n`)
      if (isSmall || isLong) expect(endings.size, report(endings)).toBeGreaterThan(3)
    },
    longTimeoutMs,
  )
})

it('salvage promises no state behind the first damage of a log, even where the record behind it goes on', async () => {
  const truth = await truthNamed('small without digests')
  const log = [...truth.files.keys()].filter((name) => name.startsWith('log.')).at(-1) ?? ''
  const bytes = truth.files.get(log) ?? new Uint8Array(0)
  const twice = new Uint8Array([...bytes.subarray(0, 101), ...bytes.subarray(52)])
  const files = new Map([...truth.files, [log, twice]])
  await withDirectory(files, async (dataDir) => expect(await salvageAndCompare(truth, dataDir, 'bytes twice')).toBe('shorter'))
})

it('salvage saves the rest where the first record of a log is damaged', async () => {
  const truth = await truthNamed('small')
  for (const log of [...truth.files.keys()].filter((name) => name.startsWith('log.'))) {
    const bytes = (truth.files.get(log) ?? new Uint8Array(0)).slice()
    bytes[40] ^= 1
    await withDirectory(new Map([...truth.files, [log, bytes]]), async (dataDir) => {
      expect(await salvageAndCompare(truth, dataDir, log)).toMatch(/whole|shorter/)
    })
  }
})

describe.each(small)('every file of the directory %s', (name) => {
  it(
    'with a flipped bit shows true states or none',
    async () => {
      const truth = await truthNamed(name)
      const endings: Endings = new Map()
      // Every bit in the long run; else a different few of each file every time.
      const step = isLong ? 1 : 2003
      for (const [file, bytes] of truth.files) {
        for (let bit = seed % step; bit < bytes.length * 8; bit += step) {
          const { what, bytes: damaged } = flipBit(bytes, bit)
          await tryVariant(truth, new Map([...truth.files, [file, damaged]]), `${file}: ${what}`, endings)
        }
      }
      if (isLong) process.stdout.write(`${name}, every bit\n${report(endings)}\n`)
      expect(endings.size, report(endings)).toBeGreaterThan(2)
    },
    longTimeoutMs,
  )

  it(
    'cut short shows true states or none',
    async () => {
      const truth = await truthNamed(name)
      const endings: Endings = new Map()
      const step = isLong ? 1 : 211
      for (const [file, bytes] of truth.files) {
        for (let length = seed % step; length < bytes.length; length += step) {
          const { what, bytes: damaged } = truncateAt(bytes, length)
          await tryVariant(truth, new Map([...truth.files, [file, damaged]]), `${file}: ${what}`, endings)
        }
      }
      if (isLong) process.stdout.write(`${name}, every length\n${report(endings)}\n`)
      expect(endings.size, report(endings)).toBeGreaterThan(2)
    },
    longTimeoutMs,
  )
})
