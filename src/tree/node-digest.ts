import { crc32 } from '../base/checksum.ts'
import { nodeTail } from '../model/node-record.ts'

/**
 * The digest of one znode (ZooKeeper: `DigestCalculator`; page: docs/formats/tree-digest.md): the CRC-32 of path, data and 60 bytes of
 * stat in another order than the record's.
 *
 * CRC-32 is affine: when two inputs of one length differ in a few bytes near the end, their CRCs differ by a value that depends only on
 * those bytes and on their distance from the end. So a change of pzxid and cversion needs neither path nor data: see `digestChange`.
 */

/** Offsets of the fields in the 60 digested bytes. */
export const digestedStat = {
  czxid: 0,
  mzxid: 8,
  pzxid: 16,
  ctime: 24,
  mtime: 32,
  version: 40,
  cversion: 44,
  aversion: 48,
  ephemeralOwner: 52,
  length: 60,
} as const

/** 60 tables of 256: what a byte at that position of the stat contributes. */
const contributions = makeContributions()

function makeContributions(): Int32Array {
  const tables = new Int32Array(digestedStat.length * 256)
  const last = (digestedStat.length - 1) * 256
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    tables[last + byte] = value
  }
  for (let at = last - 1; at >= 0; at--) {
    const later = tables[at + 256]
    tables[at] = (later >>> 8) ^ tables[last + (later & 0xff)]
  }
  return tables
}

/**
 * How the digest changes (by exclusive or) when the four bytes at `position` of the stat change by `difference` (exclusive or of old and new).
 */
export function digestChange(difference: number, position: number): number {
  if (difference === 0) return 0
  const at = position << 8
  return (
    contributions[at + (difference >>> 24)] ^
    contributions[at + 256 + ((difference >>> 16) & 0xff)] ^
    contributions[at + 512 + ((difference >>> 8) & 0xff)] ^
    contributions[at + 768 + (difference & 0xff)]
  )
}

/** The digest of the node record at `start`, unsigned. `view` and `bytes` are of the same span. */
export function digestOfRecord(bytes: Uint8Array, view: DataView, start: number): number {
  const pathEnd = start + 4 + view.getInt32(start)
  const dataLength = view.getInt32(pathEnd)
  const dataStart = pathEnd + 4
  let crc = crc32(bytes, start + 4, pathEnd)
  let tail = dataStart
  if (dataLength > 0) {
    tail = dataStart + dataLength
    crc = crc32(bytes, dataStart, tail, crc)
  }
  // The register meets the first four bytes of the stat, lowest byte first.
  const register = ~crc
  const swapped = (register << 24) | ((register & 0xff00) << 8) | ((register >>> 8) & 0xff00) | (register >>> 24)
  const sum =
    digestChange(view.getInt32(tail + nodeTail.czxid) ^ swapped, 0) ^
    digestChange(view.getInt32(tail + nodeTail.czxid + 4), 4) ^
    digestChange(view.getInt32(tail + nodeTail.mzxid), 8) ^
    digestChange(view.getInt32(tail + nodeTail.mzxid + 4), 12) ^
    digestChange(view.getInt32(tail + nodeTail.pzxid), 16) ^
    digestChange(view.getInt32(tail + nodeTail.pzxid + 4), 20) ^
    digestChange(view.getInt32(tail + nodeTail.ctime), 24) ^
    digestChange(view.getInt32(tail + nodeTail.ctime + 4), 28) ^
    digestChange(view.getInt32(tail + nodeTail.mtime), 32) ^
    digestChange(view.getInt32(tail + nodeTail.mtime + 4), 36) ^
    digestChange(view.getInt32(tail + nodeTail.version), 40) ^
    digestChange(view.getInt32(tail + nodeTail.cversion), 44) ^
    digestChange(view.getInt32(tail + nodeTail.aversion), 48) ^
    digestChange(view.getInt32(tail + nodeTail.ephemeralOwner), 52) ^
    digestChange(view.getInt32(tail + nodeTail.ephemeralOwner + 4), 56)
  return ~sum >>> 0
}
