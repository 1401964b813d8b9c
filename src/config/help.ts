import { commandNames, commands, notYet, optionsOf } from './commands.ts'
import type { CommandName, CommandRow } from './commands.ts'
import { environmentName, exitCodeMeanings, mayComeFromEnvironment, commonExitCodes, options } from './options.ts'
import type { OptionName, OptionRow } from './options.ts'

/** Help as text for a terminal, from the tables. */

const columnsMax = 100

/** Breaks text at spaces; every line but the first starts with `indent` spaces. */
export function wrap(text: string, indent: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > columnsMax) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}

/** Two columns, the second wrapped. */
function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 4
  return rows.map(([left, right]) => `  ${left.padEnd(width - 2)}${wrap(right, width)}`)
}

export function usageOf(name: CommandName): string {
  const row: CommandRow = commands[name]
  const required = row.required.map((option) => `${options[option].flag} ${(options[option] as OptionRow).value ?? ''}`.trim())
  const args = row.arguments.map((argument) => (argument.need === 'required' ? argument.value : `[${argument.value}]`))
  const optional = optionsOf(name).length > row.required.length ? ['[options]'] : []
  return ['zooark', name, ...required, ...optional, ...args].join(' ')
}

/** `--flag VALUE`, as help and reference show it. */
export function flagText(name: OptionName): string {
  const row: OptionRow = options[name]
  return row.value === undefined ? row.flag : `${row.flag} ${row.value}`
}

/** What stands behind the help of an option: choices' default, environment variable. */
export function optionNotes(name: OptionName, required: readonly OptionName[]): string {
  const row: OptionRow = options[name]
  const notes: string[] = []
  if (required.includes(name)) notes.push('required')
  if (row.kind === 'choice' && row.choices !== undefined) notes.push(`one of ${row.choices.join(', ')}`)
  if (row.default !== undefined) notes.push(`default ${row.default}`)
  if (mayComeFromEnvironment(name)) notes.push(`also ${environmentName(name)}`)
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`
}

export function exitCodesOf(name: CommandName): readonly number[] {
  return [...new Set([...commonExitCodes, ...commands[name].exitCodes])].sort((a, b) => a - b)
}

/** `zooark help COMMAND`. */
export function formatCommandHelp(name: CommandName): string {
  const row: CommandRow = commands[name]
  const sections = [`Usage: ${usageOf(name)}`, wrap(`${row.summary[0].toUpperCase()}${row.summary.slice(1)}.`, 0)]
  for (const paragraph of row.details ?? []) sections.push(wrap(paragraph, 0))
  if (row.arguments.length > 0)
    sections.push(['Arguments:', ...twoColumns(row.arguments.map((argument) => [argument.value, argument.help]))].join('\n'))
  sections.push(
    [
      'Options:',
      ...twoColumns(optionsOf(name).map((option) => [flagText(option), options[option].help + optionNotes(option, row.required)])),
    ].join('\n'),
  )
  sections.push(['Exit codes:', ...twoColumns(exitCodesOf(name).map((code) => [String(code), exitCodeMeanings[code]]))].join('\n'))
  sections.push(['Examples:', ...row.examples.map((example) => `  ${example}`)].join('\n'))
  return `${sections.join('\n\n')}\n`
}

/** `zooark help`. */
export function formatHelp(): string {
  const sections = [
    'ZooArk, the time machine for Apache ZooKeeper: protects a data directory and brings it back to any transaction, with proof.',
    'Usage: zooark COMMAND [options] [arguments]',
    ['Commands:', ...twoColumns(commandNames.map((name) => [name, commands[name].summary]))].join('\n'),
    'Every command takes --json and --help. `zooark help COMMAND` explains one; `zooark --version` prints the version.',
    wrap(`Planned, not in this version: ${Object.keys(notYet).join(', ')}.`, 0),
  ]
  return `${sections.join('\n\n')}\n`
}
