import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOnlySink, type StateRef } from '../../src/archive/state-ref.ts'
import { type StateSource, writeState } from '../../src/archive/write-state.ts'
import { loadState } from '../../src/archive/load-state.ts'
import { listDataDir } from '../../src/formats/data-dir.ts'
import { readTxnLog } from '../../src/formats/txn-log-reader.ts'
import { toSessionId } from '../../src/model/session-id.ts'
import { encodeTxn, type TxnRecord } from '../../src/model/txn.ts'
import { txnTypes } from '../../src/model/txn-layout.ts'
import { toZxid } from '../../src/model/zxid.ts'
import { loadSnapshotTree } from '../../src/replay/load-snapshot-tree.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { MemoryChunks } from './plain-tree.ts'

/** The same tree without a memory of what was written from it. */
function forgetful(tree: DataTree): StateSource {
  return {
    sortedNodes: () => tree.sortedNodes(),
    segmentOf: (index) => tree.segmentOf(index),
    startOf: (index) => tree.startOf(index),
    aclBytes: (hi, lo) => tree.aclBytes(hi, lo),
    sessions: () => tree.sessions(),
  }
}

async function expectSame(tree: DataTree): Promise<StateRef> {
  const found = await writeState(hashOnlySink, tree)
  expect(found).toEqual(await writeState(hashOnlySink, forgetful(tree)))
  return found
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const openAcl = [{ perms: 31, scheme: bytes('world'), id: bytes('anyone') }]
const readAcl = [{ perms: 1, scheme: bytes('world'), id: bytes('anyone') }]

/** Applies records one after the other, as one session. */
class Replayed {
  readonly tree = new DataTree()
  #zxid = 0n

  constructor() {
    this.tree.startEmpty('3.5')
  }

  apply(record: TxnRecord): void {
    this.#zxid += 1n
    const type = record.kind === 'unknown' ? record.type : txnTypes[record.kind]
    const header = { clientId: toSessionId(7n), cxid: 1, zxid: toZxid(this.#zxid), time: 1_000n + this.#zxid, type }
    const txn = encodeTxn({ header, record })
    this.tree.applyTxn(txn, 0, txn.length)
  }

  create(path: string, data: string, ephemeral = false): void {
    this.apply({ kind: 'create', path: bytes(path), data: bytes(data), acl: openAcl, ephemeral, parentCversion: -1 })
  }
}

const op = fc.record({
  kind: fc.constantFrom('create', 'ephemeral', 'delete', 'setData', 'setACL', 'reconfig', 'close', 'quota'),
  parent: fc.nat(11),
  child: fc.nat(60),
  length: fc.constantFrom(0, 5, 40, 20_000),
})

function act(replayed: Replayed, { kind, parent, child, length }: { kind: string; parent: number; child: number; length: number }): void {
  const path = `/parent-${parent}/child-${child}`
  const data = bytes('x'.repeat(length))
  if (kind === 'create' || kind === 'ephemeral') replayed.create(path, 'new', kind === 'ephemeral')
  else if (kind === 'delete') replayed.apply({ kind: 'delete', path: bytes(path) })
  else if (kind === 'setData') replayed.apply({ kind: 'setData', path: bytes(path), data, version: child })
  else if (kind === 'setACL') replayed.apply({ kind: 'setACL', path: bytes(path), acl: readAcl, version: child })
  else if (kind === 'reconfig') replayed.apply({ kind: 'reconfig', path: bytes('/zookeeper/config'), data, version: -1 })
  else if (kind === 'close') replayed.apply({ kind: 'closeSession', paths: null })
  else {
    replayed.create(`/zookeeper/quota/parent-${parent}`, '')
    replayed.create(`/zookeeper/quota/parent-${parent}/zookeeper_limits`, 'count=9,bytes=-1')
    replayed.create(`/zookeeper/quota/parent-${parent}/zookeeper_stats`, 'count=0,bytes=0')
  }
}

test('a tree that was written before gives the same state, whatever was changed in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(op, { maxLength: 12 }), { minLength: 1, maxLength: 6 }), async (batches) => {
      const replayed = new Replayed()
      for (let parent = 0; parent < 12; parent++) {
        replayed.create(`/parent-${parent}`, '')
        for (let child = 0; child < 60; child += 1 + (parent % 3)) replayed.create(`/parent-${parent}/child-${child}`, 'old')
      }
      await expectSame(replayed.tree)
      for (const batch of batches) {
        for (const each of batch) act(replayed, each)
        await expectSame(replayed.tree)
      }
    }),
    { numRuns: 60 },
  )
}, 60_000)

