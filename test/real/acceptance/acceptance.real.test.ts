/**
 * The main promise on real servers. `npm test` runs a small part; ZOOARK_LONG=1 all versions, standalone and ensemble, with 50 zxids each
 * (docs/guide/proof.md). ZOOARK_SEED repeats a run's choices.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { newestTimeline } from '../../../src/archive/history.ts'
import { toHex } from '../../../src/base/hex.ts'
import { epochOf, firstZxidOfEpoch, formatZxid, type Zxid } from '../../../src/model/zxid.ts'
import { describeWithZooKeeper } from '../testbed/describe-with-zookeeper.ts'
import { asClientSees, clientDump, type DumpedState } from '../testbed/helpers.ts'
import type { RealServer } from '../testbed/server.ts'
import { bootEnsemble, bootStandalone, complaintsOf, withoutEphemerals, zxidOf } from './booted.ts'
import { compareNodes } from './compare-dumps.ts'
import { gapsOf, historyOf, oracleOf, proveExactStates, reachableZxids, restoreTo } from './exact-states.ts'
import { type LiveRun, runLive, type RunServer, type RunShape } from './live-run.ts'
import { connectRaw, watchEventTypes } from './raw-client.ts'
import { type OwnSnapshot, rootsOfDirectory, snapshotBySelf } from './same-root.ts'

const isLong = process.env['ZOOARK_LONG'] === '1'
const only = process.env['ZOOARK_ONLY']
const seed = Number(process.env['ZOOARK_SEED'] ?? Math.floor(Math.random() * 1_000_000))

const short: readonly (readonly [string, RunShape['shape']])[] = [
  ['3.8.4', 'standalone'],
  ['3.9.5', 'standalone'],
  ['3.8.4', 'ensemble'],
]
const versions = ['3.4.14', '3.5.10', '3.6.4', '3.7.2', '3.8.4', '3.9.5']
const long = versions.flatMap((version) => [[version, 'standalone'] as const, [version, 'ensemble'] as const])
const zxidCount = isLong ? 50 : 10

for (const [version, shape] of isLong ? long : short) {
  if (only !== undefined && only !== `${version}-${shape}`) continue
  await describeWithZooKeeper(version, `backups of a running ${shape}`, () => {
    let directory: string
    let run: LiveRun
    /** The server whose logs are the whole story. */
    let witness: RunServer
    let newest: { readonly zxid: Zxid; readonly oracle: DumpedState }
    let older: { readonly zxid: Zxid; readonly oracle: DumpedState }
    const booted: RealServer[] = []

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'zooark-acceptance-'))
      const backups = shape === 'standalone' ? 'with-a-pause' : 'steady'
      run = await runLive({ version, shape, seed, ops: isLong ? 8000 : 3000, backups }, directory)
      witness = run.servers.find(({ wasKilled }) => !wasKilled)!
      const reachable = await reachableZxids(witness)
      const zxids = [reachable[Math.floor(reachable.length / 4)]!, reachable.at(-1)!] as const
      const oracle = await oracleOf(run, zxids, join(directory, 'oracle'))
      older = { zxid: zxids[0], oracle: oracle.get(zxids[0])! }
      newest = { zxid: zxids[1], oracle: oracle.get(zxids[1])! }
    })
    afterEach(async () => {
      await Promise.all(booted.splice(0).map((server) => server.kill()))
    })
    afterAll(async () => {
      if (process.env['ZOOARK_KEEP'] !== '1') await rm(directory, { recursive: true, force: true })
    })

    it('reach the newest transaction of the servers', () => {
      expect(newest.zxid).toBe(run.newestZxid)
      for (const { reports } of run.servers) expect(reports.at(-1)!.last).toBe(run.newestZxid)
    })

    it('an exact restore to any transaction equals what ZooKeeper makes of the same files', async () => {
      const proof = await proveExactStates(run, { count: zxidCount, cli: isLong ? 10 : 5 }, join(directory, 'exact'))
      const backups = run.servers.reduce((sum, { reports }) => sum + reports.length, 0)
      const timelines = (await Promise.all(run.servers.map(historyOf))).map((history) => history.timelines.length)
      const gaps = await gapsOf(run)
      const { ops, refused, purgedFiles } = run
      const figures = {
        version,
        shape,
        seed,
        ops,
        refused,
        purgedFiles,
        backups,
        timelines,
        gaps,
        ...proof,
        differences: proof.differences.length,
      }
      console.log(`PROOF ${JSON.stringify(figures)}`)
      expect(proof.differences.slice(0, 20)).toEqual([])
      expect(proof.oracleMismatches).toBe(0)
      expect(proof.zxids).toBe(zxidCount)
      // Gaps come from the pause, and from servers that were dead for so long that they got a snapshot instead of the txns.
      if (run.backups === 'steady') expect(gaps.filter(({ missed }) => missed > 0)).toEqual([])
      else expect(gaps).not.toEqual([])
    })

    /** A long run shows everything with everything; the short one leaves out what another configuration shows. */
    const itWhere = (isAsked: boolean, claim: string, body: () => Promise<void>): void => {
      if (isAsked) it(claim, body)
    }
    const isWithStandalone = isLong || shape === 'standalone'
    const isWithEnsemble = isLong || shape === 'ensemble'

    itWhere(isWithStandalone, 'a server on an exact restore serves the state as it was, and refuses a client from later', async () => {
      const to = join(directory, 'exact-alone')
      await restoreTo(witness.repository, formatZxid(older.zxid), 'exact', to)
      const server = await bootStandalone(version, to, 'still')
      booted.push(server)
      expect(await zxidOf(server)).toBe(older.zxid)
      expect(await differencesSeen(version, server, older.oracle)).toEqual([])
      expect(await connectRaw(server.clientPort, { lastZxidSeen: run.newestZxid })).toEqual({ kind: 'refused' })
      expect((await connectRaw(server.clientPort, { lastZxidSeen: older.zxid })).kind).toBe('accepted')
      expect(await complaintsOf(server)).toEqual([])
    })

    itWhere(isWithStandalone, 'a session goes on where it was on an exact restore to the newest transaction', async () => {
      const to = join(directory, 'exact-newest')
      await restoreTo(witness.repository, 'latest', 'exact', to)
      const server = await bootStandalone(version, to, 'stock')
      booted.push(server)
      const answer = await connectRaw(server.clientPort, { lastZxidSeen: run.newestZxid, session: run.session })
      expect(answer.kind === 'accepted' && answer.client.session.id).toBe(run.session.id)
      expect(await complaintsOf(server)).toEqual([])
    })

    itWhere(
      isWithStandalone,
      'a server on a default restore takes clients that have seen the newest zxid, and tells them what went',
      async () => {
        const to = join(directory, 'safe-alone')
        const report = await restoreTo(witness.repository, 'latest', 'client-safe', to)
        const zxid = BigInt(report.plan.snapshotZxid)
        expect(zxid).toBeGreaterThan(run.newestZxid)
        const server = await bootStandalone(version, to, 'stock')
        booted.push(server)
        expect(await zxidOf(server)).toBe(zxid)
        expect(await differencesSeen(version, server, withoutEphemerals(newest.oracle, zxid))).toEqual([])
        await expectClientsGoOn(server.clientPort)
        expect(await complaintsOf(server)).toEqual([])
      },
    )

    itWhere(
      isWithEnsemble,
      'an ensemble on a default restore elects, agrees, and takes clients that have seen the newest zxid',
      async () => {
        const to = join(directory, 'safe-three')
        const report = await restoreTo(witness.repository, 'latest', 'client-safe', to, ['1', '2', '3'])
        const zxid = BigInt(report.plan.snapshotZxid)
        const ensemble = await bootEnsemble(version, to, 'stock')
        booted.push(...ensemble.servers)
        // Followers stand at what they loaded until the first txn of the new epoch.
        const nextEpoch = firstZxidOfEpoch(epochOf(zxid as Zxid) + 1n)
        expect(await zxidOf(await ensemble.leader())).toBe(nextEpoch)
        for (const server of ensemble.servers) expect([zxid, nextEpoch]).toContain(await zxidOf(server))
        for (const server of ensemble.servers) {
          expect(await differencesSeen(version, server, withoutEphemerals(newest.oracle, zxid), 'ensemble')).toEqual([])
        }
        await expectClientsGoOn(ensemble.servers[0]!.clientPort)
        for (const server of ensemble.servers) expect(await complaintsOf(server)).toEqual([])
      },
    )

    itWhere(isWithEnsemble, 'an ensemble on an exact restore serves the state as it was, from the next epoch on', async () => {
      const to = join(directory, 'exact-three')
      await restoreTo(witness.repository, formatZxid(older.zxid), 'exact', to, ['1', '2', '3'])
      const ensemble = await bootEnsemble(version, to, 'still')
      booted.push(...ensemble.servers)
      const leader = await ensemble.leader()
      const nextEpoch = firstZxidOfEpoch(epochOf(older.zxid) + 1n)
      expect(await zxidOf(leader)).toBe(nextEpoch)
      const standing: { server: RealServer; zxid: bigint }[] = []
      for (const server of ensemble.servers) standing.push({ server, zxid: await zxidOf(server) })
      for (const { zxid } of standing) expect([older.zxid, nextEpoch]).toContain(zxid)
      // Those that refuse come first: a client that is taken makes a txn, and with it all servers move on.
      const refusing = standing.filter(({ zxid }) => zxid < run.newestZxid)
      for (const { server } of refusing)
        expect(await connectRaw(server.clientPort, { lastZxidSeen: run.newestZxid })).toEqual({ kind: 'refused' })
      const taking = standing.find(({ zxid }) => zxid >= run.newestZxid)
      if (taking !== undefined) {
        const answer = await connectRaw(taking.server.clientPort, { lastZxidSeen: run.newestZxid })
        expect(answer.kind).toBe('accepted')
        if (answer.kind === 'accepted') answer.client.abandon()
      }
      for (const server of ensemble.servers) expect(await differencesSeen(version, server, older.oracle, 'ensemble')).toEqual([])
      for (const server of ensemble.servers) expect(await complaintsOf(server)).toEqual([])
    })

    itWhere(shape === 'ensemble', 'the servers have one state root, though their snapshots differ in the order of children', async () => {
      const own = await Promise.all(run.servers.map(({ dataDir }) => rootsOfDirectory(dataDir, newest.zxid)))
      for (const roots of own) expect(roots).toEqual(own[0])
      const points = (await Promise.all(run.servers.map(historyOf))).map((history) => newestTimeline(history)!.points.at(-1)!)
      for (const { zxid, state } of points) expect([zxid, toHex(state.stateRoot)]).toEqual([newest.zxid, own[0]!.state])
      // Servers from 3.5 on write a snapshot when they start.
      if (version.startsWith('3.4.')) return
      const snapshots: OwnSnapshot[] = []
      for (const server of run.servers) {
        // One begins at the very first snapshot: where a parent once had more children, Java keeps the few in another order.
        const life = server === witness ? 'whole' : 'since-last-snapshot'
        snapshots.push(await snapshotBySelf(version, server, life, newest.zxid, join(directory, `copy-${server.id}`)))
      }
      for (const { roots } of snapshots) expect(roots).toEqual(own[0])
      const orders = snapshots.map(({ paths }) => paths.join('\n'))
      expect(new Set(orders).size).toBeGreaterThan(1)
      for (const { paths } of snapshots) expect(paths.toSorted()).toEqual(snapshots[0]!.paths.toSorted())
    })

    async function expectClientsGoOn(port: number): Promise<void> {
      // The old session is over, which a client is told; it is not turned away.
      expect(await connectRaw(port, { lastZxidSeen: run.newestZxid, session: run.session })).toEqual({ kind: 'session-expired' })
      const answer = await connectRaw(port, { lastZxidSeen: run.newestZxid })
      if (answer.kind !== 'accepted') throw new Error(`a client that has seen the newest zxid is ${answer.kind}`)
      const { client } = answer
      await client.setWatches(run.newestZxid, ['/raw/e', '/raw'], ['/raw', '/load'])
      expect(client.events).toContainEqual({ type: watchEventTypes.deleted, path: '/raw/e' })
      expect(client.events).toContainEqual({ type: watchEventTypes.childrenChanged, path: '/raw' })
      expect(client.events).toHaveLength(2)
      const parent = newest.oracle.nodes.find(({ path }) => path === '/raw')!
      const created = await client.create('/raw/s-', 'sequential')
      expect(created.path).toBe(`/raw/s-${String(parent.cversion).padStart(10, '0')}`)
      expect(created.zxid).toBeGreaterThan(run.newestZxid)
      client.abandon()
    }
  })
}

/** What a client with all rights sees in a server, against an oracle's state. */
async function differencesSeen(
  version: string,
  { connectString }: RealServer,
  oracle: DumpedState,
  shape: RunShape['shape'] = 'standalone',
): Promise<string[]> {
  const seen = await clientDump({ version, connectString })
  // Every server of an ensemble writes its own configuration there when it starts.
  const ignore = (path: string): boolean => shape === 'ensemble' && path === '/zookeeper/config'
  return compareNodes(asClientSees(oracle), seen.nodes, { ignore }).slice(0, 20)
}
