/**
 * Transcripts: what a person types and sees, as text files under test/cli/transcripts.
 *
 *     # a comment
 *     @copy test/vectors/x data       copies a file or folder of the checkout to data in the run's own directory
 *     @write plan.json {"a":1}        writes a file there
 *     @zooark backup --from d --repo r   runs a command that must succeed; what it prints is another transcript's business
 *     $ zooark status --repo r        a command; words may be in single or double quotes; cwd is the run's own directory
 *     a line of stdout
 *     ! a line of stderr
 *     ? 2                             the exit code, where it is not 0
 *
 * Output of --json must keep the contract of src/config/json-output.ts.
 * Times, durations, rates, sizes of stored objects and the run's directory are normalised, so that the files are the same on every machine.
 * `UPDATE_TRANSCRIPTS=1 npx vitest run test/cli` writes what was seen; read the difference before you commit it.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkJsonOutput } from './json-contract.ts'
import type { Outcome } from './run-zooark.ts'
import { root, runZooark } from './run-zooark.ts'

/** The words of a command line as a shell would divide it; no variables, no globs. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  const pattern = /\s*((?:'[^']*'|"[^"]*"|[^\s'"])+)/gy
  for (const match of line.trim().matchAll(pattern))
    words.push(match[1].replaceAll(/'([^']*)'|"([^"]*)"/g, (_all, single?: string, double?: string) => single ?? double ?? ''))
  return words
}

/** What differs from run to run, replaced by a word. */
export function normalise(text: string, directory: string): string {
  return (
    text
      .replaceAll(directory, 'DIR')
      .replaceAll(root.replace(/\/$/, ''), 'CHECKOUT')
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
      .replaceAll(/("(?:\w*[dD]uration|\w*[aA]ge|\w*[eE]lapsed)Ms":)\d+/g, '$1N')
      .replaceAll(/\b(?:\d+ ms|\d+\.\d s|\d+ min \d\d s|\d+ h \d\d min|\d+ d \d+ h)\b/g, 'DURATION')
      .replaceAll(/\b[\d.,]+ (?:[KMGT]i)?B\/s/g, 'RATE')
      // Objects hold times, random names and what one zstd or another made of them.
      .replaceAll(/(\bobjects?, )[\d.]+ (?:[KMGT]i)?B/g, '$1SIZE')
      .replaceAll(/("objects":\d+,"bytes":)\d+/g, '$1N')
  )
}

const formatOutcome = (outcome: Outcome, directory: string): string[] => {
  const lines = (text: string, prefix: string): string[] =>
    text === ''
      ? []
      : normalise(text, directory)
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${prefix}${line}`.trimEnd())
  return [...lines(outcome.stdout, ''), ...lines(outcome.stderr, '! '), ...(outcome.exit === 0 ? [] : [`? ${outcome.exit}`])]
}

async function perform(line: string, directory: string): Promise<void> {
  const [verb, name, ...rest] = splitWords(line)
  if (verb === '@copy') {
    const target = join(directory, rest[0])
    await mkdir(dirname(target), { recursive: true })
    await cp(join(root, name), target, { recursive: true })
  } else if (verb === '@write') {
    await writeFile(join(directory, name), `${line.slice(line.indexOf(name) + name.length + 1)}\n`)
  } else if (verb === '@zooark') {
    const { exit, stderr } = await runZooark([name, ...rest], { cwd: directory })
    if (exit !== 0) throw new Error(`${line}\n  ended with ${exit}: ${stderr}`)
  } else {
    throw new Error(`a transcript knows @copy, @write and @zooark, not ${verb}`)
  }
}

/** Runs the commands of a transcript in `directory` and gives the transcript as it was seen this time. */
export async function replayTranscript(text: string, directory: string): Promise<string> {
  const seen: string[] = []
  let commands = 0
  for (const line of text.split('\n')) {
    if (line.startsWith('# ') || line.startsWith('@')) {
      if (seen.length > 0 && commands > 0) seen.push('')
      seen.push(line)
      commands = 0
      if (line.startsWith('@')) await perform(line, directory)
    } else if (line.startsWith('$ zooark')) {
      if (seen.length > 0 && commands > 0) seen.push('')
      seen.push(line)
      commands++
      const args = splitWords(line).slice(2)
      const outcome = await runZooark(args, { cwd: directory })
      const departures = args.includes('--json') ? checkJsonOutput(args, outcome.stdout) : []
      if (departures.length > 0) throw new Error(`${line}\n  departs from docs/reference/json.md:\n  ${departures.join('\n  ')}`)
      seen.push(...formatOutcome(outcome, directory))
    } else if (line.startsWith('$ ')) {
      throw new Error(`a transcript runs only zooark, not: ${line}`)
    }
  }
  return `${seen.join('\n')}\n`
}
