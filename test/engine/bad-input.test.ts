/**
 * Bad input as a person meets it: through the command line, each with its code, its exit code, its place and its next step, and nothing written.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorTable, type ErrorCode } from '../../src/base/errors.ts'
import { SampleServer } from '../../src/source/sample-server.ts'
import { bin, buildCheckout, cleanEnvironment, root } from '../cli/run-zooark.ts'
import { session, startMs } from './scenario.ts'

/** As the superuser nothing is refused: then the command runs as nobody. */
const isRoot = process.getuid?.() === 0
const nobody = 65534

let work = ''
/** The package as it is installed, where nobody may read it: a checkout often lies below a directory that only its owner enters. */
let installed = ''
const at = (name: string): string => join(work, name)

beforeAll(async () => {
  buildCheckout()
  work = await mkdtemp(join(tmpdir(), 'zooark-bad-'))
  await chmod(work, 0o755)
  if (isRoot) installed = await installForNobody()
  const server = await SampleServer.create(at('data'), { timeMs: startMs })
  await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
  await server.create('/a', 'first', session)
  await server.setData('/a', 'second', session)
  await server.close()
  expect((await zooark(['backup', '--from', at('data'), '--repo', at('repo')])).exit).toBe(0)
})

afterAll(async () => {
  for (const directory of [work, installed]) if (directory !== '') await rm(directory, { recursive: true, force: true })
})

async function installForNobody(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-installed-'))
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  const parts = ['package.json', 'bin', 'dist', ...Object.keys(dependencies).map((name) => join('node_modules', name))]
  for (const part of parts) await cp(join(root, part), join(directory, part), { recursive: true })
  expect(spawnSync('chmod', ['-R', 'a+rX', directory]).status).toBe(0)
  return directory
}

interface Outcome {
  readonly exit: number | null
  /** The last document on stdout. */
  readonly document: {
    readonly error?: {
      readonly code: string
      readonly place: object
      readonly hint: string
      readonly exitCode: number
      readonly message: string
    }
  }
  readonly stderr: string
}

function zooark(args: readonly string[], as: 'me' | 'nobody' = 'me'): Promise<Outcome> {
  const isOther = as === 'nobody' && isRoot
  const user = isOther ? { uid: nobody, gid: nobody } : {}
  const program = isOther ? join(installed, 'bin', 'zooark.mjs') : bin
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args, '--json'], {
      cwd: work,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...user,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (exit) => {
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      resolve({ exit, document: (last === '' ? {} : JSON.parse(last)) as Outcome['document'], stderr })
    })
  })
}

/** Name, size and time of everything: equal before and after when nothing was written. */
async function everything(): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await readdir(work, { recursive: true })).toSorted()) {
    const { size, mtimeMs, mode } = await stat(at(name))
    lines.push(`${name} ${size} ${mtimeMs} ${mode}`)
  }
  return lines
}

