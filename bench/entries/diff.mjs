/**
 * The two newest points of a repository compared in one process: the first time, then warm; and the bytes read from the store.
 *   node bench/entries/diff.mjs <repository>
 */
import { diffStates } from '../../dist/archive/diff-states.js'
import { readHistory } from '../../dist/archive/history.js'
import { openRepository } from '../../dist/repository/repository.js'
import { countingStore } from '../../dist/storage/counting-store.js'
import { localStore } from '../../dist/storage/local-store.js'
import { context } from './context.mjs'

const store = countingStore(localStore(process.argv[2]))
/** Caches of a repository object are emptied by opening it anew; only the code is warm then. */
async function once() {
  const repository = await openRepository(store, { clock: context.clock, writer: 'bench' })
  const history = await readHistory(repository)
  const points = history.timelines.flatMap((timeline) => timeline.points)
  const [a, b] = points.slice(-2).map((point) => point.state)
  const run = async () => {
    const before = store.counts.readBytes
    const started = performance.now()
    let changes = 0
    for await (const _ of diffStates(repository, a, b)) changes++
    return { ms: performance.now() - started, changes, readBytes: store.counts.readBytes - before }
  }
  return { first: await run(), again: await run() }
}
const cold = await once()
const rounds = []
for (let i = 0; i < 5; i++) rounds.push(await once())
const middle = (pick) => rounds.map(pick).sort((x, y) => x - y)[2]
console.log(
  JSON.stringify({
    changes: cold.first.changes,
    readBytes: cold.first.readBytes,
    coldMs: cold.first.ms,
    newRepositoryMs: middle((round) => round.first.ms),
    warmMs: middle((round) => round.again.ms),
  }),
)
