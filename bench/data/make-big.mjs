/**
 * Makes the large data directory that the benchmarks read, with a real ZooKeeper 3.8.4: one snapshot of a million znodes and, after it, one
 * log of two million txns written by 8 pipelined connections. Needs java, javac, mvn and the network; takes a few minutes, 4 GB of memory
 * and 3 GB of disk while it works.
 *
 *   node bench/data/make-big.mjs [directory] [znodes] [txns]      default bench/.data/big 1000000 2000000
 *
 * snapshotSizeFactor=-1: the default takes snapshots by log size whatever snapCount says.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = resolve(process.argv[2] ?? join(root, 'bench/.data/big'))
const znodes = process.argv[3] ?? '1000000'
const txns = process.argv[4] ?? '2000000'
const version = '3.8.4'
const run = (program, args) => {
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}`)
}
if (existsSync(directory)) throw new Error(`${directory} exists; remove it to make it anew`)
run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'test/real/testbed')])
const { startStandalone } = await import('../../.build/testbed/server.js')
const { ensureZooKeeper } = await import('../../.build/testbed/jars.js')

const jars = await ensureZooKeeper(version)
if ('missing' in jars) throw new Error(jars.missing)
const load = (phase, server, count) =>
  run('java', [
    '-Xmx1g',
    '-Dzooark.log.level=WARN',
    '-cp',
    jars.classPath.join(':'),
    join(root, 'bench/data/BigLoad.java'),
    phase,
    server.connectString,
    count,
  ])
const draft = `${directory}.draft`
rmSync(draft, { recursive: true, force: true })
const options = {
  version,
  dataDir: draft,
  heapMb: 5000,
  systemProperties: { 'zookeeper.snapCount': '100000000', 'zookeeper.snapshotSizeFactor': '-1' },
}
const server = await startStandalone(options)
load('base', server, znodes)
await server.stop()
const old = readdirSync(join(draft, 'version-2'))
await server.start() // takes the snapshot
await server.waitUntilServing(300_000)
for (const file of old) rmSync(join(draft, 'version-2', file))
load('log', server, txns)
await server.stop()
renameSync(draft, directory)
for (const suffix of ['.server.log', '.zoo.cfg']) rmSync(`${draft}${suffix}`, { force: true })
for (const file of readdirSync(join(directory, 'version-2'))) console.log(file, statSync(join(directory, 'version-2', file)).size)
process.exit(0)
