#!/usr/bin/env node
/**
 * Completes package-lock.json after `npm install` where the registry lacks packages of other platforms: npm then leaves them out of the
 * lock file, and `npm ci` refuses it everywhere. Adds each missing optional package with its version, os, cpu and libc (read from its
 * name), so that npm skips it where it does not fit and installs it where it does.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const systems = {
  android: 'android',
  darwin: 'darwin',
  linux: 'linux',
  win32: 'win32',
  freebsd: 'freebsd',
  openharmony: 'openharmony',
  aix: 'aix',
  sunos: 'sunos',
  netbsd: 'netbsd',
  openbsd: 'openbsd',
}
const processors = {
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  arm: 'arm',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
  mips64el: 'mips64el',
  wasm32: 'wasm32',
}
const libraries = { gnu: 'glibc', musl: 'musl', gnueabihf: 'glibc', musleabihf: 'musl' }

/** What the last part of a platform package's name says, for example `binding-linux-arm-gnueabihf`. */
export function platformOf(name) {
  const parts = name.split('/').at(-1).split('-')
  const pick = (table) => parts.map((part) => table[part]).find((value) => value !== undefined)
  const os = pick(systems)
  const cpu = pick(processors)
  const libc = os === 'linux' ? pick(libraries) : undefined
  return { os, cpu, libc }
}

/** @returns the names added; `lock` is changed in place */
export function completeLockfile(lock) {
  const added = []
  for (const entry of Object.values(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`
      if (lock.packages[path] !== undefined || !/^\d+\.\d+\.\d+$/.test(range)) continue
      const { os, cpu, libc } = platformOf(name)
      if (os === undefined || cpu === undefined) throw new Error(`cannot tell the platform of ${name} from its name`)
      lock.packages[path] = {
        version: range,
        cpu: [cpu],
        ...(entry.dev ? { dev: true } : {}),
        ...(libc ? { libc: [libc] } : {}),
        optional: true,
        os: [os],
      }
      added.push(name)
    }
  }
  const order = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))
  lock.packages = Object.fromEntries(order)
  return added
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const added = completeLockfile(lock)
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`)
  console.log(`package-lock.json: ${added.length} packages of other platforms added`)
}
