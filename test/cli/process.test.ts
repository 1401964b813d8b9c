import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildCheckout, cleanEnvironment, runZooark } from './run-zooark.ts'

const program = fileURLToPath(new URL('programs/stub-command.mjs', import.meta.url))
const status = ['status', '--repo', 'r']

beforeAll(buildCheckout)

/** The error itself is output too: a second signal on it would end the process at once. */
function once(act: (kill: (signal: NodeJS.Signals) => void) => void): (text: string, kill: (signal: NodeJS.Signals) => void) => void {
  let isDone = false
  return (_text, kill) => {
    if (!isDone) act(kill)
    isDone = true
  }
}

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stops the command cleanly and exits with %i', async (signal, exit) => {
    const outcome = await runZooark(['wait', ...status], { program, onStdout: once((kill) => kill(signal)) })
    expect(outcome).toMatchObject({ stdout: 'working\n', exit })
    expect(outcome.stderr).toMatch(/^error: stopped by .* \(INTERRUPTED\)\nnext: {2}Run the command again/)
  })

  it('is in the JSON with its own exit code', async () => {
    const outcome = await runZooark(['wait', ...status, '--json'], { program, onStdout: once((kill) => kill('SIGTERM')) })
    expect(outcome).toMatchObject({ exit: 143, stderr: '' })
    const last: unknown = JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '')
    expect(last).toMatchObject({ error: { code: 'INTERRUPTED', exitCode: 143, retryable: true } })
  })

  it('that comes twice ends a command that does not listen', async () => {
    let sent = 0
    const outcome = await runZooark(['deaf', ...status], {
      program,
      onStdout: (text, kill) => {
        if (sent === 0 || (sent === 1 && text.includes('heard'))) {
          sent++
          kill('SIGINT')
        }
      },
    })
    expect(outcome).toMatchObject({ stdout: 'working\nheard\n', exit: 130 })
  })
})

describe('a defect', () => {
  it('exits with 70 and says that it is ours', async () => {
    const outcome = await runZooark(['bug', ...status], { program })
    expect(outcome.exit).toBe(70)
    expect(outcome.stderr).toMatch(/^error: x is undefined \(BUG\)\nnext: {2}This is a defect of ZooArk/)
    expect(outcome.stderr).toContain('stub-command.mjs')
  })

  it('that nobody awaits exits with 70 too', async () => {
    const outcome = await runZooark(['late', ...status], { program })
    expect(outcome).toMatchObject({ exit: 70, stderr: expect.stringContaining('thrown behind the back (BUG)') as string })
  })
})

describe('a reader that goes away', () => {
  it('ends a listing quietly', async () => {
    const child = spawn(process.execPath, [program, 'list', 'status', '--repo', 'r'], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const exit = await new Promise((resolve) => child.on('close', resolve))
    expect({ exit, stderr }).toEqual({ exit: 3, stderr: '' })
  })

  it('that stays gets every line', async () => {
    const outcome = await runZooark(['list', ...status], { program })
    expect(outcome.exit).toBe(0)
    expect(outcome.stdout.split('\n')).toHaveLength(1_000_001)
    expect(outcome.stdout.endsWith('line 999999\n')).toBe(true)
  })
})
