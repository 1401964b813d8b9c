import { describe, expect, it } from 'vitest'
import { exitCodes } from '../base/errors.ts'
import { commandNames, commands, notYet, optionsOf } from './commands.ts'
import type { CommandRow } from './commands.ts'
import { formatCommandHelp, formatHelp } from './help.ts'
import { jsonOutputs } from './json-output.ts'
import { commonExitCodes, environmentName, exitCodeMeanings, exitCodesInUse, options } from './options.ts'
import type { OptionName, OptionRow } from './options.ts'
import { resolveOptions } from './option-values.ts'
import { suggest } from './suggest.ts'

const optionNames = Object.keys(options) as OptionName[]
const resolve = (given: Partial<Record<OptionName, string | true>>, environment: Record<string, string> = {}, names = optionNames) =>
  resolveOptions(names, { given, environment, hint: 'next' })

describe('the tables', () => {
  it('give every exit code of the error table and of the contract a meaning', () => {
    for (const code of [...exitCodesInUse(), ...Object.values(exitCodes)])
      expect(exitCodeMeanings, `exit code ${code}`).toHaveProperty(String(code))
  })

  it('list only exit codes that have a meaning, each once', () => {
    for (const name of commandNames) {
      const codes = [...commonExitCodes, ...commands[name].exitCodes]
      expect(new Set(codes).size, name).toBe(codes.length)
      for (const code of codes) expect(exitCodeMeanings).toHaveProperty(String(code))
    }
  })

  it('require only options that the command takes', () => {
    for (const name of commandNames) for (const option of commands[name].required) expect(commands[name].options).toContain(option)
  })

  it('use every option in some command', () => {
    expect(new Set(commandNames.flatMap(optionsOf))).toEqual(new Set(optionNames))
  })

  it('have help without a capital and without a full stop, and a value word for all but switches', () => {
    for (const row of Object.values(options) as OptionRow[]) {
      expect(row.help).toMatch(/^[a-z].*[^.]$/)
      expect(row.value === undefined, row.flag).toBe(row.kind === 'switch')
    }
    for (const name of commandNames) expect(commands[name].summary).toMatch(/^[a-z].*[^.]$/)
  })

  it('have examples that start with the command they explain', () => {
    for (const name of commandNames)
      for (const example of commands[name].examples) expect(example).toMatch(new RegExp(`^zooark ${name}\\b`))
  })

  it('do not plan what exists', () => {
    for (const name of Object.keys(notYet)) expect(commandNames).not.toContain(name)
  })

  it('document JSON fields below fields that are documented', () => {
    for (const name of commandNames) {
      const output = jsonOutputs[name]
      const groups = output.shape === 'object' ? [output.fields] : output.shape === 'lines' ? Object.values(output.lines) : []
      for (const fields of groups) {
        const paths = fields.map((field) => field.path)
        expect(new Set(paths).size, name).toBe(paths.length)
        for (const path of paths) {
          const parent = path.replace(/(\[\])?\.?[^.]*$/, '')
          if (parent !== '') expect(paths, `${name}: ${path}`).toContain(parent)
        }
      }
      if (output.shape === 'lines') expect(output.lines).toHaveProperty('summary')
    }
  })

  it('give every command a help that fits a terminal', () => {
    const rows = commandNames.map((name): [string, CommandRow] => [name, commands[name]])
    for (const [name, row] of rows) {
      const help = formatCommandHelp(name as (typeof commandNames)[number])
      for (const option of row.options) expect(help).toContain(options[option].flag)
      for (const line of help.split('\n')) if (!line.includes('zooark ')) expect(line.length, line).toBeLessThanOrEqual(100)
    }
    for (const name of commandNames) expect(formatHelp()).toContain(`\n  ${name} `)
  })
})

describe('resolveOptions', () => {
  it('prefers the flag, then the environment, then the default', () => {
    expect(resolve({}, {}, ['level'])).toEqual({ level: 'hash' })
    expect(resolve({}, { ZOOARK_LEVEL: 'parse' }, ['level'])).toEqual({ level: 'parse' })
    expect(resolve({ level: 'boot' }, { ZOOARK_LEVEL: 'parse' }, ['level'])).toEqual({ level: 'boot' })
  })

  it('reads switches of the environment, and an empty variable as none', () => {
    expect(resolve({}, { ZOOARK_JSON: '1' }, ['json'])).toEqual({ json: true })
    expect(resolve({}, { ZOOARK_JSON: 'no' }, ['json'])).toEqual({})
    expect(resolve({}, { ZOOARK_REPO: '' }, ['repo'])).toEqual({})
    expect(() => resolve({}, { ZOOARK_JSON: 'maybe' }, ['json'])).toThrow('ZOOARK_JSON')
  })

  it('takes nothing that acts from the environment', () => {
    const environment = Object.fromEntries(optionNames.map((name) => [environmentName(name), '1']))
    const names: OptionName[] = ['yes', 'exact', 'at', 'to', 'plan', 'out', 'dryRun']
    expect(resolve({}, environment, names)).toEqual({})
  })

  it('reads server ids and counts', () => {
    expect(resolve({ servers: '1,2,255', epoch: '7', limit: '10' }, {}, ['servers', 'epoch', 'limit'])).toEqual({
      servers: [1, 2, 255],
      epoch: 7,
      limit: 10,
    })
  })

  it.each([
    ['servers', '0'],
    ['servers', '256'],
    ['servers', '1,1'],
    ['servers', '1,'],
    ['servers', '1 2'],
    ['servers', ''],
    ['epoch', '0'],
    ['epoch', '2147483648'],
    ['epoch', '1e3'],
    ['epoch', '-1'],
    ['epoch', '٣'],
    ['limit', '9007199254740992'],
    ['level', 'Hash'],
    ['repo', ''],
  ] as const)('refuses --%s %j, naming the flag and the next step', (name, text) => {
    expect(() => resolve({ [name]: text }, {}, [name])).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: 'next', message: expect.stringContaining(`--${name}: '${text}'`) as string }) as Error,
    )
  })

  it('ignores options that the command does not take', () => {
    expect(resolve({}, { ZOOARK_LEVEL: 'nonsense' }, ['repo'])).toEqual({})
  })
})

describe('suggest', () => {
  it.each([
    ['bakup', 'backup'],
    ['restroe', 'restore'],
    ['point', 'points'],
    ['statsu', 'status'],
    ['xyzzy', undefined],
    ['', undefined],
    ['du', 'du'],
  ])('for %j is %j', (word, meant) => {
    expect(suggest(word, commandNames)).toBe(meant)
  })
})
