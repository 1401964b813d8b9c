/** Runs a program to its end with bounded time and bounded output. Used for mvn, javac and the Java helpers that answer and exit. */
import { spawn } from 'node:child_process'

export interface CommandOutcome {
  /** Exit code, or null when it was killed (`timedOut` tells whether by us). */
  readonly code: number | null
  readonly timedOut: boolean
  /** The last `outputBytesMax` bytes of stdout and stderr together. */
  readonly tail: string
}

export interface CommandOptions {
  readonly timeoutMs: number
  readonly cwd?: string
  readonly outputBytesMax?: number
  /** Called with every complete line of stdout. */
  readonly onLine?: (line: string) => void
}

/** Never rejects for a failing program; a program that cannot be started gives code 127 and the reason in `tail`. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<CommandOutcome> {
  const outputBytesMax = options.outputBytesMax ?? 4000
  return new Promise((resolve) => {
    let tail = ''
    let pending = ''
    let timedOut = false
    const child = spawn(program, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeoutMs)
    const keep = (text: string): void => {
      tail = (tail + text).slice(-outputBytesMax)
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      keep(text)
      if (options.onLine === undefined) return
      const lines = (pending + text).split('\n')
      pending = lines.pop() ?? ''
      for (const line of lines) options.onLine(line)
    })
    child.stderr.setEncoding('utf8').on('data', keep)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ code: 127, timedOut: false, tail: error.message })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (pending !== '') options.onLine?.(pending)
      resolve({ code, timedOut, tail })
    })
  })
}
