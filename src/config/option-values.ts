import { ZooArkError } from '../base/errors.ts'
import { environmentName, mayComeFromEnvironment, options } from './options.ts'
import type { OptionName, OptionRow, OptionValues } from './options.ts'

/** The ids that ZooKeeper takes as `myid`. */
const serverIdMax = 255
/** More servers than any ensemble has. */
const serversMax = 64

/** Where a value was given, for the message. */
interface Given {
  readonly text: string
  readonly by: string
  readonly hint: string
}

const refuse = (given: Given, what: string): never => {
  throw new ZooArkError('USAGE', `${given.by}: '${given.text}' ${what}`, { hint: given.hint })
}

/** Decimal digits only: no sign, no exponent, nothing that Number() would forgive. */
function parseCount(row: OptionRow, given: Given): number {
  const min = row.min ?? 0
  const max = row.max ?? Number.MAX_SAFE_INTEGER
  const value = /^\d{1,16}$/.test(given.text) ? Number(given.text) : Number.NaN
  if (!Number.isSafeInteger(value)) return refuse(given, 'is not a whole number')
  if (value < min || value > max) return refuse(given, `is not between ${min} and ${max}`)
  return value
}

function parseServers(given: Given): readonly number[] {
  const ids = given.text.split(',').map((text) => (/^\d{1,3}$/.test(text) ? Number(text) : 0))
  if (ids.some((id) => id < 1 || id > serverIdMax)) return refuse(given, `is not a list of server ids from 1 to ${serverIdMax}, as 1,2,3`)
  if (new Set(ids).size !== ids.length) return refuse(given, 'names a server twice')
  if (ids.length > serversMax) return refuse(given, `names more than ${serversMax} servers`)
  return ids
}

function parseSwitch(given: Given): boolean {
  if (['1', 'true', 'yes'].includes(given.text)) return true
  if (['0', 'false', 'no', ''].includes(given.text)) return false
  return refuse(given, 'is neither yes nor no')
}

function parseValue(row: OptionRow, given: Given): boolean | number | string | readonly number[] {
  switch (row.kind) {
    case 'switch':
      return parseSwitch(given)
    case 'count':
      return parseCount(row, given)
    case 'servers':
      return parseServers(given)
    case 'choice':
      if (!row.choices?.includes(given.text)) return refuse(given, `is not one of ${row.choices?.join(', ')}`)
      return given.text
    default:
      return given.text === '' ? refuse(given, 'is empty') : given.text
  }
}

export interface OptionSources {
  /** What stood on the command line; `true` for a switch. */
  readonly given: Readonly<Partial<Record<OptionName, string | true>>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The next step of a refusal. */
  readonly hint: string
}

/**
 * The values of one run: the flag wins over the environment, the environment over the default.
 * @param names the options that the command takes; others are ignored wherever they come from
 * @throws USAGE naming the flag or the variable
 */
export function resolveOptions(names: readonly OptionName[], sources: OptionSources): OptionValues {
  const { given, environment, hint } = sources
  const values: Partial<Record<OptionName, boolean | number | string | readonly number[]>> = {}
  for (const name of names) {
    const row: OptionRow = options[name]
    const flag = given[name]
    const variable = mayComeFromEnvironment(name) ? environment[environmentName(name)] : undefined
    if (flag === true) values[name] = true
    else if (flag !== undefined) values[name] = parseValue(row, { text: flag, by: row.flag, hint })
    else if (variable !== undefined && variable !== '') values[name] = parseValue(row, { text: variable, by: environmentName(name), hint })
    else if (row.default !== undefined) values[name] = parseValue(row, { text: row.default, by: row.flag, hint })
    if (values[name] === false) delete values[name]
  }
  return values as OptionValues
}
