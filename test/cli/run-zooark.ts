/** Runs the CLI of this checkout as a process of its own, as a person does. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const bin = join(root, 'bin', 'zooark.mjs')

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  /** Exit code, or the name of the signal that ended it. */
  readonly exit: number | string
}

/** Environment without what would change the answers: variables of ZooArk, colours, locale, time zone. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('ZOOARK_'),
  )
  return { ...Object.fromEntries(kept), NO_COLOR: '1', TZ: 'Pacific/Auckland', ...extra }
}

/** Builds dist where it is stale; called once before the CLI is run many times. */
export function buildCheckout(): void {
  const result = spawnSync(process.execPath, [join(root, 'scripts', 'ensure.mjs'), '--build'], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`the checkout does not build: ${result.stderr}`)
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly program?: string
  /** Called with all of stdout so far, whenever more came. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** stdin is empty and no terminal. */
export function runZooark(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.program ?? bin, ...args], {
      cwd: options.cwd,
      env: cleanEnvironment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      options.onStdout?.(stdout, (signal) => child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ stdout, stderr, exit: code ?? signal ?? 'unknown' }))
  })
}
