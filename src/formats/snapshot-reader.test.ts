import { gzipSync } from 'node:zlib'
import { open, unlink } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  bytesOf,
  digestTrailer,
  joined,
  lastZxidTrailerAlone,
  memorySource,
  oldDigestTrailer,
  seal,
  smallLog,
  smallSnapshot,
  snapshotBody,
  withBytes,
} from '../../test/formats/hand-written.ts'
import { joinLong } from '../jute/long.ts'
import { decodeNodeRecord } from '../model/node-record.ts'
import { formatPath } from '../model/znode-path.ts'
import { type SnapshotSink, readSnapshot, readSnapshotContent } from './snapshot-reader.ts'

/** Everything that a sink is told, copied. */
function recorder(): { sink: SnapshotSink; sessions: unknown[]; acls: unknown[]; nodes: string[] } {
  const told = { sessions: [] as unknown[], acls: [] as unknown[], nodes: [] as string[] }
  return {
    ...told,
    sink: {
      session: (hi, lo, timeoutMs) => void told.sessions.push([joinLong(hi, lo), timeoutMs]),
      acl: (hi, lo, bytes, start, end) => void told.acls.push([joinLong(hi, lo), bytes.slice(start, end)]),
      records(window, starts, count) {
        for (let i = 0; i < count; i++) told.nodes.push(formatPath(decodeNodeRecord(window, starts[i], starts[i + 1]).path))
      },
    },
  }
}

const damaged = expect.objectContaining({ code: 'SNAPSHOT_DAMAGED' })
const read = (bytes: Uint8Array, sink: SnapshotSink = {}) => readSnapshotContent(memorySource(bytes), 'memory', sink)

