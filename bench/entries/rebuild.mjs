/**
 * Snapshot and logs of a data directory to a new sealed snapshot at a zxid, on the disk: what a server does when it starts.
 *   node bench/entries/rebuild.mjs <data directory> <zxid | latest> <new directory>
 */
import { mkdirSync } from 'node:fs'
import { parseZxid } from '../../dist/model/zxid.js'
import { openDataDirectory } from '../../dist/source/data-directory.js'
import { replayFiles } from '../../dist/source/replay-files.js'
import { writeServerFiles } from '../../dist/target/server-files.js'

const [from, at, to] = process.argv.slice(2)
const directory = await openDataDirectory(from)
const { tree, zxid, consistency } = await replayFiles(directory, at === 'latest' ? at : parseZxid(at))
mkdirSync(to, { recursive: true })
const { snapshotPath, snapshotBytes } = await writeServerFiles(to, { tree, zxid, trailers: { digest: 'write', lastProcessedZxid: 'omit' } })
await directory.close()
console.log(JSON.stringify({ snapshotPath, snapshotBytes, znodes: tree.nodeCount, consistency, digest: tree.digest().toString(16) }))
