import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { askThrowawayServer, type ServerFacts } from './throwaway-server.ts'

/** A double of `java`: a program that behaves as the test says. That Apache's server behaves so is test/real/verify-boot's business. */
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zooark-throwaway-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const prelude = `
const { readFileSync, writeFileSync, existsSync } = require('node:fs')
writeFileSync('pid', String(process.pid))
writeFileSync('args', JSON.stringify(process.argv.slice(2)))
const config = readFileSync(process.argv.at(-1), 'utf8')
const port = Number(/clientPort=(\\d+)/.exec(config)[1])
const answers = { srvr: 'Zookeeper version: 3.9.5-abc, built on x\\nZxid: 0x10000007a\\nMode: standalone\\nNode count: 66\\n', mntr: 'zk_digest_mismatches_count\\t2\\n' }
const serve = () => require('node:net').createServer((socket) => socket.on('data', (word) => socket.end(answers[word]))).listen(port, '127.0.0.1')
`

async function ask(program: string, signal = new AbortController().signal): Promise<ServerFacts> {
  const java = join(directory, 'java')
  await writeFile(java, `#!${process.execPath}\n${prelude}\n${program}`)
  await chmod(java, 0o755)
  const start = { dataDir: join(directory, 'data'), workDir: directory, ownerRules: 'extended' as const }
  return await askThrowawayServer({ java, classPath: ['/a.jar', '/b.jar'] }, start, { signal, clock: systemClock })
}

async function isAlive(): Promise<boolean> {
  try {
    process.kill(Number(await readFile(join(directory, 'pid'), 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

test('what a server says is read, and the server is ended although it does not want to', async () => {
  const program = `process.on('SIGTERM', () => {}); console.log('2026 WARN  [main] x - digest odd'); console.log('2026 INFO  [main] x - digest fine'); setTimeout(serve, 200)`
  expect(await ask(program)).toEqual({
    version: '3.9.5',
    zxid: 0x10000007an,
    nodeCount: 66,
    digestMismatches: 2,
    digestWarnings: ['2026 WARN  [main] x - digest odd'],
  })
  expect(await isAlive()).toBe(false)
  const args = JSON.parse(await readFile(join(directory, 'args'), 'utf8')) as string[]
  expect(args.slice(-3)).toEqual([
    `${join(directory, 'conf')}:/a.jar:/b.jar`,
    'org.apache.zookeeper.server.ZooKeeperServerMain',
    join(directory, 'conf', 'zoo.cfg'),
  ])
  expect(await readFile(join(directory, 'conf', 'zoo.cfg'), 'utf8')).toContain('clientPortAddress=127.0.0.1\n')
})

test('a server that ends says why, from its own log', async () => {
  await expect(ask(`console.log('starting'); console.log('java.io.IOException: no snapshot'); process.exit(1)`)).rejects.toMatchObject({
    code: 'BOOT_FAILED',
    message: 'the server ended before it served: java.io.IOException: no snapshot',
    place: { file: join(directory, 'server.log') },
  })
})

test('a java that cannot be run is a failure, not a hang', async () => {
  const start = { dataDir: directory, workDir: directory, ownerRules: 'plain' as const }
  const asking = askThrowawayServer({ java: join(directory, 'absent'), classPath: [] }, start, {
    signal: new AbortController().signal,
    clock: systemClock,
  })
  await expect(asking).rejects.toMatchObject({ code: 'BOOT_FAILED' })
})

test('a port that somebody took meanwhile is not the end, unless it happens again and again', async () => {
  const facts = await ask(
    `if (existsSync('tried')) serve(); else { writeFileSync('tried', ''); console.log('java.net.BindException: Address already in use'); process.exit(1) }`,
  )
  expect(facts.version).toBe('3.9.5')
  await expect(ask(`console.log('java.net.BindException: Address already in use'); process.exit(1)`)).rejects.toMatchObject({
    code: 'BOOT_FAILED',
  })
})

test('a server that says nothing of its state is not believed', async () => {
  await expect(ask(`answers.srvr = 'Mode: standalone\\n'; serve()`)).rejects.toMatchObject({
    code: 'BOOT_FAILED',
    message: expect.stringContaining('does not say'),
  })
  expect(await isAlive()).toBe(false)
})

test('told to stop while it waits, it ends the server and gives the reason', async () => {
  await mkdir(join(directory, 'data'))
  const controller = new AbortController()
  const asking = ask(`setInterval(() => {}, 1000)`, controller.signal)
  setTimeout(() => controller.abort(new Error('enough')), 400)
  await expect(asking).rejects.toThrow('enough')
  expect(await isAlive()).toBe(false)
})
