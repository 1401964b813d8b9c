import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { verifyRepository } from '../../src/engine/verify.ts'
import type { RunContext } from '../../src/engine/run-context.ts'
import { compareFacts } from '../../src/engine/verify/boot-states.ts'
import { snapshotName } from '../../src/formats/file-name.ts'
import { writeSnapshot } from '../../src/formats/snapshot-writer.ts'
import { treeRecordSpans } from '../../src/replay/tree-spans.ts'
import { findServer } from '../../src/target/find-server.ts'
import { askThrowawayServer } from '../../src/target/throwaway-server.ts'
import { quietContext, sampleHistory } from '../engine/stored-history.ts'
import { describeWithZooKeeper } from './testbed/describe-with-zookeeper.ts'
import { ensureZooKeeper } from './testbed/jars.ts'

const TIMEOUT_MS = 180_000

const contextOf = (signal: AbortSignal = new AbortController().signal): RunContext => ({ ...quietContext(signal), clock: systemClock })

async function jarsOf(version: string): Promise<string> {
  const jars = await ensureZooKeeper(version)
  if ('missing' in jars) throw new Error(jars.missing)
  const jar = jars.classPath.find((path) => path.endsWith('.jar'))
  if (jar === undefined) throw new Error('the class path holds no jar')
  return dirname(jar)
}

for (const version of ['3.5.10', '3.8.4', '3.9.5'] as const) {
  await describeWithZooKeeper(version, 'level boot', () => {
    let directory: string
    const searchPath = process.env['PATH'] ?? ''
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'zooark-boot-test-'))
    })
    afterAll(() => rm(directory, { recursive: true, force: true }))

    it('starts a server on the newest state and on the named one, and leaves nothing behind', { timeout: TIMEOUT_MS }, async () => {
      const { repository } = await sampleHistory()
      const tools = { jars: await jarsOf(version), searchPath, temporaryDirectory: directory }
      const report = await verifyRepository(repository, { level: 'boot', tools }, contextOf())
      const digest = version === '3.5.10' ? 'none' : 'match'
      expect(report.findings).toEqual([])
      expect(report.boot).toEqual({
        version,
        states: [
          { timeline: '1', zxid: 0x10000007an, name: null, znodes: 65, digest },
          { timeline: '1', zxid: 0x100000066n, name: 'before-upgrade', znodes: 45, digest },
        ],
      })
      expect(await readdir(directory)).toEqual([])
    })

    it('a server that finds another state says so', { timeout: TIMEOUT_MS }, async () => {
      const { tree } = await sampleHistory()
      const [dataDir, workDir] = [await mkdtemp(join(directory, 'data-')), await mkdtemp(join(directory, 'work-'))]
      const found = await findServer({ jars: await jarsOf(version), searchPath })
      if ('missing' in found) throw new Error(found.missing)
      const facts = await askThrowawayServer(found, { dataDir, workDir, ownerRules: 'extended' }, contextOf())
      expect(facts).toMatchObject({ version, zxid: 0n })
      expect(compareFacts(facts, tree)).toEqual([
        'the server stands at 0x0',
        expect.stringMatching(/^the server counts \d znodes, the state makes 66$/),
      ])
    })

    // 3.5 has no digest.
    const itHasDigests = version === '3.5.10' ? () => undefined : it
    itHasDigests('a server that computes another digest than the snapshot says is not believed', { timeout: TIMEOUT_MS }, async () => {
      const { tree } = await sampleHistory()
      const [dataDir, workDir] = [await mkdtemp(join(directory, 'data-')), await mkdtemp(join(directory, 'work-'))]
      const zxid = tree.lastZxid
      await mkdir(join(dataDir, 'version-2'))
      await writeSnapshot(
        join(dataDir, 'version-2', snapshotName(zxid)),
        {
          sessions: Array.from(tree.sessions()),
          acls: tree.aclEntries(),
          records: treeRecordSpans(tree),
          digest: { zxid, version: 2, digest: BigInt.asIntN(64, tree.digest() + 1n) },
        },
        { fsync: 'never' },
      )
      const found = await findServer({ jars: await jarsOf(version), searchPath })
      if ('missing' in found) throw new Error(found.missing)
      const facts = await askThrowawayServer(found, { dataDir, workDir, ownerRules: 'extended' }, contextOf())
      expect(compareFacts(facts, tree)).toEqual(['the server computes another digest than the state has'])
    })

    it('a server that cannot start is a failure with its own reason and log, and no process stays', { timeout: TIMEOUT_MS }, async () => {
      const [dataDir, workDir] = [join(directory, 'no-directory'), await mkdtemp(join(directory, 'work-'))]
      await writeFile(dataDir, 'a file where a directory belongs')
      const found = await findServer({ jars: await jarsOf(version), searchPath })
      if ('missing' in found) throw new Error(found.missing)
      const asking = askThrowawayServer(found, { dataDir, workDir, ownerRules: 'extended' }, contextOf())
      await expect(asking).rejects.toMatchObject({ code: 'BOOT_FAILED', place: { file: join(workDir, 'server.log') } })
    })

    it('is stopped in the middle of a start', { timeout: TIMEOUT_MS }, async () => {
      const { repository } = await sampleHistory()
      const controller = new AbortController()
      const tools = { jars: await jarsOf(version), searchPath, temporaryDirectory: directory }
      const before = (await readdir(directory)).length
      const context = {
        ...contextOf(controller.signal),
        onProgress: ({ step }: { step: string }) =>
          void (step === 'starting servers' && setTimeout(() => controller.abort(new Error('enough')), 300)),
      }
      await expect(verifyRepository(repository, { level: 'boot', tools }, context)).rejects.toThrow('enough')
      expect((await readdir(directory)).length).toBe(before)
    })
  })
}
