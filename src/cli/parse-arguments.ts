import { Command, CommanderError, Option } from 'commander'
import { ZooArkError } from '../base/errors.ts'
import { commands, optionsOf } from '../config/commands.ts'
import type { CommandName, CommandRow } from '../config/commands.ts'
import { options } from '../config/options.ts'
import type { OptionName, OptionRow, OptionValues } from '../config/options.ts'
import { resolveOptions } from '../config/option-values.ts'

export type ParsedArguments =
  | { readonly action: 'run'; readonly args: readonly string[]; readonly options: OptionValues }
  | { readonly action: 'help' }

/** Stands before arguments such as `-15m`, which are points and not options, while commander reads them. */
const shield = '\u0000'
const shieldPoint = (arg: string): string => (/^-\d/.test(arg) ? shield + arg : arg)
const unshield = (arg: string): string => (arg.startsWith(shield) ? arg.slice(1) : arg)

/** camelCase key under which commander files a flag. */
const keyOf = (row: OptionRow): string => row.flag.slice(2).replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase())

/** The commander form of one row of the table. Values stay text: `resolveOptions` reads them, wherever they come from. */
function commandOf(name: CommandName): Command {
  const row: CommandRow = commands[name]
  const command = new Command(name)
    .exitOverride()
    .helpOption('-h, --help')
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .allowExcessArguments(false)
  for (const argument of row.arguments) {
    command.argument(argument.need === 'required' ? `<${argument.value}>` : `[${argument.value}]`)
  }
  for (const option of optionsOf(name)) {
    const optionRow: OptionRow = options[option]
    command.addOption(new Option(optionRow.kind === 'switch' ? optionRow.flag : `${optionRow.flag} <${optionRow.value}>`))
  }
  return command
}

/**
 * @param args what stands behind the name of the command
 * @throws USAGE with what is wrong and, where one is near, the word that was probably meant
 */
export function parseArguments(
  name: CommandName,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ParsedArguments {
  const command = commandOf(name)
  const hint = `See \`zooark help ${name}\`.`
  try {
    command.parse(args.map(shieldPoint), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return { action: 'help' }
    const message = sentenceOf(error.message)
    throw new ZooArkError('USAGE', message, { hint })
  }
  const given: Partial<Record<OptionName, string | true>> = {}
  const parsed: Record<string, unknown> = command.opts()
  for (const option of optionsOf(name)) {
    const value = parsed[keyOf(options[option])]
    if (value === true) given[option] = true
    else if (typeof value === 'string') given[option] = unshield(value)
  }
  const values = resolveOptions(optionsOf(name), { given, environment, hint })
  for (const option of commands[name].required) {
    if (values[option] === undefined) throw new ZooArkError('USAGE', `${options[option].flag} is missing`, { hint })
  }
  return { action: 'run', args: command.args.map(unshield), options: values }
}

/** Commander's message in our form: one line, no prefix, no full stop, arguments as they were typed. */
const sentenceOf = (message: string): string =>
  message
    .replace(/^error: /, '')
    .replaceAll(shield, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
