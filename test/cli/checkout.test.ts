/** bin/zooark.mjs in small checkouts of its own: builds once, builds again when a source changed, never in an installed package. */
import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildCheckout, cleanEnvironment, root, runZooark } from './run-zooark.ts'

let checkout = ''
const inCheckout = (...path: string[]): string => join(checkout, ...path)
const run = (...args: string[]) => runZooark(args, { program: inCheckout('bin', 'zooark.mjs') })

/** A main that says `word`, as the only source. */
function writeSource(word: string): void {
  const text = `export function main(args: readonly string[]): Promise<void> {\n  console.log('${word}', ...args)\n  return Promise.resolve()\n}\n`
  writeFileSync(inCheckout('src', 'cli', 'main.ts'), text)
}

beforeAll(buildCheckout)

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'zooark-checkout-'))
  // With their times, so that the stamp in the shared node_modules, which knows size and time of the lock file, holds here too.
  for (const name of ['bin', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(root, name), inCheckout(name), { recursive: true, preserveTimestamps: true })
  const lockTimes = statSync(join(root, 'package-lock.json'))
  utimesSync(inCheckout('package-lock.json'), lockTimes.atime, lockTimes.mtime)
  symlinkSync(join(root, 'node_modules'), inCheckout('node_modules'))
  mkdirSync(inCheckout('src', 'cli'), { recursive: true })
  writeSource('first')
})

afterEach(() => rmSync(checkout, { recursive: true, force: true }))

describe('the CLI of a checkout', () => {
  it('builds at the first use, and again only when a source changed', async () => {
    expect(await run('a', '--b')).toEqual({ stdout: 'first a --b\n', stderr: '', exit: 0 })
    const builtAt = statSync(inCheckout('dist', 'cli', 'main.js')).ino
    expect(await run('a')).toMatchObject({ stdout: 'first a\n' })
    expect(statSync(inCheckout('dist', 'cli', 'main.js')).ino).toBe(builtAt)
    writeSource('second one')
    expect(await run('a')).toMatchObject({ stdout: 'second one a\n' })
  })

  it('does not build again for a test', async () => {
    await run('a')
    const builtAt = statSync(inCheckout('dist', 'cli', 'main.js')).ino
    writeFileSync(inCheckout('src', 'cli', 'main.test.ts'), 'export {}\n')
    await run('a')
    expect(statSync(inCheckout('dist', 'cli', 'main.js')).ino).toBe(builtAt)
  })

  it('forgets a source that was removed', async () => {
    writeFileSync(inCheckout('src', 'cli', 'other.ts'), 'export const other = 1\n')
    await run('a')
    expect(existsSync(inCheckout('dist', 'cli', 'other.js'))).toBe(true)
    rmSync(inCheckout('src', 'cli', 'other.ts'))
    await run('a')
    expect(existsSync(inCheckout('dist', 'cli', 'other.js'))).toBe(false)
  })

  it('says its version without a build', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await run('--version')).toEqual({ stdout: `zooark ${version}\n`, stderr: '', exit: 0 })
    expect(existsSync(inCheckout('dist'))).toBe(false)
  })

  it('started four times at once builds without harm', async () => {
    const outcomes = await Promise.all(['1', '2', '3', '4'].map((word) => run(word)))
    expect(outcomes.map(({ stdout, exit }) => ({ stdout, exit }))).toEqual(
      ['1', '2', '3', '4'].map((word) => ({ stdout: `first ${word}\n`, exit: 0 })),
    )
  })

  it('takes over from a process that died while it built', async () => {
    const dead = spawnSync(process.execPath, ['-e', '0'])
    mkdirSync(inCheckout('.build', 'lock'), { recursive: true })
    writeFileSync(inCheckout('.build', 'lock', 'pid'), String(dead.pid))
    expect(await run('a')).toMatchObject({ stdout: 'first a\n', exit: 0 })
    expect(existsSync(inCheckout('.build', 'lock'))).toBe(false)
  })

  it('waits for a living process that builds, and says so', async () => {
    mkdirSync(inCheckout('.build', 'lock'), { recursive: true })
    writeFileSync(inCheckout('.build', 'lock', 'pid'), String(process.pid))
    const child = spawn(process.execPath, [inCheckout('bin', 'zooark.mjs'), 'a'], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const stderr = await new Promise<string>((resolve) => child.stderr.setEncoding('utf8').once('data', resolve))
    expect(stderr).toBe(`zooark: process ${process.pid} prepares this checkout; waiting for it …\n`)
    rmSync(inCheckout('.build', 'lock'), { recursive: true })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  })

  it('says in plain words that the sources do not compile, and keeps the build that it had', async () => {
    await run('a')
    writeFileSync(inCheckout('src', 'cli', 'main.ts'), 'export function {\n')
    const outcome = await run('a')
    expect(outcome).toMatchObject({ stdout: '', exit: 1 })
    expect(outcome.stderr).toMatch(/^zooark: the sources do not compile:\nsrc\/cli\/main\.ts\(1,/)
    expect(existsSync(inCheckout('dist', 'cli', 'main.js'))).toBe(true)
    writeSource('first')
    expect(await run('a')).toMatchObject({ stdout: 'first a\n', exit: 0 })
  })

  it('says in plain words that npm failed', async () => {
    rmSync(inCheckout('node_modules'))
    const npm = inCheckout('npm-cli.js')
    writeFileSync(npm, "process.stderr.write('no network\\n'); process.exit(7)\n")
    const outcome = await runZooark(['a'], { program: inCheckout('bin', 'zooark.mjs'), env: { npm_execpath: npm } })
    expect(outcome).toMatchObject({ stdout: '', exit: 1 })
    expect(outcome.stderr).toMatch(/no network\nzooark: npm could not install the packages \(exit 7\)/)
  })

  it('says in plain words that there is no npm', async () => {
    rmSync(inCheckout('node_modules'))
    const outcome = await runZooark(['a'], {
      program: inCheckout('bin', 'zooark.mjs'),
      env: { npm_execpath: '', PATH: inCheckout('none') },
    })
    expect(outcome).toMatchObject({ stdout: '', exit: 1 })
    expect(outcome.stderr).toContain('zooark: npm could not be started')
  })
})

describe('the CLI of an installed package', () => {
  it('never builds', async () => {
    await run('a')
    for (const name of ['src', 'scripts', '.build', 'tsconfig.json', 'package-lock.json']) rmSync(inCheckout(name), { recursive: true })
    renameSync(inCheckout('dist', 'cli', 'main.js'), inCheckout('dist', 'cli', 'main.js.away'))
    expect(await run('a')).toMatchObject({ exit: 1, stderr: expect.stringContaining('ERR_MODULE_NOT_FOUND') as string })
    renameSync(inCheckout('dist', 'cli', 'main.js.away'), inCheckout('dist', 'cli', 'main.js'))
    expect(await run('a')).toEqual({ stdout: 'first a\n', stderr: '', exit: 0 })
  })
})
