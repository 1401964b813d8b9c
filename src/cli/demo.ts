import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SampleServer } from '../source/sample-server.ts'

/**
 * `npm start`: the main job from end to end on a data directory made for it, without Java. Every command shown is really run.
 * The directory stays, so that one can look on.
 */

const topics = 120
const partitions = 12
const updates = 12_000
const minuteMs = 60_000
/** `deleteall` goes from the leaves up, and the last one in tree order goes first. */
const firstDeleted = '/brokers/topics/orders-99/partitions/9/state'
/** Sessions as a server with id 1 gives them. */
const brokers = [0x1000a2b3c4d0001n, 0x1000a2b3c4d0002n, 0x1000a2b3c4d0003n]
const admin = 0x1000a2b3c4d0009n

const zooark = fileURLToPath(new URL('../../bin/zooark.mjs', import.meta.url))

function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Shows a command, runs it, and ends the demonstration when it ends otherwise than it should. */
function run(args: readonly string[], expected = 0): void {
  say(`\n$ zooark ${args.map((arg) => (/^[\w./:@=-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`)
  const { status, signal } = spawnSync(process.execPath, [zooark, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === expected) return
  say(`\nThe command ended with ${signal ?? status}, not ${expected}.`)
  process.exit(status ?? 1)
}

async function makeHistory(server: SampleServer): Promise<void> {
  for (const session of [...brokers, admin]) await server.commit({ kind: 'createSession', timeoutMs: 18_000 }, session)
  for (const path of ['/brokers', '/brokers/ids', '/brokers/topics', '/config', '/config/topics', '/controller_epoch'])
    await server.create(path, '', admin)
  for (const [id, session] of brokers.entries()) {
    await server.create(`/brokers/ids/${id}`, `{"host":"kafka-${id}","port":9092}`, session, { ephemeral: 'ephemeral' })
  }
  for (let topic = 0; topic < topics; topic++) {
    const name = `orders-${topic}`
    await server.create(`/config/topics/${name}`, '{"version":1,"config":{"retention.ms":"604800000"}}', admin)
    await server.create(`/brokers/topics/${name}`, `{"version":2,"partitions":${partitions}}`, admin)
    await server.create(`/brokers/topics/${name}/partitions`, '', admin)
    for (let partition = 0; partition < partitions; partition++) {
      const path = `/brokers/topics/${name}/partitions/${partition}`
      await server.create(path, '', admin)
      await server.create(`${path}/state`, `{"leader":${partition % 3},"leader_epoch":0,"isr":[0,1,2]}`, admin)
    }
  }
  for (let i = 0; i < updates; i++) {
    const path = `/brokers/topics/orders-${(i * 7) % topics}/partitions/${(i * 5) % partitions}/state`
    await server.setData(path, `{"leader":${i % 3},"leader_epoch":${i},"isr":[0,1,2]}`, brokers[i % 3])
  }
}

async function demonstrate(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-demo-'))
  const dataDir = join(directory, 'data')
  const repo = join(directory, 'repo')
  const restored = join(directory, 'restored')

  say('A ZooKeeper data directory with a Kafka cluster in it, as a server would have written it:')
  const server = await SampleServer.create(dataDir, { timeMs: Date.now() - 30 * minuteMs })
  await makeHistory(server)
  await server.sync()
  run(['backup', '--from', `file:${dataDir}`, '--repo', repo, '--name', 'before-the-accident'])

  say('\n03:00. Somebody runs deleteall on the wrong path, and the work goes on:')
  const deleted = await server.deleteAll('/brokers/topics', admin)
  await server.create('/brokers/topics', '', admin)
  await server.close()
  say(`${deleted} znodes are gone.`)
  run(['backup', '--from', `file:${dataDir}`, '--repo', repo])
  run(['status', '--repo', repo])

  say('\nWho deleted what, and when?')
  run(['log', '--repo', repo, firstDeleted, '--limit', '2'])

  say('\nBack to just before, in a new directory:')
  const before = ['--at', `before:delete:${firstDeleted}`]
  run(['restore', '--repo', repo, ...before, '--to', `file:${restored}`, '--exact', '--yes'])

  say('\nThe proof: not a byte differs from the state before the accident, and everything in the repository replays to what it says.')
  run(['diff', `repo:${repo}@name:before-the-accident`, `file:${restored}`])
  run(['verify', '--repo', repo, '--level', 'replay'])

  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  say(`\nThat was ZooArk ${version}. Everything is in ${directory}; look on with`)
  say(`  node bin/zooark.mjs ls repo:${repo}@latest/brokers`)
  say('or remove it. To protect your own server: node bin/zooark.mjs backup --from file:/your/dataDir --repo /your/backups')
}

await demonstrate()