describe('readSnapshot', () => {
  it('hands out sessions, ACLs and records, and sums them up', async () => {
    const told = recorder()
    const summary = await withBytes('snapshot.100000005', smallSnapshot, (path) => readSnapshot(path, told.sink))
    expect(told.sessions).toEqual([[0x0100001abdde0006n, 6000]])
    expect(told.acls).toEqual([[1n, bytesOf('00000001 0000001f 00000006 646967657374 00000005 626f623a78')]])
    expect(told.nodes).toEqual(['/', '/a', '/a/b'])
    expect(summary).toEqual({
      zxidOfName: 0x100000005n,
      version: 2,
      dbId: -1n,
      sessions: 1,
      acls: 1,
      nodes: 3,
      bytes: smallSnapshot.length,
      digest: { zxid: 0x100000006n, version: 2, digest: 0x123456789abn },
      lastProcessedZxid: 0x100000006n,
      compression: 'none',
      maxZxidSeen: 0x100000004n,
      adler: 0xf5862b53,
      trailingBytes: 0,
    })
  })

  it('takes no, either or both trailers, as servers of 3.4 to 3.9 write them', async () => {
    const body = joined(snapshotBody, seal)
    expect(await read(body)).not.toHaveProperty('digest')
    expect(await read(body)).not.toHaveProperty('lastProcessedZxid')
    expect(await read(joined(body, digestTrailer))).toMatchObject({ digest: { version: 2 } })
    expect(await read(joined(body, digestTrailer))).not.toHaveProperty('lastProcessedZxid')
    const lastOnly = await read(joined(body, lastZxidTrailerAlone))
    expect(lastOnly).toMatchObject({ lastProcessedZxid: 0x100000006n })
    expect(lastOnly).not.toHaveProperty('digest')
    expect((await read(joined(body, oldDigestTrailer))).digest).toEqual({ zxid: 0x100000006n, version: 1, digest: 0xabcn, text: 'abc' })
  })

  it('reports bytes after the last seal', async () => {
    const summary = await read(joined(smallSnapshot, new Uint8Array(7)))
    expect(summary).toMatchObject({ trailingBytes: 7, bytes: smallSnapshot.length + 7 })
  })

  it('tells gz by its bytes, and says when the name promises something else', async () => {
    const gz = gzipSync(smallSnapshot)
    const named = await withBytes('snapshot.5.gz', gz, (path) => readSnapshot(path, {}))
    expect(named).toMatchObject({ compression: 'gz', nodes: 3, bytes: smallSnapshot.length })
    expect(named).not.toHaveProperty('compressionOfName')
    const misnamed = await withBytes('snapshot.5', gz, (path) => readSnapshot(path, {}))
    expect(misnamed).toMatchObject({ compression: 'gz', compressionOfName: 'none' })
    const plain = await withBytes('snapshot.5.snappy', smallSnapshot, (path) => readSnapshot(path, {}))
    expect(plain).toMatchObject({ compression: 'none', compressionOfName: 'snappy' })
  })

  it('reads from a handle that is open already, even when the file is gone, and leaves it open', async () => {
    await withBytes('snapshot.5', smallSnapshot, async (path) => {
      const handle = await open(path, 'r')
      await unlink(path)
      expect((await readSnapshot({ path, handle }, {})).nodes).toBe(3)
      expect((await readSnapshot({ path, handle }, {})).nodes).toBe(3)
      await handle.close()
    })
  })

  it('does not read what is not a snapshot, and names the file', async () => {
    for (const bytes of [new Uint8Array(0), bytesOf('5a4b53'), smallLog, new Uint8Array(400)]) {
      const attempt = withBytes('snapshot.5', bytes, (path) => readSnapshot(path, {}))
      await expect(attempt).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED', place: { file: expect.stringContaining('snapshot.5') } })
    }
    await expect(readSnapshot('/nowhere/snapshot.5', {})).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })

  it('refuses another version', async () => {
    const other = smallSnapshot.slice()
    other[7] = 3
    await expect(read(other)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED', place: { offset: 4 } })
  })
})

describe('readSnapshot of hostile bytes', () => {
  it('refuses every truncation, except where an older server would have ended the file', async () => {
    const valid = [snapshotBody.length + seal.length, snapshotBody.length + seal.length + digestTrailer.length, smallSnapshot.length]
    for (let length = 0; length <= smallSnapshot.length; length++) {
      const attempt = read(smallSnapshot.subarray(0, length))
      if (valid.includes(length)) expect((await attempt).bytes).toBe(length)
      else await expect(attempt).rejects.toEqual(damaged)
    }
  })

  it('refuses every single flipped bit, and says where', async () => {
    for (let bit = 0; bit < smallSnapshot.length * 8; bit++) {
      const flipped = smallSnapshot.slice()
      flipped[bit >> 3] ^= 1 << (bit & 7)
      const failure = await read(flipped).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'SNAPSHOT_DAMAGED', place: { offset: expect.any(Number), file: 'memory' } })
    }
  })

  it.each(['fffffffe', '80000000', '7fffffff', '40000001', '3fffffff'])('refuses 0x%s as any length or count', async (lie) => {
    const places = { sessions: 16, acls: 32, aclEntries: 44, scheme: 52, rootPath: 71, rootData: 75, path: 147, data: 153 }
    for (const offset of Object.values(places)) {
      const lied = smallSnapshot.slice()
      lied.set(bytesOf(lie), offset)
      await expect(read(lied)).rejects.toEqual(damaged)
    }
  })

  it('refuses a tree whose first node is not the root, or with a second root', async () => {
    const head = smallSnapshot.subarray(0, 71)
    const root = smallSnapshot.subarray(71, 147)
    const child = smallSnapshot.subarray(147, 227)
    await expect(read(joined(head, child, root))).rejects.toMatchObject({ message: 'the first node is not the root' })
    await expect(read(joined(head, root, root))).rejects.toMatchObject({ message: 'a path is empty that is not the first' })
    await expect(read(joined(head, bytesOf('00000001 2f'), seal))).rejects.toEqual(damaged)
  })

  it('refuses a gz stream that is cut or flipped anywhere', async () => {
    const gz = gzipSync(smallSnapshot)
    for (let length = 2; length < gz.length; length += 7) {
      await withBytes('snapshot.5.gz', gz.subarray(0, length), async (path) => {
        await expect(readSnapshot(path, {})).rejects.toEqual(damaged)
      })
    }
    // Byte 4 to 9 of the header are a time and the like: whatever they say, the content is the same.
    for (let at = 10; at < gz.length; at += 5) {
      const flipped = Uint8Array.from(gz)
      flipped[at] ^= 0x10
      await withBytes('snapshot.5.gz', flipped, async (path) => {
        await expect(readSnapshot(path, {})).rejects.toEqual(damaged)
      })
    }
  })
})
