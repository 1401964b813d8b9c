import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { buildCheckout, root } from '../cli/run-zooark.ts'

beforeAll(buildCheckout)

const kills = 8
const timeoutMs = 300_000

it(
  `kill -9 at ${kills} random moments of backup and restore leaves a whole repository, loses nothing acknowledged and leaves no half target`,
  async () => {
    const { output, exit } = await runScript('kill-backup-restore.mjs', ['--kills', String(kills), '--znodes', '500'])
    expect({ output, exit }).toMatchObject({ exit: 0 })
    const last: unknown = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')
    expect(last, output).toMatchObject({ verified: expect.any(Number) as number, rootsEqual: expect.any(Number) as number })
    const { backupsKilled, firstBackupsKilled, restoresKilled } = last as Record<string, number>
    expect(backupsKilled + firstBackupsKilled + restoresKilled, output).toBeGreaterThanOrEqual(kills)
  },
  timeoutMs,
)

function runScript(name: string, args: readonly string[]): Promise<{ readonly output: string; readonly exit: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'test', 'acceptance', name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stderr, child.stdout]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', reject)
    child.on('close', (exit) => resolve({ output, exit }))
  })
}
