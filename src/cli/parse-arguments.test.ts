import { describe, expect, it } from 'vitest'
import { commandNames, commands } from '../config/commands.ts'
import { parseArguments } from './parse-arguments.ts'

/** Words of an example, with quotes taken away; what follows a `>` is the shell's. */
const wordsOf = (example: string): string[] =>
  example
    .replace(/ > .*$/, '')
    .split(' ')
    .map((word) => word.replaceAll('"', ''))
    .slice(2)

describe('parseArguments', () => {
  it('accepts every example of the command table', () => {
    for (const name of commandNames)
      for (const example of commands[name].examples) expect(parseArguments(name, wordsOf(example), {}).action, example).toBe('run')
  })

  it('takes points that begin with a minus, as arguments and as values', () => {
    expect(parseArguments('diff', ['--repo', 'r', '-1h', '-15m'], {})).toMatchObject({ args: ['-1h', '-15m'], options: { repo: 'r' } })
    expect(parseArguments('restore', ['--at', '-15m', '--at=-16m'], {})).toMatchObject({ options: { at: '-16m' } })
  })

  it('takes what stands behind -- as it is', () => {
    expect(parseArguments('ls', ['--', '--odd'], {})).toMatchObject({ args: ['--odd'] })
  })

  it('takes flags of two words and switches', () => {
    expect(parseArguments('restore', ['--dry-run', '--plan', 'p', '--exact'], {})).toMatchObject({
      options: { dryRun: true, plan: 'p', exact: true },
    })
    expect(parseArguments('verify', ['--repo', 'r', '--zookeeper-jars', 'j'], {})).toMatchObject({
      options: { zookeeperJars: 'j', level: 'hash' },
    })
  })

  it('takes required options from the environment', () => {
    expect(parseArguments('status', [], { ZOOARK_REPO: '/r' })).toMatchObject({ options: { repo: '/r' } })
    expect(() => parseArguments('status', [], {})).toThrow('--repo is missing')
  })

  it.each([['--help'], ['-h'], ['--repo', 'r', '--help']])('shows help for %j', (...args) => {
    expect(parseArguments('status', args, {})).toEqual({ action: 'help' })
  })

  it('refuses options of other commands', () => {
    expect(() => parseArguments('ls', ['/d', '--level', 'hash'], {})).toThrow("unknown option '--level'")
  })
})
