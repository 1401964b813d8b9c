import { execFile } from 'node:child_process'
import type * as fsPromises from 'node:fs/promises'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ZooArkError } from '../../src/base/errors.ts'
import type { RestorePlan } from '../../src/engine/plan-restore.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import type * as openFiles from '../../src/target/open-files.ts'
import { DiskFaults } from './crash-disk-faults.ts'
import { Scenario, session } from './scenario.ts'

const faults = vi.hoisted(() => ({ disk: undefined as DiskFaults | undefined }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fsPromises>()
  const { faultyDisk } = await import('./crash-disk-faults.ts')
  return faultyDisk(real, () => faults.disk)
})

/** Who has the target open is asked of every process of the machine: slow, and tested elsewhere. */
vi.mock('../../src/target/open-files.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof openFiles>()),
  openFilesUnder: () => Promise.resolve([]),
}))

beforeEach(() => {
  faults.disk = undefined
})

const kinds: Readonly<Record<string, { readonly mode: RestorePlan['mode']; readonly servers?: readonly string[] }>> = {
  'a client-safe restore': { mode: 'client-safe' },
  'an exact restore': { mode: 'exact' },
  'a restore for three servers': { mode: 'client-safe', servers: ['1', '2', '3'] },
}

/** A repository and what a restore from it writes. */
async function stage(
  kind: (typeof kinds)[string],
  target: 'absent' | 'empty',
): Promise<{ scenario: Scenario; plan: RestorePlan; whole: string[] }> {
  const scenario = await Scenario.create({ store: memoryStore() })
  const server = await scenario.server()
  await server.setData('/a', 'second', session)
  await server.close()
  await scenario.backUp()
  await scenario.run(await scenario.plan('latest', 'undisturbed/out', kind))
  const whole = await scenario.files('undisturbed/out')
  await mkdir(scenario.path('place'))
  if (target === 'empty') await mkdir(scenario.path('place/out'))
  return { scenario, plan: await scenario.plan('latest', 'place/out', kind), whole }
}

/** `absent`, `empty`, `whole`, or what is wrong. */
async function targetState(scenario: Scenario, whole: readonly string[]): Promise<string> {
  if (!(await readdir(scenario.path('place'))).includes('out')) return 'absent'
  const files = await scenario.files('place/out')
  if (files.length === 0) return 'empty'
  if (files.join() !== whole.join()) return `half: ${files.join(', ')}`
  for (const file of whole.filter((name) => name.includes('snapshot.'))) {
    const directory = file.includes('/version-2/') ? `place/out/${file.slice(0, file.indexOf('/'))}` : 'place/out'
    const original = directory.replace('place', 'undisturbed')
    if ((await scenario.rootOfFiles(directory, 'latest')) !== (await scenario.rootOfFiles(original, 'latest'))) return 'another state'
  }
  return 'whole'
}

async function attempt(scenario: Scenario, plan: RestorePlan): Promise<unknown> {
  try {
    await scenario.run(plan)
    return undefined
  } catch (error) {
    return error
  }
}

describe.each(Object.entries(kinds))('%s', (_name, kind) => {
  it.each([
    ['before', 'absent'],
    ['after', 'absent'],
    ['torn', 'absent'],
    ['before', 'empty'],
    ['after', 'empty'],
  ] as const)(
    'killed %s any change of the disk leaves the target (%s before) as it was or whole, and the next restore removes what is left',
    async (mode, target) => {
      const { scenario, plan, whole } = await stage(kind, target)
      const seen = new Set<string>()
      for (let failAt = 1; ; failAt++) {
        const disk = new DiskFaults(scenario.path('place'), { failAt, mode, answer: 'killed' })
        faults.disk = disk
        const error = await attempt(scenario, plan)
        faults.disk = undefined
        const state = await targetState(scenario, whole)
        expect([target, 'whole'], `killed ${mode} ${disk.last}, the ${failAt}. change`).toContain(state)
        seen.add(state)
        if (!disk.isDead) {
          expect({ error, state }).toEqual({ error: undefined, state: 'whole' })
          break
        }
        expect(error).toBeDefined()
        await resetTarget(scenario, state, target)
        await scenario.run(plan)
        expect(await targetState(scenario, whole)).toBe('whole')
        expect(await readdir(scenario.path('place'))).toEqual(['out'])
        await resetTarget(scenario, 'whole', target)
        expect(failAt).toBeLessThan(500)
      }
      expect([...seen]).toContain(target)
    },
  )

  it.each([
    ['ENOSPC', 'before', 'STORE_FULL'],
    ['ENOSPC', 'torn', 'STORE_FULL'],
    ['EROFS', 'before', 'TARGET_UNWRITABLE'],
    ['EIO', 'before', 'IO_FAILED'],
  ] as const)('refused with %s (%s) at any change of the disk is %s, and leaves nothing', async (answer, mode, code) => {
    const { scenario, plan, whole } = await stage(kind, 'absent')
    for (let failAt = 1; ; failAt++) {
      const disk = new DiskFaults(scenario.path('place'), { failAt, mode, answer })
      faults.disk = disk
      const error = await attempt(scenario, plan)
      faults.disk = undefined
      if (error === undefined) break
      const where = `${disk.last}, the ${failAt}. change`
      expect(error, where).toBeInstanceOf(ZooArkError)
      expect(error, where).toMatchObject({ code, place: { file: expect.stringContaining(scenario.path('place')) as string } })
      const state = await targetState(scenario, whole)
      if (state === 'whole') {
        // Only the sync of the parent comes after the rename; the message says that the target is there.
        expect(error, where).toMatchObject({ hint: expect.stringContaining('is there, whole') as string })
        await resetTarget(scenario, state, 'absent')
      }
      expect(await readdir(scenario.path('place')), where).toEqual([])
      expect(failAt).toBeLessThan(500)
    }
    expect(await targetState(scenario, whole)).toBe('whole')
  })
})

async function resetTarget(scenario: Scenario, state: string, target: 'absent' | 'empty'): Promise<void> {
  if (state === 'whole') await rm(scenario.path('place/out'), { recursive: true })
  if (state === 'whole' && target === 'empty') await mkdir(scenario.path('place/out'))
}

describe('what a restore left behind', () => {
  it('is removed when its process is gone, and kept while it lives', async () => {
    const { scenario, plan } = await stage(kinds['an exact restore'], 'absent')
    const gone = await pidThatIsGone()
    for (const name of [`.out.zooark-partial-${gone}`, `.out.zooark-partial-${process.ppid}`, `.other.zooark-partial-${gone}`]) {
      await mkdir(join(scenario.path('place'), name, 'version-2'), { recursive: true })
      await writeFile(join(scenario.path('place'), name, 'version-2', 'snapshot.1'), 'half')
    }
    await scenario.run(plan)
    expect((await readdir(scenario.path('place'))).toSorted()).toEqual([
      `.other.zooark-partial-${gone}`,
      `.out.zooark-partial-${process.ppid}`,
      'out',
    ])
  })
})

async function pidThatIsGone(): Promise<number> {
  const child = promisify(execFile)(process.execPath, ['-e', ''])
  const pid = child.child.pid ?? 0
  await child
  return pid
}
