import { cp, mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkJsonOutput } from './json-contract.ts'
import { buildCheckout, type Outcome, root, runZooark } from './run-zooark.ts'

let directory: string
let whole: string
beforeAll(async () => {
  buildCheckout()
  directory = await mkdtemp(join(tmpdir(), 'zooark-verify-damage-'))
  whole = join(directory, 'whole')
  const data = join(root, 'test/vectors/zookeeper/3.8.4/mixed')
  const { exit, stderr } = await runZooark(['backup', '--from', data, '--repo', whole])
  expect(`${exit} ${stderr}`).toMatch(/^0 /)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function json(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly outcome: Outcome; readonly lines: Record<string, unknown>[] }> {
  const all = [...args, '--json']
  const outcome = await runZooark(all, { env })
  expect(checkJsonOutput(all, outcome.stdout)).toEqual([])
  const lines = outcome.stdout.split('\n').filter((line) => line !== '')
  return { outcome, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a repository whose one segment is gone', () => {
  let repo: string
  let object: string
  beforeAll(async () => {
    repo = join(directory, 'gone')
    await cp(whole, repo, { recursive: true })
    const [name] = await readdir(join(repo, 'segment'))
    object = `segment/${name}`
    await rm(join(repo, object))
  })

  test('verify names it and ends with 20, as text and as JSON', async () => {
    const text = await runZooark(['verify', '--repo', repo, '--level', 'chain'])
    expect(text.exit).toBe(20)
    expect(text.stdout.split('\n').slice(0, 2)).toEqual([
      `DAMAGED: 1 finding at level chain in ${repo}.`,
      `  object ${object}: a commit refers to it and it is not there (OBJECT_NOT_FOUND)`,
    ])
    expect(text.stderr).toContain('VERIFY_FAILED')
    const { outcome, lines } = await json(['verify', '--repo', repo, '--level', 'replay'])
    expect(outcome.exit).toBe(20)
    expect(lines[0]).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.objectContaining({ place: { object } })]) })
    expect(lines[1]).toMatchObject({ error: { code: 'VERIFY_FAILED', exitCode: 20 } })
  })

  test('status does not promise what is gone', async () => {
    const text = await runZooark(['status', '--repo', repo])
    expect(text.exit).toBe(20)
    const [first, second] = text.stdout.split('\n')
    expect(first).toContain('AS FAR AS THE DAMAGE BELOW ALLOWS')
    expect(second).toBe(`DAMAGED ${object}: a commit refers to it and it is not there`)
    const { lines } = await json(['status', '--repo', repo])
    expect(lines[0]).toMatchObject({ findings: [{ code: 'OBJECT_NOT_FOUND', place: { object } }] })
  })
})

test('a head that is cut short is named, and its timeline as unread', async () => {
  const repo = join(directory, 'cut')
  await cp(whole, repo, { recursive: true })
  await truncate(join(repo, 'head/1/0000000001'), 100)
  const { outcome, lines } = await json(['verify', '--repo', repo, '--level', 'replay'])
  expect(outcome.exit).toBe(20)
  expect(lines[0]).toMatchObject({
    ok: false,
    unread: ['1'],
    findings: [{ code: 'REPOSITORY_DAMAGED', place: { object: 'head/1/0000000001' } }],
  })
  expect((await runZooark(['status', '--repo', repo])).exit).toBe(20)
})

test('a start of a server that was asked for and cannot be is no success: 3, with the reason', async () => {
  const { outcome, lines } = await json(['verify', '--repo', whole, '--level', 'boot'], { PATH: '', JAVA_HOME: '' })
  expect(outcome.exit).toBe(3)
  expect(lines[0]).toMatchObject({ ok: true, boot: { skipped: 'there is no java on PATH or in JAVA_HOME', states: [] } })
  expect(lines[1]).toMatchObject({ error: { code: 'JAVA_NOT_FOUND' } })
})
