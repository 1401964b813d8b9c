import { describe, expect, it } from 'vitest'
import { checkFloors, floors, linesMax } from './check-floors.mjs'
import { codeOf, importsOf } from './source-text.mjs'

const dependencies = ['commander', '@scope/pkg']
const check = (files) => checkFloors(new Map(Object.entries(files)), { dependencies })

describe('checkFloors', () => {
  it('accepts imports that fall', () => {
    expect(
      check({ 'src/base/a.ts': 'export const a = 1\n', 'src/jute/b.ts': "import { a } from '../base/a.ts'\nexport const b = a\n" }),
    ).toEqual([])
  })

  it('refuses an upward import and names file, line and both floors', () => {
    const findings = check({
      'src/base/a.ts': "\nimport { b } from '../jute/b.ts'\nexport const a = b\n",
      'src/jute/b.ts': 'export const b = 1\n',
    })
    expect(findings).toEqual(['src/base/a.ts:2 imports upward: base (floor 0) from jute (floor 1)'])
  })

  it.each([
    ['a type import', "import type { B } from '../storage/b.ts'\nexport type A = B\n"],
    ['an import over several lines', "import {\n  b,\n  c,\n} from '../storage/b.ts'\nexport const a = [b, c]\n"],
    ['a dynamic import', "export const a = () => import('../storage/b.ts')\n"],
    ['a bare import', "import '../storage/b.ts'\nexport const a = 1\n"],
    ['an export from', "export { b } from '../storage/b.ts'\nexport const a = 1\n"],
  ])('refuses sideways by %s', (_name, text) => {
    const findings = check({ 'src/jute/a.ts': text, 'src/storage/b.ts': 'export const b = 1\nexport type B = 1\n' })
    expect(findings).toEqual([expect.stringMatching(/^src\/jute\/a\.ts:1 imports sideways: jute and storage both stand on floor 1$/)])
  })

  it('does not see imports in comments and strings', () => {
    const text = "// import { b } from '../cli/b.ts'\n/*\nimport '../cli/b.ts'\n*/\nexport const a = `\nimport '../cli/b.ts'\n`.length\n"
    expect(check({ 'src/base/a.ts': text })).toEqual([])
  })

  it('refuses a cycle of files and prints the ring', () => {
    const findings = check({
      'src/base/a.ts': "import { b } from './b.ts'\nexport const a = b\n",
      'src/base/b.ts': "import { c } from './c.ts'\nexport const b = c\n",
      'src/base/c.ts': "import { a } from './a.ts'\nexport const c = a\n",
    })
    expect(findings).toEqual(['src/base/a.ts:1 is in a cycle: src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts'])
  })

  it('refuses unknown folders, files in no folder, tests as imports and files that do not exist', () => {
    const findings = check({
      'src/misc/a.ts': 'export const a = 1\n',
      'src/loose.ts': 'export const a = 1\n',
      'src/base/b.ts':
        "import { t } from './b.test.ts'\nimport { u } from './none.ts'\nimport { v } from '../../test/v.ts'\nexport const b = [t, u, v]\n",
      'src/base/b.test.ts': 'export const t = 1\n',
    })
    expect(findings).toEqual([
      expect.stringContaining('unknown folder misc'),
      expect.stringContaining('src/loose.ts:1 stands in no folder'),
      'src/base/b.ts:1 imports the test ./b.test.ts',
      'src/base/b.ts:2 imports ./none.ts, which does not exist',
      'src/base/b.ts:3 imports ../../test/v.ts from outside src',
    ])
  })

  it.each([
    ['export all', "export * from './a.ts'\n"],
    ['only re-exports', "// comment\nexport { a } from './a.ts'\nexport type { A } from './a.ts'\n"],
  ])('refuses a barrel: %s', (_name, text) => {
    expect(check({ 'src/base/a.ts': 'export const a = 1\nexport type A = 1\n', 'src/base/all.ts': text })).toEqual([
      'src/base/all.ts:1 is a barrel; import from the file that has the thing',
    ])
  })

  it('refuses an index file', () => {
    expect(check({ 'src/base/index.ts': 'export const a = 1\n' })).toHaveLength(1)
  })

  it.each(['Date.now()', 'new Date()', 'Math.random()', 'process.env.HOME', "console.log('x')", 'process.exit(1)', '`${Date.now()}`'])(
    'refuses %s in the model, allows it in base, in tests and as text',
    (use) => {
      expect(check({ 'src/model/a.ts': `export const a = () => ${use}\n` })).toEqual([expect.stringMatching(/^src\/model\/a\.ts:1 uses /)])
      expect(check({ 'src/base/a.ts': `export const a = () => ${use}\n` })).toEqual([])
      expect(check({ 'src/model/a.test.ts': `export const a = () => ${use}\n` })).toEqual([])
      expect(check({ 'src/model/a.ts': `// ${use}\nexport const a = ${JSON.stringify(use)}\n` })).toEqual([])
    },
  )

  it('allows a Date made of a number', () => {
    expect(check({ 'src/model/a.ts': 'export const a = (ms: number) => new Date(ms)\n' })).toEqual([])
  })

  it('refuses the line after the limit', () => {
    const lines = (count) => 'export {}\n'.repeat(count)
    expect(check({ 'src/base/a.ts': lines(linesMax) })).toEqual([])
    expect(check({ 'src/base/a.ts': lines(linesMax + 1) })).toEqual([expect.stringContaining(`has ${linesMax + 1} lines`)])
  })

  it('refuses packages that are no dependency', () => {
    const text = "import 'node:fs'\nimport 'commander'\nimport '@scope/pkg/sub'\nimport 'vitest'\n"
    expect(check({ 'src/base/a.ts': text })).toEqual([expect.stringContaining('src/base/a.ts:4 imports vitest')])
  })

  it('keeps the floors of ARCHITECTURE.md', () => {
    expect(Math.max(...Object.values(floors))).toBe(floors.cli)
    expect(Math.min(...Object.values(floors))).toBe(floors.base)
  })
})

describe('codeOf', () => {
  it('keeps every offset', () => {
    const text = 'const a = "b" // c\nconst d = /[/"]/ /* e */\nconst f = `g${h("}")}i`\n'
    expect(codeOf(text, { strings: 'blank' })).toHaveLength(text.length)
  })

  it('tells a regular expression from a division', () => {
    expect(codeOf('a = b / c // d\n', { strings: 'blank' })).toBe('a = b / c     \n')
    expect(codeOf("a = /'/\nb = 'x'\n", { strings: 'blank' })).toBe("a = / /\nb = ' '\n")
  })
})

describe('importsOf', () => {
  it('does not join an export with the from of a later import', () => {
    const found = importsOf("export const a = 1\nimport { b } from './b.ts'\n")
    expect(found).toEqual([{ specifier: './b.ts', line: 2, kind: 'import' }])
  })
})