/** So many znodes that the leaf of the last one is not that of its parent. */
async function writtenSiblings(): Promise<Replayed> {
  const replayed = new Replayed()
  for (let i = 100; i < 300; i++) replayed.create(`/node-${i}`, 'old')
  replayed.apply({ kind: 'setACL', path: bytes('/node-299'), acl: readAcl, version: 1 })
  await expectSame(replayed.tree)
  return replayed
}

test('a znode that was deleted and made again stands in the place of the old one and is written anew', async () => {
  const replayed = await writtenSiblings()
  const index = replayed.tree.find(bytes('/node-299'))
  replayed.apply({ kind: 'delete', path: bytes('/node-299') })
  replayed.create('/node-299', 'new')
  expect(replayed.tree.find(bytes('/node-299'))).toBe(index)
  await expectSame(replayed.tree)
})

test('a create that finds its znode changes its ACL, and that is written', async () => {
  const replayed = await writtenSiblings()
  const before = await expectSame(replayed.tree)
  replayed.create('/node-299', 'new')
  expect((await expectSame(replayed.tree)).treeRoot).not.toEqual(before.treeRoot)
})

test('leaves that another sink has are put again into one that has not, data out of line with them', async () => {
  const replayed = new Replayed()
  for (let i = 0; i < 300; i++) replayed.create(`/node-${i}`, i % 50 === 0 ? 'long '.repeat(9000) : 'short')
  await writeState(hashOnlySink, replayed.tree)
  const chunks = new MemoryChunks()
  const ref = await writeState(chunks, replayed.tree)
  const loaded = await loadState(chunks, ref, new DataTree(), replayed.tree.lastZxid)
  expect(loaded.digest()).toBe(replayed.tree.digest())
  const { newBytes } = chunks
  replayed.apply({ kind: 'setData', path: bytes('/node-7'), data: bytes('changed'), version: 1 })
  const next = await writeState(chunks, replayed.tree)
  expect((await loadState(chunks, next, new DataTree(), replayed.tree.lastZxid)).digest()).toBe(replayed.tree.digest())
  expect(chunks.newBytes - newBytes).toBeLessThan(newBytes / 4)
})

test('what is written to two places in turn is right in both', async () => {
  const replayed = new Replayed()
  for (let i = 0; i < 200; i++) replayed.create(`/node-${i}`, 'first')
  const places = [new MemoryChunks(), new MemoryChunks()]
  for (let round = 0; round < 6; round++) {
    replayed.apply({ kind: 'setData', path: bytes(`/node-${round * 30}`), data: bytes(`round ${round}`), version: 1 })
    const place = places[round % 2]
    const ref = await writeState(place, replayed.tree)
    expect((await loadState(place, ref, new DataTree(), replayed.tree.lastZxid)).digest()).toBe(replayed.tree.digest())
  }
})

const vectors = new URL('../vectors/zookeeper/', import.meta.url).pathname
const directories = readdirSync(vectors)
  .flatMap((version) => readdirSync(join(vectors, version)).map((scenario) => join(vectors, version, scenario)))
  .filter((each) => existsSync(join(each, 'version-2')))

test.each(directories)('along the history of a real server the state is the same at every tenth txn: %s', async (directory) => {
  const { snapshots, logs } = await listDataDir(directory)
  const { tree, zxid } = await loadSnapshotTree(snapshots[0].path)
  const txns: Uint8Array[] = []
  for (const log of logs) {
    await readTxnLog(log.path, {
      txns: (window, starts, ends, count) => {
        for (let i = 0; i < count; i++) txns.push(window.slice(starts[i], ends[i]))
      },
    })
  }
  let compared = 0
  for (const [i, txn] of txns.entries()) {
    if (Buffer.from(txn).readBigInt64BE(12) <= zxid) continue
    tree.applyTxn(txn, 0, txn.length)
    if (i % 10 === 0) {
      await expectSame(tree)
      compared++
    }
  }
  expect(compared).toBeGreaterThan(0)
})
