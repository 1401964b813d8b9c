import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRestorePlan } from '../../src/engine/plan-restore.ts'
import { readSnapshot } from '../../src/formats/snapshot-reader.ts'
import { openDataDirectory } from '../../src/source/data-directory.ts'
import { loadSnapshotTree } from '../../src/replay/load-snapshot-tree.ts'
import { Scenario, session } from './scenario.ts'

async function protectedScenario(): Promise<Scenario> {
  const scenario = await Scenario.create()
  const server = await scenario.server()
  await server.setData('/a', 'second', session)
  await server.deleteAll('/a', session)
  await server.close()
  await scenario.backUp('data', 'all')
  return scenario
}

describe('restore to a data directory', () => {
  it('moves zxid and epoch past everything seen and drops sessions and ephemerals', async () => {
    const scenario = await protectedScenario()
    const report = await scenario.run(await scenario.plan('before:delete:/a/lock', 'out'))
    expect(report).toMatchObject({ dropped: { sessions: 1, ephemerals: 1 }, sessions: 0 })
    expect(await scenario.files('out')).toEqual([
      'version-2',
      'version-2/acceptedEpoch',
      'version-2/currentEpoch',
      'version-2/snapshot.200000000',
    ])
    for (const name of ['acceptedEpoch', 'currentEpoch'])
      expect(await readFile(join(scenario.path('out'), 'version-2', name), 'utf8')).toBe('2')
    const { tree, proved } = await loadSnapshotTree(join(scenario.path('out'), 'version-2', 'snapshot.200000000'))
    expect(proved).toBe(true)
    expect(tree.find(new TextEncoder().encode('/a/lock'))).toBe(-1)
    const a = tree.node(tree.find(new TextEncoder().encode('/a')))
    expect(a.stat.pzxid).toBe(0x200000000n)
    expect(new TextDecoder().decode(a.data ?? new Uint8Array(0))).toBe('second')
  })

  it('keeps zxid, sessions and ephemerals with mode exact', async () => {
    const scenario = await protectedScenario()
    const report = await scenario.run(await scenario.plan('before:delete:/a/lock', 'out', { mode: 'exact' }))
    expect(report).toMatchObject({ dropped: { sessions: 0, ephemerals: 0 }, sessions: 1 })
    expect(await scenario.files('out')).toContain('version-2/snapshot.100000005')
    const summary = await readSnapshot(join(scenario.path('out'), 'version-2', 'snapshot.100000005'), {})
    expect(summary).toMatchObject({ sessions: 1, digest: { zxid: 0x100000005n, version: 2 } })
  })

  it('raises the epoch of the next restore past the one before, once that was backed up', async () => {
    const scenario = await protectedScenario()
    expect(await scenario.plan('latest', 'out')).toMatchObject({ epoch: '2', snapshotZxid: '0x200000000' })
    await scenario.run(await scenario.plan('latest', 'out'))
    await scenario.write(
      'out',
      'log.200000001',
      await readFile(join(scenario.path('data'), 'version-2', 'log.100000001')).then((bytes) => bytes.subarray(0, 16)),
    )
    await scenario.backUp('out')
    expect(await scenario.plan('latest', 'out2')).toMatchObject({ epoch: '3' })
  })

  it('writes one directory per server, each with its myid', async () => {
    const scenario = await protectedScenario()
    const report = await scenario.run(await scenario.plan('latest', 'out', { servers: ['1', '2', '3'] }))
    expect(report.directories).toEqual([1, 2, 3].map((id) => join(scenario.path('out'), `server-${id}`)))
    for (const id of [1, 2, 3]) {
      expect(await readFile(join(scenario.path('out'), `server-${id}`, 'myid'), 'utf8')).toBe(`${id}\n`)
      const directory = await openDataDirectory(join(scenario.path('out'), `server-${id}`))
      expect(directory).toMatchObject({ epochMax: 2n, snapshots: [{ zxid: 0x200000000n }], logs: [] })
      await directory.close()
    }
    expect(report.steps.join('\n')).toContain('Stop every server')
  })

  it('refuses a target that is not empty, and writes nothing', async () => {
    const scenario = await protectedScenario()
    const plan = await scenario.plan('latest', 'out')
    await mkdir(scenario.path('out'))
    await writeFile(join(scenario.path('out'), 'somebody'), 'else')
    await expect(scenario.run(plan)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY', exitCode: 32 })
    expect(await scenario.files('out')).toEqual(['somebody'])
    expect((await scenario.files('.')).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('publishes into an empty directory that exists', async () => {
    const scenario = await protectedScenario()
    await mkdir(scenario.path('out'))
    await scenario.run(await scenario.plan('latest', 'out'))
    expect(await scenario.files('out')).toContain('version-2/snapshot.200000000')
  })

  it('refuses a target that it may not write', async (test) => {
    if (process.getuid?.() === 0) test.skip('root may write every directory')
    const scenario = await protectedScenario()
    const plan = await scenario.plan('latest', 'locked/out')
    await mkdir(scenario.path('locked'))
    await chmod(scenario.path('locked'), 0o500)
    await expect(scenario.run(plan)).rejects.toMatchObject({ code: 'TARGET_UNWRITABLE', exitCode: 32 })
  })

  it('runs the plan that was saved, and refuses it once the repository says otherwise', async () => {
    const scenario = await protectedScenario()
    const plan = parseRestorePlan(JSON.stringify(await scenario.plan('name:all', 'out')), 'plan.json')
    expect(plan).toEqual(await scenario.plan('name:all', 'out'))
    await expect(scenario.run({ ...plan, snapshotZxid: '0x100000000', epoch: '1' })).rejects.toMatchObject({ code: 'PLAN_STALE' })
    await expect(scenario.run({ ...plan, digest: '0x1' })).rejects.toMatchObject({ code: 'PLAN_STALE', exitCode: 32 })
    await expect(scenario.run({ ...plan, repositoryId: 'other' })).rejects.toMatchObject({ code: 'PLAN_STALE' })
    expect((await scenario.run(plan)).plan).toEqual(plan)
  })

  it.each([
    ['0x100000099', 'POINT_NOT_REACHABLE'],
    ['2031-01-01T00:00:00Z', 'POINT_NOT_REACHABLE'],
    ['name:nothing', 'POINT_NOT_REACHABLE'],
    ['before:delete:/never', 'POINT_NOT_REACHABLE'],
    ['yesterday', 'BAD_POINT'],
  ])('refuses the point %s with %s', async (at, code) => {
    const scenario = await protectedScenario()
    await expect(scenario.plan(at, 'out')).rejects.toMatchObject({ code })
  })

  it.each(['deleted', 'cut off'])('reaches every point that a %s pack does not concern, and refuses the others', async (damage) => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    await scenario.backUp('data', 'whole')
    await server.setData('/a', 'in the next pack', session)
    await server.close()
    const before = new Set(await scenario.files('repo/pack'))
    await scenario.backUp()
    const pack = (await scenario.files('repo/pack')).find((name) => !before.has(name)) ?? ''
    const file = join(scenario.path('repo/pack'), pack)
    if (damage === 'deleted') await rm(file)
    else await truncate(file, 100)
    expect(await scenario.exactRootAt('name:whole')).toBe(await scenario.rootOfFiles('data', '0x100000004'))
    await expect(scenario.exactRootAt('latest')).rejects.toMatchObject({ exitCode: 20, place: { object: `pack/${pack}` } })
  })

  it('leaves nothing behind when it is interrupted before the last step', async () => {
    const scenario = await protectedScenario()
    const plan = await scenario.plan('latest', 'out')
    const stop = new AbortController()
    const context = {
      ...scenario.context,
      signal: stop.signal,
      onProgress: ({ step }: { step: string }) => (step === 'reading back' ? stop.abort() : undefined),
    }
    const { restore } = await import('../../src/engine/restore.ts')
    await expect(restore(plan, (await scenario.open()).repository, context)).rejects.toBeDefined()
    expect((await scenario.files('.')).filter((name) => name.includes('out'))).toEqual([])
  })
})
