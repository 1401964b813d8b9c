import { ZooArkError } from '../base/errors.ts'
import { printable } from './format-text.ts'

export interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stderr: NodeJS.WriteStream
  readonly signal: AbortSignal
}

/** Asks on stderr (stdout belongs to the result) and reads one line. Only `y` and `yes` are yes. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const { stdin, stderr, signal } = terminal
  if (!stdin.isTTY || !stderr.isTTY) throw new ZooArkError('CONFIRMATION_NEEDED', 'there is no terminal to ask on')
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    // Without this, readline swallows Ctrl-C: it must end the question and the command.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    const answer = await lines.question(`${printable(question)} [y/N] `, { signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error
  } finally {
    lines.close()
  }
}
