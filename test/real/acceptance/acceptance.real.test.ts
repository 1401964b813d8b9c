/**
 * The main promise on real servers. `npm test` runs a small part; ZOOARK_LONG=1 all versions, standalone and ensemble, with 50 zxids each
 * (docs/guide/proof.md). ZOOARK_SEED repeats a run's choices.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithZooKeeper } from '../testbed/describe-with-zookeeper.ts'
import { gapsOf, historyOf, proveExactStates } from './exact-states.ts'
import { type LiveRun, runLive, type RunShape } from './live-run.ts'

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

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'zooark-acceptance-'))
      run = await runLive(
        { version, shape, seed, ops: isLong ? 8000 : 3000, backups: shape === 'standalone' ? 'with-a-pause' : 'steady' },
        directory,
      )
    })
    afterAll(async () => {
      if (process.env['ZOOARK_KEEP'] !== '1') await rm(directory, { recursive: true, force: true })
    })

    it('an exact restore to any transaction equals what ZooKeeper makes of the same files', async () => {
      const proof = await proveExactStates(run, { count: zxidCount, cli: isLong ? 10 : 5 }, join(directory, 'exact'))
      const backups = run.servers.reduce((sum, { reports }) => sum + reports.length, 0)
      const timelines = (await Promise.all(run.servers.map(historyOf))).map((history) => history.timelines.length)
      const gaps = await gapsOf(run)
      console.log(
        `PROOF ${JSON.stringify({ version, shape, seed, ops: run.ops, refused: run.refused, purged: run.purgedFiles, backups, timelines, gaps, ...proof, differences: proof.differences.length })}`,
      )
      expect(proof.differences.slice(0, 20)).toEqual([])
      expect(proof.oracleMismatches).toBe(0)
      expect(proof.zxids).toBe(zxidCount)
      // Gaps come from the pause, and from servers that were dead for so long that they got a snapshot instead of the txns.
      if (run.backups === 'steady') expect(gaps.filter(({ missed }) => missed > 0)).toEqual([])
      else expect(gaps).not.toEqual([])
    })
  })
}
