#!/usr/bin/env node
/**
 * The structure check: imports only fall to a lower floor, no cycles, no barrels, nothing ambient, no file too long.
 * Run with no argument on this checkout, or with the root of another one. Exit 1 when anything departs.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeOf, importsOf } from './source-text.mjs'

/** The floors of ARCHITECTURE.md. A folder that is not here is refused. */
export const floors = {
  base: 0,
  jute: 1,
  storage: 1,
  model: 2,
  repository: 2,
  formats: 3,
  wire: 3,
  quorum: 3,
  tree: 3,
  client: 4,
  observer: 4,
  admin: 4,
  server: 4,
  archive: 4,
  replay: 4,
  source: 5,
  target: 5,
  interop: 5,
  engine: 6,
  config: 7,
  daemon: 8,
  cli: 9,
}

/** Folders that may read the clock, randomness and environment, and write to the console. */
const ambientAllowed = new Set(['base', 'config', 'cli'])

const ambient = [
  { name: 'Date.now', pattern: /\bDate\.now\b/ },
  { name: 'new Date()', pattern: /\bnew Date\(\s*\)/ },
  { name: 'Math.random', pattern: /\bMath\.random\b/ },
  { name: 'performance.now', pattern: /\bperformance\.now\b/ },
  { name: 'process.env', pattern: /\bprocess\.env\b/ },
  { name: 'process.argv', pattern: /\bprocess\.argv\b/ },
  { name: 'process.exit', pattern: /\bprocess\.exit\b/ },
  { name: 'process.stdout', pattern: /\bprocess\.std(?:out|err|in)\b/ },
  { name: 'console', pattern: /\bconsole\s*\./ },
]

/** The house's hard limit: a longer file has two subjects. */
export const linesMax = 500

export const isTest = (file) => /\.(?:test|property|bench)\.ts$/.test(file)

const folderOf = (file) => file.split('/')[1]

/** A file that only passes on what others export. */
function isBarrel(text) {
  if (/^\s*export\s+\*/m.test(codeOf(text, { strings: 'keep' }))) return true
  const statements = codeOf(text, { strings: 'keep' })
    .replaceAll(/^[ \t]*export\s+(?:type\s+)?\{[^}]*\}\s*from\s*['"][^'"]+['"];?/gm, '')
    .replaceAll(/^[ \t]*import\b[^'"]*['"][^'"]+['"];?/gm, '')
  return statements.trim() === '' && /\bexport\b/.test(text)
}

/**
 * @param {Map<string, string>} files path from the root with slashes (`src/base/errors.ts`) to text
 * @param {{ dependencies: readonly string[] }} options the packages that product code may import
 * @returns {string[]} one line a departure, `file:line what`
 */
export function checkFloors(files, options) {
  const findings = []
  const edges = new Map()
  for (const [file, text] of files) {
    const folder = folderOf(file)
    if (file.split('/').length < 3) {
      findings.push(`${file}:1 stands in no folder; every file of src belongs to a folder that has a floor`)
      continue
    }
    if (floors[folder] === undefined) {
      findings.push(`${file}:1 is in the unknown folder ${folder}; give it a floor in tools/check-floors.mjs and ARCHITECTURE.md`)
      continue
    }
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lines > linesMax) findings.push(`${file}:${linesMax + 1} has ${lines} lines, the limit is ${linesMax}`)
    if (isTest(file)) continue
    if (file.endsWith('/index.ts') || isBarrel(text)) findings.push(`${file}:1 is a barrel; import from the file that has the thing`)
    checkAmbient(file, text, findings)
    edges.set(file, checkImports(file, text, files, options, findings))
  }
  for (const cycle of findCycles(edges)) findings.push(`${cycle[0]}:1 is in a cycle: ${[...cycle, cycle[0]].join(' -> ')}`)
  return findings
}

function checkAmbient(file, text, findings) {
  if (ambientAllowed.has(folderOf(file))) return
  codeOf(text, { strings: 'blank' })
    .split('\n')
    .forEach((line, index) => {
      for (const { name, pattern } of ambient) {
        if (pattern.test(line)) findings.push(`${file}:${index + 1} uses ${name}; outside base, config and cli it is handed in`)
      }
    })
}

/** Checks the imports of one product file and returns the product files that it imports. */
function checkImports(file, text, files, options, findings) {
  const folder = folderOf(file)
  const targets = []
  for (const { specifier, line } of importsOf(text)) {
    const at = `${file}:${line}`
    if (!specifier.startsWith('.')) {
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
      if (!specifier.startsWith('node:') && !options.dependencies.includes(name))
        findings.push(`${at} imports ${specifier}, which is no dependency of package.json`)
      continue
    }
    const target = posix.normalize(posix.join(posix.dirname(file), specifier))
    if (!target.startsWith('src/')) findings.push(`${at} imports ${specifier} from outside src`)
    else if (!files.has(target)) findings.push(`${at} imports ${specifier}, which does not exist`)
    else if (isTest(target)) findings.push(`${at} imports the test ${specifier}`)
    else {
      targets.push(target)
      const to = folderOf(target)
      if (to !== folder && floors[to] !== undefined) {
        if (floors[to] > floors[folder])
          findings.push(`${at} imports upward: ${folder} (floor ${floors[folder]}) from ${to} (floor ${floors[to]})`)
        else if (floors[to] === floors[folder])
          findings.push(`${at} imports sideways: ${folder} and ${to} both stand on floor ${floors[to]}`)
      }
    }
  }
  return targets
}

/** One cycle for each group of files that import each other in a ring. */
function findCycles(edges) {
  const cycles = []
  const state = new Map()
  const stack = []
  const visit = (file) => {
    state.set(file, 'open')
    stack.push(file)
    for (const next of edges.get(file) ?? []) {
      if (state.get(next) === 'open') cycles.push(stack.slice(stack.indexOf(next)))
      else if (!state.has(next)) visit(next)
    }
    stack.pop()
    state.set(file, 'done')
  }
  for (const file of edges.keys()) if (!state.has(file)) visit(file)
  return cycles
}

/** Reads all TypeScript files of ROOT/src. */
export function readSources(root) {
  const files = new Map()
  for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'))
  }
  return files
}

function main() {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'))
  const files = readSources(root)
  const dependencies = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies ?? {})
  const findings = checkFloors(files, { dependencies })
  for (const finding of findings) console.log(finding)
  console.log(
    findings.length === 0 ? `floors: ${files.size} files stand right` : `floors: ${findings.length} departures in ${files.size} files`,
  )
  process.exitCode = findings.length === 0 ? 0 : 1
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main()
