import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commandNames } from './commands.ts'
import { formatCompletion, shells } from './completion.ts'

/** Completes `words` in a real bash; the last word is the one at the cursor. */
function completeInBash(words: readonly string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const script = `${formatCompletion('bash')}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _zooark; printf '%s\\n' "\${COMPREPLY[@]}"`
  const result = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  expect(result.stderr).toBe('')
  return result.stdout.split('\n').filter((line) => line !== '')
}

describe('completion', () => {
  it.each(shells)('of %s names every command', (shell) => {
    for (const name of commandNames) expect(formatCompletion(shell)).toContain(name)
  })

  it('works in bash', ({ skip }) => {
    skip(spawnSync('bash', ['--version']).error !== undefined, 'there is no bash on this machine')
    expect(completeInBash(['zooark', 'sta'])).toEqual(['status', 'stat'])
    expect(completeInBash(['zooark', 'restore', '--d'])).toEqual(['--dry-run'])
    expect(completeInBash(['zooark', 'verify', '--level', ''])).toEqual(['chain', 'hash', 'parse', 'replay', 'boot'])
    expect(completeInBash(['zooark', 'help', 'res'])).toEqual(['restore'])
    expect(completeInBash(['zooark', 'verify', '--x'])).toEqual([])
  })
})
