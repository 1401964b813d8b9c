/**
 * Runs whole processes and measures them from outside: wall clock here, CPU and the peak of resident memory by GNU time, which adds a
 * millisecond to both sides. Sides take turns (A B A B …), so that a machine that slows down slows down both; figures are medians.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const gnuTime = '/usr/bin/time'
if (!existsSync(gnuTime)) {
  process.stderr.write(`bench: ${gnuTime} is missing; it measures CPU and memory (Debian: apt install time)\n`)
  process.exit(1)
}

/**
 * @typedef {{ wallMs: number, cpuMs: number, peakMb: number, stdout: string }} Sample
 * @param {readonly string[]} argv
 * @param {{ stdout?: 'discard' | 'keep', okCodes?: readonly number[] }} [options]
 * @returns {Promise<Sample>}
 */
export async function measure(argv, options = {}) {
  const figures = join(tmpdir(), `zooark-bench-${process.pid}-${process.hrtime.bigint()}`)
  const started = process.hrtime.bigint()
  const child = spawn(gnuTime, ['-q', '-f', '%U %S %M', '-o', figures, ...argv], {
    stdio: ['ignore', options.stdout === 'keep' ? 'pipe' : 'ignore', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (bytes) => (stdout += bytes))
  child.stderr.on('data', (bytes) => (stderr = (stderr + bytes).slice(-4000)))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  const wallMs = Number(process.hrtime.bigint() - started) / 1e6
  if (!(options.okCodes ?? [0]).includes(code)) throw new Error(`${argv.slice(0, 8).join(' ')} … ended with ${code}\n${stderr}`)
  const [user, system, kilobytes] = readFileSync(figures, 'utf8').trim().split('\n').at(-1).split(' ').map(Number)
  rmSync(figures)
  return { wallMs, cpuMs: (user + system) * 1000, peakMb: kilobytes / 1024, stdout }
}

/** The sample whose wall clock is the median; of an even number the faster of the two in the middle. */
export function median(samples) {
  return samples.toSorted((a, b) => a.wallMs - b.wallMs)[(samples.length - 1) >> 1]
}

/**
 * @param {() => Promise<Sample>} ours
 * @param {() => Promise<Sample>} peer
 * @param {{ ours: number, peer: number }} rounds how often each; a long peer runs less often
 */
export async function takeTurns(ours, peer, rounds) {
  const samples = { ours: [], peer: [] }
  for (let i = 0; i < Math.max(rounds.ours, rounds.peer); i++) {
    if (i < rounds.ours) samples.ours.push(await ours())
    if (i < rounds.peer) samples.peer.push(await peer())
  }
  return { ours: median(samples.ours), peer: median(samples.peer), all: samples }
}
