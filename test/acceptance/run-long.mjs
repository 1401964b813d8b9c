/**
 * The long acceptance run: all versions, standalone and in an ensemble, 50 random zxids each, and every way to start servers on what was restored.
 *   node test/acceptance/run-long.mjs [seed] [version-shape]
 * Prints one line a configuration, the sums, and ends with vitest's exit code. The guide is docs/guide/proof.md.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(fileURLToPath(import.meta.url), '../../..')
const [seed, only] = process.argv.slice(2)
const env = { ...process.env, ZOOARK_LONG: '1', ...(seed ? { ZOOARK_SEED: seed } : {}), ...(only ? { ZOOARK_ONLY: only } : {}) }
const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'real', 'test/real/acceptance']
const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })

const proofs = []
let pending = ''
child.stdout.setEncoding('utf8').on('data', (text) => {
  const lines = (pending + text).split('\n')
  pending = lines.pop() ?? ''
  for (const line of lines) {
    process.stdout.write(`${line}\n`)
    const at = line.indexOf('PROOF {')
    if (at >= 0) proofs.push(JSON.parse(line.slice(at + 'PROOF '.length)))
  }
})
child.on('close', (code) => {
  const sum = (name) => proofs.reduce((total, proof) => total + proof[name], 0)
  for (const p of proofs) {
    const gaps = p.gaps.length === 1 ? '1 gap' : `${p.gaps.length} gaps`
    console.log(
      `${p.version} ${p.shape} (seed ${p.seed}): ${p.backups} backups of ${p.ops} operations, ${gaps}; ${p.zxids} zxids, ` +
        `${p.znodes} znodes, ${p.sessions} sessions, ${p.digests} digests compared: ${p.differences} differences`,
    )
  }
  console.log(
    `${proofs.length} configurations: ${sum('backups')} backups; ${sum('zxids')} zxids, ${sum('znodes')} znodes, ${sum('sessions')} sessions, ` +
      `${sum('digests')} digests compared: ${sum('differences')} differences`,
  )
  process.exitCode = code ?? 1
})
