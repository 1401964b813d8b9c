import { systemClock } from '../base/clock.ts'
import { ZooArkError, exitCodes } from '../base/errors.ts'
import { commandNames, commands, notYet } from '../config/commands.ts'
import type { CommandName } from '../config/commands.ts'
import { suggest } from '../config/suggest.ts'
import type { ExitCode, RunCommand } from './command-context.ts'
import { confirm } from './confirm.ts'
import { Output } from './output.ts'
import { failureDocument, formatFailure, toZooArkError } from './report-failure.ts'

/** The process as a command sees it: signals, closed pipes, exit codes. Everything else is in the tables and in commands/. */

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name)

/** Whether --json was asked for, also where the rest of the line cannot be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json') || ['1', 'true', 'yes'].includes(process.env.ZOOARK_JSON ?? '')
}

/** Finds the code of a command; handed in so that tests can put their own command in place of one of the table. */
export type LoadCommand = (name: CommandName) => Promise<RunCommand>

const loadFromFolder: LoadCommand = async (name) => (await import('./load-command.ts')).loadCommand(name)

/**
 * Runs one command to its end and sets the exit code of the process.
 * @param args what stands behind `zooark`
 */
export async function main(args: readonly string[], load: LoadCommand = loadFromFolder): Promise<void> {
  const json = wantsJson(args)
  const controller = new AbortController()
  let stopCode: ExitCode | undefined
  const stop = (code: ExitCode) => (): void => {
    // The second signal means now: the flows are crash-safe, so nothing is lost by that.
    if (stopCode !== undefined) process.exit(code)
    stopCode = code
    controller.abort(new ZooArkError('INTERRUPTED', code === exitCodes.terminated ? 'stopped by SIGTERM' : 'stopped by Ctrl-C'))
  }
  process.on('SIGINT', stop(exitCodes.interrupted))
  process.on('SIGTERM', stop(exitCodes.terminated))
  const name = args[0]
  const whenOutputCloses = name !== undefined && isCommand(name) ? commands[name].whenOutputCloses : 'stop'
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      // The reader went away (`| head`): a listing is over and incomplete; a backup, a restore or a proof goes on.
      if (whenOutputCloses === 'stop') process.exit(exitCodes.incompleteOrDifferent)
    })
  }
  const failed = (thrown: unknown): ExitCode => {
    const error = toZooArkError(thrown)
    const exitCode = error.code === 'INTERRUPTED' ? (stopCode ?? error.exitCode) : error.exitCode
    if (json) process.stdout.write(`${JSON.stringify(failureDocument(error, exitCode))}\n`)
    if (!json || error.code === 'BUG') process.stderr.write(formatFailure(error))
    return exitCode
  }
  process.on('uncaughtException', (error) => process.exit(failed(error)))
  try {
    process.exitCode = await dispatch(args, json ? 'json' : 'text', controller.signal, load)
  } catch (error) {
    process.exitCode = failed(error)
  }
  process.stdin.unref?.()
}

/** Answers what the tables can answer, else runs the command's file. */
async function dispatch(args: readonly string[], format: 'text' | 'json', signal: AbortSignal, load: LoadCommand): Promise<ExitCode> {
  // People write --json anywhere; commander wants it behind the command.
  const [name = 'help', ...rest] = args[0] === '--json' ? [...args.slice(1), '--json'] : args
  if (name === '--json') return showHelp(undefined)
  if (name === '--help' || name === '-h' || name === 'help') return showHelp(rest.filter((arg) => !arg.startsWith('-'))[0])
  if (Object.hasOwn(notYet, name))
    throw new ZooArkError('NOT_SUPPORTED', `\`zooark ${name}\` is planned and not in this version`, { hint: notYet[name] })
  if (!isCommand(name)) throw unknownCommand(name)
  const { parseArguments } = await import('./parse-arguments.ts')
  const parsed = parseArguments(name, rest, process.env)
  if (parsed.action === 'help') return showHelp(name)
  if (name === 'help') return showHelp(parsed.args[0])
  if (name === 'completion') return showCompletion(parsed.args[0])
  const output = new Output({ command: name, format, stdout: process.stdout, stderr: process.stderr, clock: systemClock })
  const run = await load(name)
  try {
    return await run({
      command: name,
      args: parsed.args,
      options: parsed.options,
      output,
      clock: systemClock,
      signal,
      onProgress: (event) => output.progress(event),
      onNotice: (text) => output.notice(text),
      confirm: (question) => {
        output.clearProgress()
        return confirm({ stdin: process.stdin, stderr: process.stderr, signal }, question)
      },
    })
  } finally {
    await output.flush()
  }
}

function unknownCommand(name: string): ZooArkError {
  const near = suggest(name, commandNames)
  return new ZooArkError(
    'USAGE',
    `there is no command '${name}'`,
    near === undefined ? {} : { hint: `Did you mean \`zooark ${near}\`? See \`zooark help\`.` },
  )
}

async function showHelp(name: string | undefined): Promise<ExitCode> {
  const { formatCommandHelp, formatHelp } = await import('../config/help.ts')
  if (name !== undefined && Object.hasOwn(notYet, name))
    throw new ZooArkError('NOT_SUPPORTED', `\`zooark ${name}\` is planned and not in this version`, { hint: notYet[name] })
  if (name !== undefined && !isCommand(name)) throw unknownCommand(name)
  process.stdout.write(name === undefined ? formatHelp() : formatCommandHelp(name))
  return exitCodes.clean
}

async function showCompletion(text: string): Promise<ExitCode> {
  const { formatCompletion, shells } = await import('../config/completion.ts')
  const shell = shells.find((known) => known === text)
  if (shell === undefined) throw new ZooArkError('USAGE', `there is no completion for '${text}', only for ${shells.join(', ')}`)
  process.stdout.write(formatCompletion(shell))
  return exitCodes.clean
}
