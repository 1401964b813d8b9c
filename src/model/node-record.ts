import { ZooArkError } from '../base/errors.ts'
import { int32At, longAt, putInt32, putLong } from '../jute/long.ts'
import type { Stat } from './stat.ts'
import { toZxid } from './zxid.ts'

/**
 * One znode as it stands in a snapshot (ZooKeeper: `DataTree.serializeNodeData`; page: docs/formats/zookeeper-snapshot.md).
 *
 * ```
 * i32 pathLength | path (root is the empty path) | i32 dataLength (-1 = null) | data | i64 aclKey |
 * i64 czxid | i64 mzxid | i64 ctime | i64 mtime | i32 version | i32 cversion | i32 aversion | i64 ephemeralOwner | i64 pzxid
 * ```
 */

/** Offset of the path from the start of the record. */
export const nodePathOffset = 4

/** Offsets of the fixed fields from the end of the data (see `nodeTailOf`). */
export const nodeTail = {
  aclKey: 0,
  czxid: 8,
  mzxid: 16,
  ctime: 24,
  mtime: 32,
  version: 40,
  cversion: 44,
  aversion: 48,
  ephemeralOwner: 52,
  pzxid: 60,
  /** Length of the tail: the record ends here. */
  length: 68,
} as const

/** Shortest record: the root without data. */
export const nodeRecordLengthMin = 4 + 4 + nodeTail.length

// The functions below read a record that has been bounds-checked, as records handed out by readSnapshot are.

export function nodePathLength(bytes: Uint8Array, start: number): number {
  return int32At(bytes, start)
}

/** Where the path ends, which is where the data length stands. */
export function nodePathEnd(bytes: Uint8Array, start: number): number {
  return start + nodePathOffset + int32At(bytes, start)
}

/** Length of the data; -1 for null. */
export function nodeDataLength(bytes: Uint8Array, start: number): number {
  return int32At(bytes, nodePathEnd(bytes, start))
}

/** Where the data start; an empty span there when they are null or empty. */
export function nodeDataStart(bytes: Uint8Array, start: number): number {
  return nodePathEnd(bytes, start) + 4
}

/** Where the data end and the ACL key and the stat begin: the place that `nodeTail` counts from. */
export function nodeTailOf(bytes: Uint8Array, start: number): number {
  const dataStart = nodeDataStart(bytes, start)
  const dataLength = int32At(bytes, dataStart - 4)
  return dataLength > 0 ? dataStart + dataLength : dataStart
}

export function nodeRecordEnd(bytes: Uint8Array, start: number): number {
  return nodeTailOf(bytes, start) + nodeTail.length
}

/** The same record for people and tests. `path` and `data` are views on the bytes it was decoded from. */
export interface NodeRecord {
  /** Empty for the root. */
  readonly path: Uint8Array
  readonly data: Uint8Array | null
  readonly aclKey: bigint
  readonly stat: Stat
}

/** Decodes the record at `start`, which must end exactly at `end`. @throws RECORD_DAMAGED otherwise. */
export function decodeNodeRecord(bytes: Uint8Array, start: number, end: number): NodeRecord {
  const length = end - start
  const pathLength = length < nodeRecordLengthMin ? -1 : int32At(bytes, start)
  if (pathLength < 0 || pathLength > length - nodeRecordLengthMin) throw damaged('the path does not fit', start)
  const dataStart = start + nodePathOffset + pathLength + 4
  const dataLength = int32At(bytes, dataStart - 4)
  const tail = dataLength > 0 ? dataStart + dataLength : dataStart
  if (dataLength < -1 || tail + nodeTail.length !== end) throw damaged('the data do not fit', dataStart - 4)
  return {
    path: bytes.subarray(start + nodePathOffset, dataStart - 4),
    data: dataLength < 0 ? null : bytes.subarray(dataStart, tail),
    aclKey: longAt(bytes, tail + nodeTail.aclKey),
    stat: decodeNodeStat(bytes, tail),
  }
}

/** @param tail as `nodeTailOf` gives it. */
export function decodeNodeStat(bytes: Uint8Array, tail: number): Stat {
  return {
    czxid: toZxid(longAt(bytes, tail + nodeTail.czxid)),
    mzxid: toZxid(longAt(bytes, tail + nodeTail.mzxid)),
    ctime: longAt(bytes, tail + nodeTail.ctime),
    mtime: longAt(bytes, tail + nodeTail.mtime),
    version: int32At(bytes, tail + nodeTail.version),
    cversion: int32At(bytes, tail + nodeTail.cversion),
    aversion: int32At(bytes, tail + nodeTail.aversion),
    ephemeralOwner: longAt(bytes, tail + nodeTail.ephemeralOwner),
    pzxid: toZxid(longAt(bytes, tail + nodeTail.pzxid)),
  }
}

/** The record as one fresh array. */
export function encodeNodeRecord(node: NodeRecord): Uint8Array {
  const dataLength = node.data === null ? 0 : node.data.length
  const dataStart = nodePathOffset + node.path.length + 4
  const tail = dataStart + dataLength
  const bytes = new Uint8Array(tail + nodeTail.length)
  putInt32(bytes, 0, node.path.length)
  bytes.set(node.path, nodePathOffset)
  putInt32(bytes, dataStart - 4, node.data === null ? -1 : dataLength)
  if (node.data !== null) bytes.set(node.data, dataStart)
  putLong(bytes, tail + nodeTail.aclKey, node.aclKey)
  encodeNodeStat(node.stat, bytes, tail)
  return bytes
}

/** Writes the 60 bytes of the stat in place. @param tail as `nodeTailOf` gives it. */
export function encodeNodeStat(stat: Stat, bytes: Uint8Array, tail: number): void {
  putLong(bytes, tail + nodeTail.czxid, stat.czxid)
  putLong(bytes, tail + nodeTail.mzxid, stat.mzxid)
  putLong(bytes, tail + nodeTail.ctime, stat.ctime)
  putLong(bytes, tail + nodeTail.mtime, stat.mtime)
  putInt32(bytes, tail + nodeTail.version, stat.version)
  putInt32(bytes, tail + nodeTail.cversion, stat.cversion)
  putInt32(bytes, tail + nodeTail.aversion, stat.aversion)
  putLong(bytes, tail + nodeTail.ephemeralOwner, stat.ephemeralOwner)
  putLong(bytes, tail + nodeTail.pzxid, stat.pzxid)
}

function damaged(what: string, offset: number): ZooArkError {
  return new ZooArkError('RECORD_DAMAGED', `not a node record: ${what}`, { place: { offset } })
}
