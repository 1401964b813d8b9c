import { ZooArkError } from '../base/errors.ts'
import { printable } from './format-text.ts'

export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly signal: AbortSignal
}

/** Asks on stderr (stdout belongs to the result) and reads one line. Only `y` and `yes` are yes. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const { stdin, stderr, signal } = terminal
  if (stdin.isTTY !== true || stderr.isTTY !== true) throw new ZooArkError('CONFIRMATION_NEEDED', 'there is no terminal to ask on')
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    // Without this, readline swallows Ctrl-C: it must end the question and the command.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    const answer = await lines.question(`${printable(question)} [y/N] `, { signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    signal.throwIfAborted()
    // Ctrl-D: the terminal has no more to say, which is no yes.
    if (error instanceof Error && error.name === 'AbortError') return false
    throw error
  } finally {
    lines.close()
  }
}
