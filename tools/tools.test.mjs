import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { completeLockfile, platformOf } from './complete-lockfile.mjs'
import { formatSkipped, reasonOf } from './skipped-tests-reporter.mjs'

describe('the reporter of skipped tests', () => {
  it('counts all, groups by reason and names some', () => {
    const skipped = [...Array.from({ length: 7 }, (_, i) => ({ name: `a ${i}`, reason: 'no Java' })), { name: 'b', reason: 'no root' }]
    const text = formatSkipped(skipped)
    expect(text).toContain('SKIPPED TESTS: 8 did not run\n')
    expect(text).toContain('  7 because: no Java\n    - a 0\n')
    expect(text).toContain('    - and 2 more\n')
    expect(text).toContain('  1 because: no root\n    - b\n')
  })

  it('finds the reason in the note or in a title', () => {
    expect(reasonOf({ note: 'no root' }, 'x')).toBe('no root')
    expect(reasonOf({}, 'boots (SKIPPED, needs ZooKeeper 3.9) > once')).toBe('needs ZooKeeper 3.9')
    expect(reasonOf({}, 'x')).toContain('no reason given')
  })

  it('says zero aloud', () => {
    expect(formatSkipped([])).toBe('Skipped tests: 0\n')
  })
})

describe('completeLockfile', () => {
  it.each([
    ['@biomejs/cli-linux-x64-musl', { os: 'linux', cpu: 'x64', libc: 'musl' }],
    ['@oxlint/binding-win32-ia32-msvc', { os: 'win32', cpu: 'ia32', libc: undefined }],
    ['@oxlint/binding-linux-arm-gnueabihf', { os: 'linux', cpu: 'arm', libc: 'glibc' }],
    ['@oxlint-tsgolint/darwin-arm64', { os: 'darwin', cpu: 'arm64', libc: undefined }],
  ])('knows the platform of %s', (name, platform) => {
    expect(platformOf(name)).toEqual(platform)
  })

  it('adds what is missing once, and nothing that is there', () => {
    const lock = {
      packages: {
        '': {},
        'node_modules/x': {
          version: '1.0.0',
          dev: true,
          optionalDependencies: { 'x-linux-x64': '1.0.0', 'x-darwin-arm64': '1.0.0', fsevents: '~2.3.3' },
        },
        'node_modules/x-linux-x64': { version: '1.0.0', os: ['linux'] },
      },
    }
    expect(completeLockfile(lock)).toEqual(['x-darwin-arm64'])
    expect(lock.packages['node_modules/x-darwin-arm64']).toEqual({
      version: '1.0.0',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['darwin'],
    })
    expect(completeLockfile(lock)).toEqual([])
  })

  it('has nothing to add to the lock file of this checkout, which holds no download addresses', () => {
    const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')
    expect(completeLockfile(JSON.parse(text))).toEqual([])
    expect(text).not.toContain('"resolved": "http')
  })
})
