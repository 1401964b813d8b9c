/** Runs programs one after the other, tells how long each took, and keeps on after a failure so that one run shows all of them. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './readiness.mjs'

const inModules = (...path) => join(root, 'node_modules', ...path)

/** Everything that can be said about the tree without running it. */
export const staticSteps = [
  { name: 'floors', args: [join(root, 'tools', 'check-floors.mjs')] },
  { name: 'lint', args: [inModules('oxlint', 'bin', 'oxlint'), '--type-aware'] },
  { name: 'format', args: [inModules('@biomejs', 'biome', 'bin', 'biome'), 'format', '.'] },
  { name: 'types', args: [inModules('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'types of tests', args: [inModules('typescript', 'bin', 'tsc'), '-p', 'tsconfig.test.json'] },
]

export const vitestStep = (args) => ({ name: 'tests', args: [inModules('vitest', 'vitest.mjs'), 'run', ...args] })

/**
 * @param {readonly { name: string, args: readonly string[] }[]} steps programs for this Node
 * @returns {number} the exit code: 0 when all passed, else 1
 */
export function runSteps(steps) {
  const failed = []
  for (const { name, args } of steps) {
    process.stdout.write(`\n== ${name}\n`)
    const startedAtMs = Date.now()
    const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    if (signal === 'SIGINT' || signal === 'SIGTERM') return signal === 'SIGINT' ? 130 : 143
    const outcome = status === 0 ? 'ok' : `FAILED (${error?.message ?? signal ?? `exit ${status}`})`
    if (status !== 0) failed.push(name)
    process.stdout.write(`== ${name}: ${outcome}, ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s\n`)
  }
  process.stdout.write(failed.length === 0 ? '\nAll steps passed.\n' : `\nFAILED: ${failed.join(', ')}\n`)
  return failed.length === 0 ? 0 : 1
}
