import { ZooArkError } from '../base/errors.ts'
import { compareTreeOrder } from '../model/znode-path.ts'
import { ColumnReader, ColumnWriter } from './column-bytes.ts'
import { chunkIdLength, chunkKinds, chunkVersion, levelsMax, nodeChildrenMax, sessionChunksMax, sessionsMax } from './state-format.ts'

/** A child of an inner node of the state tree (docs/formats/archive.md, "Node"). */
export interface ChildEntry {
  /** First path below the child. */
  readonly first: Uint8Array
  /** 32 bytes. */
  readonly id: Uint8Array
  readonly znodes: number
  /** Bytes of data of those znodes. */
  readonly dataBytes: number
}

export interface TreeNode {
  /** 1 right above the leaves. */
  readonly level: number
  readonly children: readonly ChildEntry[]
}

/** What a chunk of the tree is, without decoding it. @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function treeChunkKind(bytes: Uint8Array): 'leaf' | 'node' {
  const reader = openChunk(bytes)
  const kind = reader.byte('the kind')
  if (kind === chunkKinds.leaf) return 'leaf'
  if (kind === chunkKinds.node) return 'node'
  throw reader.damaged('it is neither a leaf nor a node')
}

export function encodeTreeNode(node: TreeNode): Uint8Array {
  const out = new ColumnWriter(4096)
  const { children } = node
  out.reserveVarints(2 + children.length * 4)
  out.byte(chunkVersion)
  out.byte(chunkKinds.node)
  out.byte(node.level)
  out.varint(children.length)
  const shared = children.map((child, i) => (i === 0 ? 0 : sharedPrefix(children[i - 1].first, child.first)))
  for (const length of shared) out.varint(length)
  for (const [i, child] of children.entries()) out.varint(child.first.length - shared[i])
  for (const [i, child] of children.entries()) out.raw(child.first, shared[i], child.first.length)
  out.reserveVarints(children.length * 2)
  for (const child of children) out.varint(child.znodes)
  for (const child of children) out.varint(child.dataBytes)
  for (const child of children) out.raw(child.id, 0, chunkIdLength)
  return out.view()
}

/** The ids are views on `bytes`. @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function decodeTreeNode(bytes: Uint8Array): TreeNode {
  const reader = openChunk(bytes)
  if (reader.byte('the kind') !== chunkKinds.node) throw reader.damaged('it is no node')
  const level = reader.byte('the level')
  if (level === 0 || level > levelsMax) throw reader.damaged(`level ${level} does not exist`)
  const count = reader.count('the number of children', nodeChildrenMax)
  if (count === 0) throw reader.damaged('the node is empty')
  const shared = readColumn(reader, count, 'a shared length')
  const suffixLengths = readColumn(reader, count, 'a suffix length')
  const firsts: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const start = reader.span('the paths', suffixLengths[i])
    const previous = i === 0 ? new Uint8Array(0) : firsts[i - 1]
    if (shared[i] > previous.length) throw reader.damaged('a path shares more than the path before it has')
    const path = new Uint8Array(shared[i] + suffixLengths[i])
    path.set(previous.subarray(0, shared[i]))
    path.set(bytes.subarray(start, start + suffixLengths[i]), shared[i])
    if (i > 0 && compareTreeOrder(previous, path) >= 0) throw reader.damaged('the paths do not ascend')
    firsts.push(path)
  }
  const znodes = readColumn(reader, count, 'a number of znodes')
  const dataBytes = readColumn(reader, count, 'a number of data bytes')
  const idsStart = reader.span('the ids', count * chunkIdLength)
  reader.end()
  const children = firsts.map((first, i) => {
    const at = idsStart + i * chunkIdLength
    return { first, id: bytes.subarray(at, at + chunkIdLength), znodes: znodes[i], dataBytes: dataBytes[i] }
  })
  return { level, children }
}

/** One client session: the id in halves. */
export interface SessionEntry {
  readonly idHi: number
  readonly idLo: number
  readonly timeoutMs: number
}