async function expectRefused(
  args: readonly string[],
  code: ErrorCode,
  exit: number,
  as: 'me' | 'nobody' = 'me',
): Promise<NonNullable<Outcome['document']['error']>> {
  const before = await everything()
  const outcome = await zooark(args, as)
  const { error } = outcome.document
  expect(error, `${args.join(' ')}: ${JSON.stringify(outcome)}`).toMatchObject({ code, exitCode: exit })
  expect(outcome.exit).toBe(exit)
  expect(errorTable[code].exitCode).toBe(exit)
  expect(error?.hint).toMatch(/^[A-Z`].*\.$/)
  expect(error?.message).not.toBe('')
  expect(await everything()).toEqual(before)
  return error as NonNullable<typeof error>
}

const backup = (from: string, repo = 'new-repo'): string[] => ['backup', '--from', at(from), '--repo', at(repo)]
const restore = (...more: string[]): string[] => ['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('target'), '--yes', ...more]
const file = (path: string): unknown => expect.objectContaining({ file: expect.stringContaining(path) as string })

async function copyOfData(name: string): Promise<string> {
  await cp(at('data'), at(name), { recursive: true })
  return join(at(name), 'version-2')
}

describe('a source', () => {
  it('that does not exist', async () => {
    expect((await expectRefused(backup('nowhere'), 'SOURCE_NOT_FOUND', 21)).place).toEqual(file('nowhere'))
  })

  it('that is an empty directory', async () => {
    await mkdir(at('empty'))
    expect((await expectRefused(backup('empty'), 'SOURCE_EMPTY', 21)).place).toEqual(file('empty'))
  })

  it('that is a directory of something else', async () => {
    await mkdir(at('else/pictures'), { recursive: true })
    await writeFile(at('else/readme.txt'), 'not a server')
    expect((await expectRefused(backup('else'), 'SOURCE_NOT_ZOOKEEPER', 21)).place).toEqual(file('else'))
  })

  it('that is a file', async () => {
    await writeFile(at('a-file'), 'not a directory')
    expect((await expectRefused(backup('a-file'), 'SOURCE_NOT_FOUND', 21)).place).toEqual(file('a-file'))
  })

  it('with a snapshot and no logs', async () => {
    await rm(join(await copyOfData('snapshots'), 'log.100000001'))
    expect((await expectRefused(backup('snapshots'), 'SOURCE_NO_LOGS', 21)).hint).toContain('?log=')
  })

  it('with logs and no snapshot', async () => {
    await rm(join(await copyOfData('logs'), 'snapshot.0'))
    await expectRefused(backup('logs'), 'SOURCE_NO_SNAPSHOT', 21)
  })

  it('whose only snapshot is damaged', async () => {
    const path = join(await copyOfData('damaged'), 'snapshot.0')
    await truncate(path, 100)
    const error = await expectRefused(backup('damaged'), 'POINT_NOT_SETTLED', 22)
    expect(error.message).toContain('snapshot.0')
  })

  it('with a file that may not be read', async () => {
    await chmod(join(await copyOfData('locked'), 'snapshot.0'), 0)
    await mkdir(at('free'))
    await chmod(at('free'), 0o777)
    const args = ['backup', '--from', at('locked'), '--repo', at('free/repo')]
    expect((await expectRefused(args, 'SOURCE_UNREADABLE', 31, 'nobody')).place).toEqual(file('snapshot.0'))
  })

  it('that is a place of no kind, or of a later version', async () => {
    await expectRefused(['backup', '--from', 'ftp://x', '--repo', at('new-repo')], 'BAD_PLACE', 2)
    await expectRefused(['backup', '--from', 'zk://h:2181', '--repo', at('new-repo')], 'NOT_SUPPORTED', 2)
  })

  it('with a gap is taken on both sides of it, and the exit code says that it is incomplete', async () => {
    const server = await SampleServer.create(at('gap'), { timeMs: startMs })
    await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await server.create('/a', 'first', session)
    await server.sync()
    expect((await zooark(backup('gap', 'gap-repo'))).exit).toBe(0)
    await server.create('/b', 'lost', session)
    await server.snapshot()
    await server.close()
    for (const name of ['snapshot.0', 'log.100000001']) await rm(join(at('gap'), 'version-2', name))
    const next = await SampleServer.open(at('gap'), { timeMs: startMs + 1000, epoch: 'same' })
    await next.create('/c', 'behind the gap', session)
    await next.close()
    const outcome = await zooark(backup('gap', 'gap-repo'))
    expect(outcome).toMatchObject({ exit: 3, document: { gaps: [{ after: '0x100000002', before: '0x100000003' }] } })
    expect((await zooark(['status', '--repo', at('gap-repo')])).document).toMatchObject({
      gaps: [{ after: '0x100000002', before: '0x100000003' }],
    })
  })
})

describe('a point', () => {
  const point = (text: string): string[] => ['restore', '--repo', at('repo'), '--at', text, '--to', at('target'), '--yes']

  it.each([
    ['0x100000099', 'POINT_NOT_REACHABLE', 22],
    ['0x200000000', 'POINT_NOT_REACHABLE', 22],
    ['2099-01-01T00:00:00Z', 'POINT_NOT_REACHABLE', 22],
    ['name:never-given', 'POINT_NOT_REACHABLE', 22],
    ['before:delete:/never', 'POINT_NOT_REACHABLE', 22],
    ['latest@9', 'POINT_NOT_REACHABLE', 22],
    ['yesterday', 'BAD_POINT', 2],
    ['0xzz', 'BAD_POINT', 2],
  ] as const)('%s is %s', async (text, code, exit) => {
    await expectRefused(point(text), code, exit)
  })

  it('by time is refused before the first state that is known, and is the empty server where that is known', async () => {
    const server = await SampleServer.create(at('late'), { timeMs: startMs })
    await server.create('/a', 'first', session)
    await server.snapshot()
    await server.close()
    for (const name of ['snapshot.0', 'log.100000001']) await rm(join(at('late'), 'version-2', name))
    const next = await SampleServer.open(at('late'), { timeMs: startMs + 1000, epoch: 'same' })
    await next.create('/b', 'second', session)
    await next.close()
    expect((await zooark(backup('late', 'late-repo'))).exit).toBe(0)
    const early = (repo: string): string[] => [
      'restore',
      '--repo',
      at(repo),
      '--at',
      '2001-01-01T00:00:00Z',
      '--to',
      at('target'),
      '--dry-run',
    ]
    await expectRefused(early('late-repo'), 'POINT_NOT_REACHABLE', 22)
    expect((await zooark(early('repo'))).document).toMatchObject({ plan: { point: { zxid: '0x0' } } })
  })

  it('by time is the longest run of txns none of which is stamped later, also where the clock steps back', async () => {
    const server = await SampleServer.create(at('clock'), { timeMs: startMs })
    await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await server.commit(create('/a', 1), session, { afterMs: 60_000 })
    await server.commit(create('/b', 2), session, { afterMs: 60_000 })
    // The leader's clock steps back by 90 s: this txn is stamped before /b and after /a.
    await server.commit(create('/c', 3), session, { afterMs: -30_000 })
    await server.commit(create('/d', 4), session, { afterMs: 120_000 })
    await server.close()
    expect((await zooark(backup('clock', 'clock-repo'))).exit).toBe(0)
    const at100s = new Date(startMs + 100_000).toISOString()
    const plan = async (text: string): Promise<unknown> =>
      (await zooark(['restore', '--repo', at('clock-repo'), '--at', text, '--to', at('target'), '--dry-run'])).document
    // /c is stamped within 100 s, but /b before it is not: the prefix ends with /a.
    expect(await plan(at100s)).toMatchObject({ plan: { point: { zxid: '0x100000002' } } })
    expect(await plan(new Date(startMs + 130_000).toISOString())).toMatchObject({ plan: { point: { zxid: '0x100000004' } } })
  })
})

function create(path: string, parentCversion: number): Parameters<SampleServer['commit']>[0] {
  const acl = [{ perms: 31, scheme: Buffer.from('world'), id: Buffer.from('anyone') }]
  return { kind: 'create', path: Buffer.from(path), data: Buffer.from('x'), acl, ephemeral: false, parentCversion }
}

describe('a repository', () => {
  it('that does not exist', async () => {
    const args = ['restore', '--repo', at('nowhere'), '--at', 'latest', '--to', at('target'), '--yes']
    await expectRefused(args, 'REPOSITORY_NOT_FOUND', 10)
    await expectRefused(['status', '--repo', at('nowhere')], 'REPOSITORY_NOT_FOUND', 10)
    await expectRefused(['verify', '--repo', at('nowhere')], 'REPOSITORY_NOT_FOUND', 10)
  })

  it('whose place is taken by something else', async () => {
    await mkdir(at('taken'))
    await writeFile(at('taken/thesis.txt'), 'years of work')
    await expectRefused(backup('data', 'taken'), 'REPOSITORY_PLACE_TAKEN', 32)
    await writeFile(at('taken-file'), 'a file')
    await expectRefused(backup('data', 'taken-file'), 'REPOSITORY_PLACE_TAKEN', 32)
  })

  it('of a newer format', async () => {
    await cp(at('repo'), at('newer'), { recursive: true })
    await patch(at('newer/repository'), (bytes) => {
      bytes[8] = 2
      bytes[bytes.length - 16] = 2
    })
    for (const args of [backup('data', 'newer'), ['status', '--repo', at('newer')], ['verify', '--repo', at('newer')]])
      await expectRefused(args, 'REPOSITORY_FORMAT_TOO_NEW', 13)
    await expectRefused(
      ['restore', '--repo', at('newer'), '--at', 'latest', '--to', at('target'), '--yes'],
      'REPOSITORY_FORMAT_TOO_NEW',
      13,
    )
  })

  it('with a damaged object', async () => {
    await cp(at('repo'), at('rotten'), { recursive: true })
    await patch(at('rotten/repository'), (bytes) => {
      bytes[40] ^= 1
    })
    await expectRefused(backup('data', 'rotten'), 'REPOSITORY_DAMAGED', 20)
  })

  it('that may not be written', async () => {
    await cp(at('repo'), at('read-only'), { recursive: true })
    await cp(at('data'), at('grown'), { recursive: true })
    const more = await SampleServer.create(at('grown-more'), { timeMs: startMs })
    await more.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await more.create('/a', 'first', session)
    await more.setData('/a', 'second', session)
    await more.setData('/a', 'third', session)
    await more.close()
    await expectRefused(backup('grown-more', 'read-only'), 'STORE_UNREADABLE', 31, 'nobody')
    await mkdir(at('closed'))
    await chmod(at('closed'), 0o555)
    await expectRefused(backup('data', 'closed/repo'), 'STORE_UNREADABLE', 31, 'nobody')
  })
})

async function patch(path: string, change: (bytes: Uint8Array) => void): Promise<void> {
  const bytes = await readFile(path)
  change(bytes)
  await writeFile(path, bytes)
}

describe('a target', () => {
  it('that is not empty', async () => {
    await mkdir(at('full'))
    await writeFile(at('full/somebody'), 'else')
    expect(
      (await expectRefused(['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('full'), '--yes'], 'TARGET_NOT_EMPTY', 32)).place,
    ).toEqual(file('full'))
  })

  it('that is the data directory of the source', async () => {
    await expectRefused(['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('data'), '--yes'], 'TARGET_NOT_EMPTY', 32)
  })

  it('that is a file, or lies below one, or behind a link that leads nowhere', async () => {
    await writeFile(at('plain'), 'a file')
    const to = (name: string): string[] => ['restore', '--repo', at('repo'), '--at', 'latest', '--to', at(name), '--yes']
    await expectRefused(to('plain'), 'TARGET_UNWRITABLE', 32)
    await expectRefused(to('plain/below'), 'TARGET_UNWRITABLE', 32)
  })

  it('that a running process has open', async ({ skip }) => {
    if ((await readdir('/proc').catch(() => [])).length === 0) skip('there is no /proc to ask who has a directory open')
    await mkdir(at('open'))
    const holder = spawn(process.execPath, ['-e', "require('fs').openSync('.', 'r'); console.log('open'); setInterval(() => {}, 1000)"], {
      cwd: at('open'),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    const error = await expectRefused(['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('open'), '--yes'], 'TARGET_IN_USE', 32)
    expect(error.message).toContain(String(holder.pid))
    holder.kill('SIGKILL')
  })

  it('that may not be written', async () => {
    await mkdir(at('sealed'))
    await chmod(at('sealed'), 0o555)
    const error = await expectRefused(
      ['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('sealed/out'), '--yes'],
      'TARGET_UNWRITABLE',
      32,
      'nobody',
    )
    expect(error.place).toEqual(file('sealed'))
  })

  it('without --yes and without a terminal', async () => {
    await expectRefused(
      restore().filter((word) => word !== '--yes'),
      'CONFIRMATION_NEEDED',
      2,
    )
  })
})

describe('a saved plan', () => {
  it.each([
    ['no JSON', 'not a plan'],
    ['of another format', '{"format":2}'],
    ['cut off', '{"format":1,"repository":"/r","point":{"zxid":"0x1"'],
    [
      'without a target',
      '{"format":1,"repository":"/r","point":{"asked":"latest","timeline":"1","zxid":"0x1"},"mode":"exact","epoch":"1"}',
    ],
    [
      'with a zxid that is none',
      '{"format":1,"repository":"/r","point":{"asked":"latest","timeline":"1","zxid":"one"},"mode":"exact","epoch":"1","target":{"directory":"/t","logDirectory":null,"servers":null}}',
    ],
    ['that is a list', '[]'],
    ['with nulls', '{"format":1,"repository":"/r","point":null,"target":null}'],
    ['of deep nesting', `${'['.repeat(100_000)}`],
  ])('%s is a usage error that names the file', async (name, text) => {
    const path = at(`${name.replaceAll(' ', '-')}.json`)
    await writeFile(path, text)
    const error = await expectRefused(['restore', '--plan', path], text.includes('"one"') ? 'BAD_POINT' : 'USAGE', 2)
    if (!text.includes('"one"')) expect(error.place).toEqual(file('.json'))
  })

  it('that does not exist', async () => {
    await expectRefused(['restore', '--plan', at('no-plan.json')], 'USAGE', 2)
  })

  it('whose words were changed by hand', async () => {
    const path = at('changed.json')
    expect(
      (await zooark(['restore', '--repo', at('repo'), '--at', 'latest', '--to', at('target'), '--dry-run', '--plan', path])).exit,
    ).toBe(0)
    await writeFile(path, (await readFile(path, 'utf8')).replace('client-safe', 'exact'))
    await expectRefused(['restore', '--plan', path], 'PLAN_STALE', 32)
  })
})

/** A small file system of its own, where we may mount one. */
async function withTmpfs(name: string, size: string, skip: (why: string) => never, act: (path: string) => Promise<void>): Promise<void> {
  const path = at(name)
  await mkdir(path)
  if (!isRoot || (await command('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])) !== 0)
    skip('only the superuser can mount a small file system')
  try {
    await act(path)
  } finally {
    expect(await command('umount', [path])).toBe(0)
  }
}

function command(program: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore' })
    child.on('error', () => resolve(-1))
    child.on('close', resolve)
  })
}

describe('a full disk', () => {
  it('under the repository: what was committed stands, and the next run with room succeeds', async ({ skip }) => {
    const server = await SampleServer.create(at('big'), { timeMs: startMs })
    await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await server.create('/a', 'small', session)
    await server.sync()
    await withTmpfs('small-disk', '8m', skip, async (path) => {
      const repo = join(path, 'repo')
      expect((await zooark(['backup', '--from', at('big'), '--repo', repo])).exit).toBe(0)
      const noise = await noiseText(400_000)
      for (let i = 0; i < 5; i++) await server.create(`/big-${i}`, noise.slice(i * 50_000, i * 50_000 + 200_000), session)
      await server.sync()
      const ballast = await open(join(path, 'ballast'), 'w')
      await ballast.write(Buffer.alloc(7_900_000, 1))
      await ballast.close()
      const outcome = await zooark(['backup', '--from', at('big'), '--repo', repo])
      expect(outcome, JSON.stringify(outcome)).toMatchObject({ exit: 1, document: { error: { code: 'STORE_FULL' } } })
      expect(await zooark(['verify', '--repo', repo, '--level', 'replay'])).toMatchObject({ exit: 0, document: { ok: true } })
      await rm(join(path, 'ballast'))
      expect((await zooark(['backup', '--from', at('big'), '--repo', repo])).exit).toBe(0)
      expect(await zooark(['verify', '--repo', repo, '--level', 'replay'])).toMatchObject({ exit: 0, document: { ok: true } })
    })
    await server.close()
  })

  it('under the target: nothing of it is left', async ({ skip }) => {
    const server = await SampleServer.create(at('wide'), { timeMs: startMs })
    await server.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    for (let i = 0; i < 8; i++) await server.create(`/wide-${i}`, 'x'.repeat(100_000), session)
    await server.close()
    expect((await zooark(backup('wide', 'wide-repo'))).exit).toBe(0)
    await withTmpfs('small-target', '300k', skip, async (path) => {
      const args = ['restore', '--repo', at('wide-repo'), '--at', 'latest', '--to', join(path, 'deep', 'out'), '--yes']
      const outcome = await zooark(args)
      expect(outcome, JSON.stringify(outcome)).toMatchObject({ exit: 1, document: { error: { code: 'STORE_FULL', place: file(path) } } })
      expect(await readdir(path)).toEqual([])
    })
  })

  it('a target that is a mount point is refused before anything is written, with the way out', async ({ skip }) => {
    await withTmpfs('mounted', '10m', skip, async (path) => {
      await expectRefused(['restore', '--repo', at('repo'), '--at', 'latest', '--to', path, '--dry-run'], 'TARGET_UNWRITABLE', 32)
      const error = await expectRefused(['restore', '--repo', at('repo'), '--at', 'latest', '--to', path, '--yes'], 'TARGET_UNWRITABLE', 32)
      expect(error.hint).toContain('mount point')
      expect((await zooark(['restore', '--repo', at('repo'), '--at', 'latest', '--to', join(path, 'out'), '--yes'])).exit).toBe(0)
    })
  })
})

/** Text that does not compress. */
async function noiseText(length: number): Promise<string> {
  const { createHash } = await import('node:crypto')
  let text = ''
  for (let i = 0; text.length < length; i++) text += createHash('sha512').update(String(i)).digest('base64')
  return text
}
