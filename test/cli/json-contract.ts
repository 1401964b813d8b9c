/** Holds what a command printed with --json against the tables of src/config/json-output.ts. */
import { isJsonObject } from '../../src/base/json.ts'
import type { CommandName } from '../../src/config/commands.ts'
import { commandNames } from '../../src/config/commands.ts'
import { jsonError, jsonOutputs } from '../../src/config/json-output.ts'
import type { JsonField } from '../../src/config/json-output.ts'

const isTime = (value: string): boolean => /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$|^-?\d+ ms$/.test(value)

function hasType(type: JsonField['type'], value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isJsonObject(value)
    case 'zxid':
      return typeof value === 'string' && /^0x[0-9a-f]+$/.test(value)
    case 'time':
      return typeof value === 'string' && isTime(value)
    case 'value':
      return value === null || typeof value === 'string'
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    default:
      return typeof value === type
  }
}

/** Departures of the object at `prefix`: missing fields, fields of another type, fields that no table knows. */
function checkObject(value: Record<string, unknown>, prefix: string, fields: readonly JsonField[]): string[] {
  const departures: string[] = []
  const own = fields.filter((field) => field.path.startsWith(prefix) && /^[^.[\]]+$/.test(field.path.slice(prefix.length)))
  const known = new Set(own.map((field) => field.path.slice(prefix.length)))
  for (const key of Object.keys(value)) if (!known.has(key)) departures.push(`${prefix}${key} is not documented`)
  for (const field of own) {
    const part = value[field.path.slice(prefix.length)]
    if (part === undefined) {
      if (field.need === 'always') departures.push(`${field.path} is missing`)
    } else if (!hasType(field.type, part)) {
      departures.push(`${field.path} is no ${field.type}: ${JSON.stringify(part)}`)
    } else {
      departures.push(...checkBelow(part, field.path, fields))
    }
  }
  return departures
}

/** The fields of an object or of each element of an array, where the table goes deeper. */
function checkBelow(part: unknown, path: string, fields: readonly JsonField[]): string[] {
  const goesDeeper = (prefix: string): boolean => fields.some((field) => field.path.startsWith(prefix))
  if (Array.isArray(part) && goesDeeper(`${path}[].`)) {
    return part.flatMap((element: unknown) =>
      isJsonObject(element) ? checkObject({ ...element }, `${path}[].`, fields) : [`${path}[] is no object`],
    )
  }
  return isJsonObject(part) && goesDeeper(`${path}.`) ? checkObject({ ...part }, `${path}.`, fields) : []
}

function withoutFrame(line: Record<string, unknown>, frame: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(line).filter(([key]) => !frame.includes(key)))
}

/**
 * @param args what stood behind `zooark`
 * @returns one line a departure from the contract; empty when stdout keeps it
 */
export function checkJsonOutput(args: readonly string[], stdout: string): string[] {
  const name = commandNames.find((known) => args.includes(known))
  const lines = stdout.split('\n').filter((line) => line !== '')
  if (lines.length === 0) return ['nothing was printed']
  return lines.flatMap((text, index) => {
    const line: unknown = JSON.parse(text)
    if (!isJsonObject(line)) return [`line ${index + 1} is no object`]
    if ('error' in line) return checkObject({ ...line }, '', jsonError)
    return name === undefined ? [`line ${index + 1} belongs to no command`] : checkLine(name, { ...line }, index, lines.length)
  })
}

function checkLine(name: CommandName, line: Record<string, unknown>, index: number, count: number): string[] {
  const output = jsonOutputs[name]
  if (output.shape === 'none') return [`${name} prints no JSON`]
  const isLast = index === count - 1
  if (output.shape === 'object') {
    const frame = line.command === name && line.schema === 1 ? [] : ['the object does not carry its command and schema 1']
    return [...frame, ...checkObject(withoutFrame(line, ['command', 'schema']), '', output.fields)]
  }
  const fields = output.lines[String(line.type)]
  if (fields === undefined) return [`a line of the unknown type ${String(line.type)}`]
  const order = isLast || line.type !== 'summary' ? [] : ['a summary is not the last line']
  return [...order, ...checkObject(withoutFrame(line, line.type === 'summary' ? ['type', 'command', 'schema'] : ['type']), '', fields)]
}
