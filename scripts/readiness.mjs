/**
 * Is this checkout ready to run? Answered with stat calls and two small reads, because every start of the CLI in a checkout asks.
 * The stamps are written by ensure.mjs, after the work that they stand for.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const lockfile = join(root, 'package-lock.json')
/** Inside node_modules, so that it goes when they go. */
export const installStamp = join(root, 'node_modules', '.zooark-stamp')
export const buildFolder = join(root, '.build')
export const buildStamp = join(buildFolder, 'stamp')

const textOrEmpty = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return ''
    throw error
  }
}

const sizeAndTime = (path) => {
  const { size, mtimeMs } = statSync(path)
  return `${size} ${mtimeMs}`
}

/** No package is compiled against Node, so its version does not count; the platform does: compiler and linters are native programs. */
export const installSignature = () => `${sizeAndTime(lockfile)} ${process.platform}-${process.arch}\n`

export const isInstalled = () => textOrEmpty(installStamp).startsWith(installSignature())

const isCompiled = (name) => name.endsWith('.ts') && !/\.(?:test|property)\.ts$/.test(name)

/** Name, size and time of everything that the build is made of, one a line. */
export function buildSignature() {
  const lines = [`tsconfig.json ${sizeAndTime(join(root, 'tsconfig.json'))}`, `package-lock.json ${sizeAndTime(lockfile)}`]
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (isCompiled(entry.name)) lines.push(`${path.slice(root.length)} ${sizeAndTime(path)}`)
    }
  }
  walk(join(root, 'src'))
  return `${lines.join('\n')}\n`
}

export const isBuilt = () =>
  textOrEmpty(buildStamp) === buildSignature() && statSync(join(root, 'dist', 'cli', 'main.js'), { throwIfNoEntry: false }) !== undefined
