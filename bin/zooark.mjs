#!/usr/bin/env node
/**
 * The command line. In an installed package this only starts dist/cli/main.js; in a checkout (there is a src folder) it first sees to
 * it that the packages are installed and the build is that of the sources, which costs a few stat calls when nothing changed.
 */
import { existsSync, readFileSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`zooark: Node ${process.versions.node} is too old; it needs Node 20.19 or newer.\n`)
  process.exit(1)
}

const args = process.argv.slice(2)
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  // Answered here, without the build: scripts ask it often, and it must not cost a module graph.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`zooark ${version}\n`)
} else {
  if (existsSync(new URL('../src', import.meta.url))) {
    const { isBuilt, isInstalled } = await import('../scripts/readiness.mjs')
    if (!isInstalled() || !isBuilt()) (await import('../scripts/ensure.mjs')).ensureOrExit({ build: 'yes' })
  }
  const { main } = await import('../dist/cli/main.js')
  await main(args)
}
