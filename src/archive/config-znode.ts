import { compareBytes, equalBytes, utf8Bytes } from '../base/bytes.ts'
import { int32At, longAt, putLong } from '../jute/long.ts'
import { nodeDataLength, nodeDataStart, nodePathEnd, nodePathOffset, nodeRecordEnd, nodeTail, nodeTailOf } from '../model/node-record.ts'
import { configPath } from './state-format.ts'

/**
 * `/zookeeper/config`, the one znode that differs between servers of one ensemble at the same zxid: a server that starts writes it
 * anew, with its own clock, and lists the servers in an order of its own. In a state its mtime is 0 and its lines are sorted; what it
 * really was stands beside the roots (docs/formats/archive.md, "Leaf").
 */

export const configPathBytes: Uint8Array = utf8Bytes(configPath)
const newline = 0x0a

export interface ConfigRecord {
  /** The record as it counts in the state. */
  readonly record: Uint8Array
  readonly mtime: bigint
  /** The true data; null where they are the same as in the state. */
  readonly data: Uint8Array | null
}

export function isConfigPath(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== configPathBytes.length) return false
  for (let i = 0; i < configPathBytes.length; i++) if (bytes[start + i] !== configPathBytes[i]) return false
  return true
}

/** Whether the node record at `start` is that znode. */
export function isConfigRecord(segment: Uint8Array, start: number): boolean {
  return int32At(segment, start) === configPathBytes.length && isConfigPath(segment, start + nodePathOffset, nodePathEnd(segment, start))
}

/** The record at `start` as it counts in the state, and what was taken out of it. */
export function neutralConfig(segment: Uint8Array, start: number): ConfigRecord {
  const record = segment.slice(start, nodeRecordEnd(segment, start))
  const tail = nodeTailOf(record, 0)
  const mtime = longAt(record, tail + nodeTail.mtime)
  putLong(record, tail + nodeTail.mtime, 0n)
  if (nodeDataLength(record, 0) <= 0) return { record, mtime, data: null }
  const data = record.slice(nodeDataStart(record, 0), tail)
  const neutral = sortedLines(data)
  record.set(neutral, nodeDataStart(record, 0))
  return { record, mtime, data: equalBytes(data, neutral) ? null : data }
}

/** The same lines in bytewise order; as long as before. */
export function sortedLines(data: Uint8Array): Uint8Array {
  const lines: Uint8Array[] = []
  let start = 0
  for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
    lines.push(data.subarray(start, end))
    start = end + 1
  }
  lines.push(data.subarray(start))
  lines.sort(compareBytes)
  const sorted = new Uint8Array(data.length).fill(newline)
  let at = 0
  for (const line of lines) {
    sorted.set(line, at)
    at += line.length + 1
  }
  return sorted
}