/** Sessions ascend by id as unsigned numbers. */
export function encodeSessions(sessions: readonly SessionEntry[]): Uint8Array {
  const out = new ColumnWriter(4096)
  out.reserveVarints(1 + sessions.length * 3)
  out.byte(chunkVersion)
  out.byte(chunkKinds.sessions)
  out.varint(sessions.length)
  let hi = 0
  let lo = 0
  for (const { idHi, idLo } of sessions) {
    out.delta64(idHi, idLo, hi, lo)
    hi = idHi
    lo = idLo
  }
  for (const { timeoutMs } of sessions) out.zigzag32(timeoutMs)
  return out.view()
}

/** @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function decodeSessions(bytes: Uint8Array): SessionEntry[] {
  const reader = openChunk(bytes)
  if (reader.byte('the kind') !== chunkKinds.sessions) throw reader.damaged('it holds no sessions')
  const count = reader.count('the number of sessions', sessionsMax)
  const ids: { hi: number; lo: number }[] = []
  let hi = 0
  let lo = 0
  for (let i = 0; i < count; i++) {
    reader.zigzag64('a session id')
    const low = (lo >>> 0) + (reader.lo >>> 0)
    const nextHi = (hi + reader.hi + (low > 0xffffffff ? 1 : 0)) | 0
    if (i > 0 && compareUnsigned(hi, lo, nextHi, low | 0) >= 0) throw reader.damaged('the session ids do not ascend')
    hi = nextHi
    lo = low | 0
    ids.push({ hi, lo })
  }
  const sessions = ids.map((id) => ({ idHi: id.hi, idLo: id.lo, timeoutMs: reader.zigzag32('a timeout') }))
  reader.end()
  return sessions
}

/** Order of session ids: as unsigned numbers. */
export function compareUnsigned(aHi: number, aLo: number, bHi: number, bLo: number): number {
  if (aHi !== bHi) return aHi >>> 0 < bHi >>> 0 ? -1 : 1
  return aLo === bLo ? 0 : aLo >>> 0 < bLo >>> 0 ? -1 : 1
}

export interface SessionChunk {
  readonly id: Uint8Array
  readonly sessions: number
}

export function encodeSessionList(chunks: readonly SessionChunk[]): Uint8Array {
  const out = new ColumnWriter(4096)
  out.reserveVarints(1 + chunks.length)
  out.byte(chunkVersion)
  out.byte(chunkKinds.sessionList)
  out.varint(chunks.length)
  for (const chunk of chunks) out.varint(chunk.sessions)
  for (const chunk of chunks) out.raw(chunk.id, 0, chunkIdLength)
  return out.view()
}

/** @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW */
export function decodeSessionList(bytes: Uint8Array): SessionChunk[] {
  const reader = openChunk(bytes)
  if (reader.byte('the kind') !== chunkKinds.sessionList) throw reader.damaged('it is no list of sessions')
  const count = reader.count('the number of chunks', Math.min(sessionChunksMax, bytes.length))
  const sessions = readColumn(reader, count, 'a number of sessions')
  const start = reader.span('the ids', count * chunkIdLength)
  reader.end()
  return sessions.map((n, i) => ({ sessions: n, id: bytes.subarray(start + i * chunkIdLength, start + (i + 1) * chunkIdLength) }))
}

function readColumn(reader: ColumnReader, count: number, what: string): number[] {
  const values: number[] = []
  for (let i = 0; i < count; i++) values.push(reader.varint(what))
  return values
}

function openChunk(bytes: Uint8Array): ColumnReader {
  const reader = new ColumnReader(bytes)
  const version = reader.byte('the version')
  if (version > chunkVersion) throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `a chunk of the state tree has version ${version}`)
  if (version !== chunkVersion) throw reader.damaged(`version ${version} does not exist`)
  return reader
}

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  let shared = 0
  while (shared < length && a[shared] === b[shared]) shared++
  return shared
}
