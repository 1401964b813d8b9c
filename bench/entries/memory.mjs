/**
 * Memory that a loaded tree takes over the bytes of its records.
 *   node --expose-gc bench/entries/memory.mjs <snapshot>
 */
import { statSync } from 'node:fs'
import { loadSnapshotTree } from '../../dist/replay/load-snapshot-tree.js'

const [file] = process.argv.slice(2)
const before = held()
const { tree } = await loadSnapshotTree(file)
const after = held()
console.log(
  JSON.stringify({ znodes: tree.nodeCount, rawBytes: statSync(file).size, heldBytes: after - before, rssBytes: process.memoryUsage.rss() }),
)

function held() {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
