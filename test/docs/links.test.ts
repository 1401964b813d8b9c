import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { version } from '../../src/engine/version.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function pagesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
}

const pages = [...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map((name) => join(root, name)), ...pagesBelow(join(root, 'docs'))]

describe('the documentation', () => {
  it.each(pages.map((page) => [relative(root, page), page]))('%s links to nothing that is not there', (_name, page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target)
    const broken = links.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(dirname(page), target)))
    expect(broken).toEqual([])
  })

  it('names files of the tree that exist', () => {
    const named = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/`((?:src|test|tools|scripts|bench|docs)\/[\w./-]+\.(?:ts|mjs|md|wat|java))`/g)].map(
        ([, file]) => file,
      ),
    )
    expect([...new Set(named)].filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it('goes with the version of the package', () => {
    const { version: packaged } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(version).toBe(packaged)
  })
})
