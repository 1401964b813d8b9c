import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFile, type OpenFile } from '../formats/file-input.ts'
import { TxnLogWriter } from '../formats/txn-log-writer.ts'
import { longAt } from '../jute/long.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { makeZxid, toZxid, type Zxid } from '../model/zxid.ts'
import { readTxnRun, type RunLog, type TxnRun } from './txn-run.ts'

let directory: string
let opened: OpenFile[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zooark-run-'))
  opened = []
})

afterEach(async () => {
  for (const { handle } of opened) await handle.close()
  await rm(directory, { recursive: true })
})

/** A txn header and nothing else: what this reader looks at. */
function payload(zxid: bigint): Uint8Array {
  const bytes = Buffer.alloc(txnLayout.body + 4)
  bytes.writeBigInt64BE(zxid, txnLayout.zxid)
  bytes.writeInt32BE(-1, txnLayout.type)
  return bytes
}

async function log(name: bigint, zxids: readonly bigint[]): Promise<RunLog> {
  const path = join(directory, `log.${name.toString(16)}`)
  const writer = await TxnLogWriter.create(path, { fsync: 'never' })
  for (const zxid of zxids) await writer.append(payload(zxid), 0, txnLayout.body + 4)
  await writer.close({ preAllocBytes: 65_536 })
  return hold(path, name)
}

async function hold(path: string, name: bigint): Promise<RunLog> {
  const file = await openFile(path)
  opened.push(file)
  return { file, zxid: toZxid(name) }
}

async function run(logs: readonly RunLog[], after: bigint): Promise<TxnRun & { readonly zxids: bigint[] }> {
  const zxids: bigint[] = []
  const result = await readTxnRun(logs, toZxid(after), {
    txns: (window, starts, _ends, count) => {
      for (let i = 0; i < count; i++) zxids.push(longAt(window, starts[i] + txnLayout.zxid))
    },
  })
  return { ...result, zxids }
}

const epoch2 = (counter: bigint): Zxid => makeZxid(2n, counter)

describe('readTxnRun', () => {
  it('goes on from log to log, from the one that covers the start', async () => {
    const logs = [await log(1n, [1n, 2n]), await log(3n, [3n, 4n]), await log(5n, [5n])]
    expect(await run(logs, 3n)).toMatchObject({ zxids: [4n, 5n], last: 5n, count: 2, end: { kind: 'end' } })
    expect(await run(logs, 0n)).toMatchObject({ zxids: [1n, 2n, 3n, 4n, 5n] })
    expect(await run(logs, 5n)).toMatchObject({ zxids: [], last: 5n, count: 0, end: { kind: 'end' } })
  })

  it('stops at a hole and names both ends', async () => {
    const logs = [await log(1n, [1n, 2n]), await log(9n, [9n])]
    expect(await run(logs, 0n)).toMatchObject({ zxids: [1n, 2n], end: { kind: 'hole', after: 2n, before: 9n } })
    expect(await run([logs[1]], 2n)).toMatchObject({ zxids: [], end: { kind: 'hole', after: 2n, before: 9n } })
  })

  it('takes the first txn of a later epoch for the next one', async () => {
    const logs = [await log(1n, [1n, 2n]), await log(epoch2(1n), [epoch2(1n), epoch2(2n)])]
    expect(await run(logs, 0n)).toMatchObject({ last: epoch2(2n), count: 4, end: { kind: 'end' } })
  })

  it('counts on over the low half of a zxid', async () => {
    const last = 0xffff_ffffn
    const logs = [await log(last, [last, last + 1n, last + 2n])]
    expect(await run(logs, last - 1n)).toMatchObject({ count: 3, last: last + 2n })
  })

  it('hands out once what stands in two logs, and refuses logs that go back', async () => {
    const twice = [await log(1n, [1n, 2n, 3n]), await log(4n, [4n])]
    expect(await run(twice, 2n)).toMatchObject({ zxids: [3n, 4n] })
    // A learner that falls out of a synchronisation logs the same proposals again, into the same file (seen with 3.8.4).
    expect(await run([await log(7n, [7n, 7n, 8n, 9n, 7n, 8n, 9n, 10n])], 6n)).toMatchObject({ zxids: [7n, 8n, 9n, 10n] })
  })

  it('refuses another txn under a zxid that was there before', async () => {
    const path = join(directory, 'log.7')
    const writer = await TxnLogWriter.create(path, { fsync: 'never' })
    const other = Buffer.from(payload(7n))
    other.writeInt32BE(1, txnLayout.cxid)
    for (const bytes of [payload(7n), payload(8n), other]) await writer.append(bytes, 0, bytes.length)
    await writer.close({ preAllocBytes: 65_536 })
    await expect(run([await hold(path, 7n)], 6n)).rejects.toMatchObject({ code: 'SOURCE_DAMAGED', place: { zxid: '0x7' } })
  })

  it('ends at a torn record, and at a log whose header is being written', async () => {
    const whole = await log(1n, [1n, 2n])
    const torn = join(directory, 'log.3')
    await writeFile(torn, Buffer.concat([Buffer.from('5a4b4c47000000020000000000000000', 'hex'), Buffer.alloc(5, 7)]))
    expect(await run([whole, await hold(torn, 3n)], 0n)).toMatchObject({ zxids: [1n, 2n], end: { kind: 'end' } })
    const begun = join(directory, 'log.4')
    await writeFile(begun, Buffer.from('5a4b', 'hex'))
    expect(await run([whole, await hold(begun, 4n)], 0n)).toMatchObject({ zxids: [1n, 2n], end: { kind: 'end' } })
  })
})
