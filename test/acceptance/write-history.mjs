/**
 * The writer of kill-backup-restore.mjs: a data directory that grows while it is backed up, as a server's does. It fills the directory, says `ready`, and
 * goes on until its stdin ends: small batches of txns, each synced, with a snapshot and a new log every so often. Nothing is purged, so that the files can
 * tell every state afterwards.
 *
 *     node write-history.mjs CHECKOUT DATADIR SEED ZNODES
 */
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { seededRandom } from './seeded-random.mjs'

const [checkout, dataDir, seed, znodes] = process.argv.slice(2)
const { SampleServer } = await import(pathToFileURL(`${checkout}/dist/source/sample-server.js`).href)
const random = seededRandom(Number(seed))
const batchMax = 20
const pauseMs = 50
const txnsPerLog = 4000
const session = 0x1000a2b3c4d0001n

let server = await SampleServer.create(dataDir, { timeMs: Date.parse('2026-11-20T03:00:00Z') })
let timeMs = Date.parse('2026-11-20T03:00:00Z')
await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
await server.create('/app', 'the application', session)
for (let i = 0; i < Number(znodes); i++) await server.create(`/app/node-${i}`, value(), session)
await server.sync()
process.stdout.write('ready\n')

let isEnded = false
process.stdin.on('end', () => (isEnded = true)).resume()
let created = Number(znodes)
let inLog = 0
while (!isEnded) {
  const count = 1 + Math.floor(random() * batchMax)
  for (let i = 0; i < count; i++) await change()
  inLog += count
  await server.sync()
  if (inLog > txnsPerLog) {
    await server.snapshot()
    await server.close()
    timeMs += 1_000_000
    server = await SampleServer.open(dataDir, { timeMs, epoch: 'same' })
    inLog = 0
  }
  await wait(pauseMs * random())
}
await server.close()

async function change() {
  const kind = random()
  if (kind < 0.2) await server.create(`/app/node-${created++}`, value(), session)
  else if (kind < 0.25) await server.create(`/app/lock-${created++}`, '', session, { ephemeral: 'ephemeral' })
  else await server.setData(`/app/node-${Math.floor(random() * Number(znodes))}`, value(), session)
}

function value() {
  return String(random()).repeat(1 + Math.floor(random() * 20))
}
