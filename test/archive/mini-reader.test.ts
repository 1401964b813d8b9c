import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginArchive } from '../../src/archive/archive-draft.ts'
import { readHistory } from '../../src/archive/history.ts'
import { fixedClock } from '../../src/base/clock.ts'
import { toHex } from '../../src/base/hex.ts'
import { zstd } from '../../src/base/zstd.ts'
import { encodePath } from '../../src/model/znode-path.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { createRepository } from '../../src/repository/repository.ts'
import { localStore } from '../../src/storage/local-store.ts'
import { arbitraryState, treeOf } from './arbitrary-state.ts'
import { readLastPoint, type MiniState } from './mini-reader.ts'
import { plainLine, type PlainTree } from './plain-tree.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zooark-mini-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

async function backUp(tree: PlainTree, store: string): Promise<void> {
  const repository = await createRepository(localStore(store), { id: 'test', clock: fixedClock(0), writer: 'test', threads: 0 })
  const start = { parent: null, forkZxid: null, reason: 'test' }
  const archive = await beginArchive(repository, await readHistory(repository), { start })
  const facts = { timeMs: null, digest: null, consistency: 'exact', name: null, maxEpochSeen: 1, source: {} } as const
  await archive.addPoint(tree, toZxid(0x100000007n), facts)
  await archive.commit({ kind: 'test' })
}

function linesOf({ nodes }: MiniState): string[] {
  return nodes.map(({ path, data, acl, danglingKey, stat }) => {
    const [czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner] = stat
    const zxids = { czxid: toZxid(czxid), mzxid: toZxid(mzxid), pzxid: toZxid(pzxid) }
    const numbers = { version: Number(version), cversion: Number(cversion), aversion: Number(aversion) }
    const node = { path: encodePath(path === '' ? '/' : path), data, stat: { ...zxids, ctime, mtime, ...numbers, ephemeralOwner } }
    return plainLine(node, acl === null ? `key ${danglingKey}` : toHex(acl))
  })
}

test('a reader that knows only the format pages restores a recovery point whole', async () => {
  const codec = await zstd()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(arbitraryState, async (state) => {
      const tree = treeOf(state, { order: 'backward', keyBase: 50n })
      const store = join(directory, String(runs++))
      await backUp(tree, store)
      const restored = readLastPoint(store, '1', (frame, plainLength) => codec.decompress(frame, plainLength))
      expect(restored.zxid).toBe('0x100000007')
      expect(linesOf(restored)).toEqual(tree.lines())
      const byId = (a: [bigint, number], b: [bigint, number]) => (a[0] < b[0] ? -1 : 1)
      const sessions = restored.sessions.map(({ id, timeoutMs }): [bigint, number] => [id, Number(timeoutMs)])
      expect(sessions.sort(byId)).toEqual([...tree.sessionMap].sort(byId))
    }),
    { numRuns: 25 },
  )
})
