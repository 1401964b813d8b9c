/**
 * Makes a checkout ready: packages installed as package-lock.json says, dist built from src. Does nothing when it is.
 * `node scripts/ensure.mjs` installs, `node scripts/ensure.mjs --build` installs and builds.
 * Speaks only on stderr: the stdout belongs to the command that comes after it.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './build-lock.mjs'
import {
  buildFolder,
  buildSignature,
  buildStamp,
  installSignature,
  installStamp,
  isBuilt,
  isInstalled,
  lockfile,
  root,
} from './readiness.mjs'

/** A failure that a plain sentence explains; it needs no stack. */
class Refusal extends Error {}

const say = (text) => process.stderr.write(`zooark: ${text}\n`)

const run = (program, args, options) => {
  const result = spawnSync(program, args, { cwd: root, ...options })
  if (result.signal === 'SIGINT' || result.signal === 'SIGTERM') process.exit(result.signal === 'SIGINT' ? 130 : 143)
  return result
}

/** True when node_modules already holds every package of the lock file in its version, as `npm install` leaves it for a developer. */
function matchesLockfile() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const have = JSON.parse(readFileSync(hidden, 'utf8')).packages
  return Object.entries(JSON.parse(readFileSync(lockfile, 'utf8')).packages).every(([path, { version, optional }]) => {
    if (path === '') return true
    return have[path] === undefined ? optional === true : have[path].version === version && existsSync(join(root, path))
  })
}

/** npm as the one that started us, else the one on the PATH. */
function npm(args) {
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, npm_config_loglevel: 'error' } }
  const started = process.env.npm_execpath
  if (started !== undefined && /npm-cli\.c?js$/.test(started)) return run(process.execPath, [started, ...args], options)
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { ...options, shell: process.platform === 'win32' })
}

function install() {
  const signature = installSignature()
  const hash = createHash('sha256').update(readFileSync(lockfile)).digest('hex')
  const known = existsSync(installStamp) && readFileSync(installStamp, 'utf8').includes(hash)
  if (!known && !matchesLockfile()) {
    say('installing the packages of this checkout (once) …')
    const result = npm(['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'])
    if (result.error !== undefined) {
      throw new Refusal(`npm could not be started (${result.error.message}). Install npm, or run "npm ci" in ${root} yourself.`)
    }
    if (result.status !== 0) {
      throw new Refusal(
        `npm could not install the packages (exit ${result.status}); its own words are above. Check the network and the registry, then run the command again.`,
      )
    }
  }
  writeFileSync(installStamp, `${signature}${hash}\n`)
}

/** Builds beside dist and swaps it in, so that a running command never sees half a build. Types are the business of `npm run check`. */
function build() {
  const signature = buildSignature()
  const fresh = join(buildFolder, 'dist')
  const old = join(buildFolder, 'dist.old')
  rmSync(fresh, { recursive: true, force: true })
  rmSync(old, { recursive: true, force: true })
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const result = run(process.execPath, [tsc, '-p', 'tsconfig.json', '--noCheck', '--outDir', fresh], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  if (result.status !== 0)
    throw new Refusal(`the sources do not compile:\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`)
  const dist = join(root, 'dist')
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(fresh, dist)
  rmSync(old, { recursive: true, force: true })
  writeFileSync(buildStamp, signature)
}

/**
 * @param {{ build: 'yes' | 'no' }} options
 * @throws {Refusal | Error} with a message for people
 */
export function ensure(options) {
  if (isInstalled() && (options.build === 'no' || isBuilt())) return
  mkdirSync(buildFolder, { recursive: true })
  withLock(join(buildFolder, 'lock'), {
    onWait: (pid) => say(`process ${pid} prepares this checkout; waiting for it …`),
    work: () => {
      if (!isInstalled()) install()
      if (options.build === 'yes' && !isBuilt()) build()
    },
  })
}

/** `ensure`, and a plain sentence and exit 1 where it fails. */
export function ensureOrExit(options) {
  try {
    ensure(options)
  } catch (error) {
    say(error instanceof Refusal ? error.message : `this checkout cannot be prepared: ${error.message}`)
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureOrExit({ build: process.argv.includes('--build') ? 'yes' : 'no' })
