/** Ten million znodes, 3 GB: does a restore stay within its memory? Run with --huge only; nothing is compared, so no peer runs. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { measure } from './lib/measure.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

export async function measureHuge({ data, node }) {
  const home = join(data.scratch, 'huge')
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  const zooark = (...args) => [node, join(root, 'bin/zooark.mjs'), ...args]
  const [source, repository, target] = ['source', 'repository', 'target'].map((name) => join(home, name))
  await measure([node, '--max-old-space-size=6000', join(root, 'bench/entries/make-huge.mjs'), data.first, source, '10'])
  const backup = await measure(zooark('backup', '--from', `file:${source}`, '--repo', repository))
  const restore = await measure(zooark('restore', '--repo', repository, '--at', 'latest', '--exact', '--yes', '--to', `file:${target}`))
  rmSync(home, { recursive: true, force: true })
  const line = (job, ours, must) => ({ job, peer: '–', ours, value: ours.peakMb, unit: 'MB', better: 'less', must })
  return [line('backup of ten times the znodes, peak memory', backup), line('restore of ten times the znodes, peak memory', restore, 6144)]
}
