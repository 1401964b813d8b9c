import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithZooKeeper } from './describe-with-zookeeper.ts'
import { asClientSees, clientDump, oracleStates, oracleTxns, runLoad, startLoad } from './helpers.ts'
import { type RealServer, startEnsemble, startStandalone } from './server.ts'

const TIMEOUT_MS = 180_000

await describeWithZooKeeper('3.8.4', 'the real-server testbed', () => {
  let directory: string
  let server: RealServer | undefined

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'zooark-testbed-test-'))
  })
  afterAll(async () => {
    await server?.kill()
    await rm(directory, { recursive: true, force: true })
  })

  it('the oracle and a client see the same znodes of a loaded server', { timeout: TIMEOUT_MS }, async () => {
    const systemProperties = { 'zookeeper.snapCount': '200', 'zookeeper.preAllocSize': '64' }
    server = await startStandalone({ version: '3.8.4', dataDir: join(directory, 'alone'), systemProperties })
    const load = await runLoad({ version: '3.8.4', connectString: server.connectString, seed: 1, ops: 1000 })
    expect(load.ops).toBe(1000)
    await server.stop()
    await server.start()
    await server.waitUntilServing()
    await untilQuiet(server)
    const seen = await clientDump({ version: '3.8.4', connectString: server.connectString })
    await server.stop()

    const snapDir = join(server.dataDir, 'version-2')
    const [state] = await oracleStates({ version: '3.8.4', snapDir, at: ['latest'] })
    expect(state!.head.digestMismatches).toBe(0)
    expect(seen.nodes.length).toBeGreaterThan(100)
    // Quota usage is computed, not logged: the two may count it at different moments.
    const comparable = (nodes: readonly { path: string }[]) => nodes.filter(({ path }) => !path.endsWith('/zookeeper_stats'))
    expect(comparable(asClientSees(state!))).toEqual(comparable(seen.nodes))

    const log = (await readdir(snapDir)).find((name) => name.startsWith('log.'))!
    const { txns, error } = await oracleTxns({ version: '3.8.4', log: join(snapDir, log) })
    expect(error).toBeUndefined()
    expect(txns[0]!.zxid).toBe(`0x${log.slice('log.'.length)}`)
  })

  it('an ensemble elects a leader and survives the loss of it under load', { timeout: TIMEOUT_MS }, async () => {
    const ensemble = await startEnsemble({ version: '3.8.4', directory: join(directory, 'ensemble'), size: 3, heapMb: 128 })
    try {
      const leader = await ensemble.leader()
      const load = await startLoad({ version: '3.8.4', connectString: ensemble.connectString, seed: 2, ops: 1_000_000 })
      await expect.poll(() => load.progress().ops, { timeout: 30_000 }).toBeGreaterThan(0)
      await leader.kill()
      const next = await ensemble.leader()
      expect(next.id).not.toBe(leader.id)
      const opsBefore = load.progress().ops
      expect((await load.stop()).ops).toBeGreaterThanOrEqual(opsBefore)
      await leader.start()
      await leader.waitUntilServing()
      expect(await leader.mode()).toBe('follower')
    } finally {
      await ensemble.stop()
    }
  })
})

/** Sessions left behind by the load expire and containers are swept in the first seconds after a start. */
async function untilQuiet(server: RealServer): Promise<void> {
  const zxidOf = async (): Promise<string> => /^Zxid: (\S+)/m.exec(await server.fourLetter('srvr'))?.[1] ?? ''
  for (let quiet = 0, last = '', rounds = 0; quiet < 4 && rounds < 60; rounds++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const zxid = await zxidOf()
    quiet = zxid === last ? quiet + 1 : 0
    last = zxid
  }
}
