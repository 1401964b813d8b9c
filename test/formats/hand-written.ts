import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteSource } from '../../src/formats/byte-source.ts'

/**
 * Files written byte by byte from the format pages, not by the code under test. The Adler32 values were computed once with Python's
 * zlib.adler32 over the bytes before them.
 */

/** Bytes of hexadecimal text; blanks are free, and from `//` to the end of the line is a comment. */
export function bytesOf(text: string): Uint8Array {
  const digits = text.replaceAll(/\/\/.*$/gm, '').replaceAll(/\s/g, '')
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** Everything of the small snapshot up to and with its end mark. */
export const snapshotBody = bytesOf(`
  // header: ZKSN, version 2, dbId -1
  5a4b534e 00000002 ffffffffffffffff
  // one session: id, timeout 6000 ms
  00000001 0100001abdde0006 00001770
  // one ACL: key 1, one entry, perms 31, scheme digest, id bob:x
  00000001 0000000000000001 00000001 0000001f 00000006 646967657374 00000005 626f623a78
  // root: empty path, empty data, open ACL
  00000000 00000000 ffffffffffffffff
  // czxid 0, mzxid 0, ctime 0, mtime 0, version 0, cversion 1, aversion 0, owner 0, pzxid 5
  0000000000000000 0000000000000000 0000000000000000 0000000000000000 00000000 00000001 00000000 0000000000000000 0000000000000005
  // /a: data hi, ACL 1
  00000002 2f61 00000002 6869 0000000000000001
  // czxid 2, mzxid 3, two times, version 1, cversion 2, aversion 3, owner 0, pzxid 0x100000004
  0000000000000002 0000000000000003 0000018bcfe56800 0000018bcfe56801 00000001 00000002 00000003 0000000000000000 0000000100000004
  // /a/b: null data, ACL 7, which nothing defines, ephemeral of the session
  00000004 2f612f62 ffffffff 0000000000000007
  0000000100000004 0000000100000004 0000018bcfe56802 0000018bcfe56802 00000000 00000000 00000000 0100001abdde0006 0000000100000004
  // end mark
  00000001 2f`)

export const seal = bytesOf('00000000 f5862b53 00000001 2f')

/** A digest of version 2 for zxid 0x100000006, sealed. */
export const digestTrailer = bytesOf('0000000100000006 00000002 00000123456789ab  00000000 cc102f89 00000001 2f')
/** Last zxid 0x100000006, sealed after the digest trailer. */
export const lastZxidTrailer = bytesOf('0000000100000006  00000000 cd103154 00000001 2f')
/** The same where there is no digest before it. */
export const lastZxidTrailerAlone = bytesOf('0000000100000006  00000000 a5012d83 00000001 2f')
/** A digest of version 1, the text abc. */
export const oldDigestTrailer = bytesOf('0000000100000006 00000001 00000003 616263  00000000 9c1e2ead 00000001 2f')

/** As a server of 3.9 writes it. */
export const smallSnapshot = joined(snapshotBody, seal, digestTrailer, lastZxidTrailer)

export const logHeader = bytesOf('5a4b4c47 00000002 0000000000000000')
export const logRecords = [
  // createSession: client, cxid 0, zxid 1, time, type -10 | timeout 6000 | digest: version 2, 0
  bytesOf(`00000000 da8408e2 00000030
    0100001abdde0006 00000000 0000000000000001 0000018bcfe56800 fffffff6  00001770  00000002 0000000000000000  42`),
  // create /a: data hi, one ACL world:anyone:31, not ephemeral, parent cversion 1
  bytesOf(`00000000 78e10aad 0000004c
    0100001abdde0006 00000001 0000000000000002 0000018bcfe56801 00000001
    00000002 2f61 00000002 6869 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000001  42`),
  // error -101, without digest
  bytesOf(`00000000 79790c00 00000024
    0100001abdde0006 00000002 0000000000000003 0000018bcfe56802 ffffffff  ffffff9b  42`),
]
export const smallLog = joined(logHeader, ...logRecords)

/** Bytes in memory as a source that gives them in small pieces. */
export function memorySource(bytes: Uint8Array): ByteSource {
  let at = 0
  return {
    get remainingHint() {
      return bytes.length - at
    },
    async read(target, start, end) {
      const length = Math.min(end - start, bytes.length - at)
      target.set(bytes.subarray(at, at + length), start)
      at += length
      return length
    },
    async close() {},
  }
}

/** A fresh directory for the time of `use`. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-formats-'))
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A file with these bytes for the time of `use`. */
export async function withBytes<T>(name: string, bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const path = join(directory, name)
    await writeFile(path, bytes)
    return use(path)
  })
}
