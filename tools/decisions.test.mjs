import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const folder = new URL('../docs/decisions/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const pages = readdirSync(folder).sort()

describe('docs/decisions', () => {
  it('gives every dependency a row with its exact pin, and no other', () => {
    const rows = [
      ...readFileSync(new URL('0009-dependencies.md', folder), 'utf8').matchAll(/^\| (?<name>[@a-z][\w@/.-]*) \| (?<pin>\d[^ ]*) \|/gm),
    ]
    const documented = Object.fromEntries(rows.map(({ groups }) => [groups.name, groups.pin]))
    expect(documented).toEqual({ ...manifest.dependencies, ...manifest.devDependencies })
  })

  it('numbers its pages without a hole', () => {
    expect(pages.map((name) => Number(name.slice(0, 4)))).toEqual(pages.map((_name, index) => index + 1))
    for (const name of pages) expect(readFileSync(new URL(name, folder), 'utf8')).toMatch(new RegExp(`^# ${name.slice(0, 4)} `))
  })

  it('links only to pages that exist', () => {
    for (const name of pages) {
      for (const [, target] of readFileSync(new URL(name, folder), 'utf8').matchAll(/\]\(([^)#]+)\)/g))
        expect(pages, name).toContain(target)
    }
  })
})
