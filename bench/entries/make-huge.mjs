/**
 * A data directory with the tree of another one so many times over, each copy below a znode of its own, and one txn in its log.
 *   node bench/entries/make-huge.mjs <data directory with one snapshot> <new data directory> <copies>
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readSnapshot } from '../../dist/formats/snapshot-reader.js'
import { writeSnapshot } from '../../dist/formats/snapshot-writer.js'
import { SampleServer } from '../../dist/source/sample-server.js'

const [from, to, copies] = process.argv.slice(2)
const name = readdirSync(join(from, 'version-2')).find((file) => file.startsWith('snapshot.'))
const windows = []
const acls = []
await readSnapshot(
  join(from, 'version-2', name),
  {
    acl: (hi, lo, bytes, start, end) => acls.push({ key: (BigInt(hi) << 32n) | BigInt(lo >>> 0), bytes: bytes.slice(start, end) }),
    records: (window, starts, count) => windows.push({ window, starts: starts.slice(0, count + 1), count }),
  },
  { adopt: 'windows' },
)

/** Whether the path at `at` is /zookeeper or below it: such znodes stand once. */
const zookeeper = Buffer.from('/zookeeper')
const isSystem = (window, at, length) => length >= 10 && Buffer.compare(window.subarray(at, at + 10), zookeeper) === 0

/** One window of the source with every path below `prefix`. The root becomes the znode of the copy itself. */
function moved({ window, starts, count }, prefix) {
  const out = Buffer.allocUnsafe(starts[count] - starts[0] + count * prefix.length)
  const view = Buffer.from(window.buffer, window.byteOffset, window.byteLength)
  let at = 0
  for (let i = 0; i < count; i++) {
    const length = view.readInt32BE(starts[i])
    if (isSystem(window, starts[i] + 4, length)) continue
    at = out.writeInt32BE(length + prefix.length, at)
    at += prefix.copy(out, at)
    at += view.copy(out, at, starts[i] + 4, starts[i + 1])
  }
  return out.subarray(0, at)
}

/** The root and /zookeeper as they are. */
function* system() {
  for (const { window, starts, count } of windows) {
    for (let i = 0; i < count; i++) {
      const length = Buffer.from(window.buffer, window.byteOffset + starts[i], 4).readInt32BE(0)
      if (length === 0 || isSystem(window, starts[i] + 4, length)) yield window.slice(starts[i], starts[i + 1])
    }
  }
}

function* all() {
  yield* system()
  for (let copy = 0; copy < Number(copies); copy++) for (const window of windows) yield moved(window, Buffer.from(`/copy-${copy}`))
}

const directory = join(to, 'version-2')
mkdirSync(directory, { recursive: true })
const pieces = all()
const records = {
  window: new Uint8Array(0),
  start: 0,
  end: 0,
  next() {
    const { value, done } = pieces.next()
    if (done) return false
    this.window = value
    this.end = value.length
    return true
  },
}
await writeSnapshot(join(directory, name), { sessions: [], acls, records }, { fsync: 'never' })
// A transaction, so that the directory is one of a server that served.
const server = await SampleServer.open(to, { timeMs: Date.UTC(2026, 0, 1), epoch: 'same' })
await server.setData('/copy-0', 'huge', 0x1000_0000_0001n)
await server.close()
