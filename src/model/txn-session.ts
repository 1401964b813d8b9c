import type { JuteReader } from '../jute/jute-reader.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { int32At } from '../jute/long.ts'
import { txnDigestLength } from './txn-layout.ts'

/**
 * Transactions of sessions, and errors (ZooKeeper: `CreateSessionTxn`, `CloseSessionTxn`, `ErrorTxn`). The session is the header's clientId.
 *
 * ```
 * createSession:  i32 timeout (ms)
 * closeSession:   nothing (to 3.5, and later when `zookeeper.closeSessionTxn.enabled` is off), or vector of paths to delete
 * error:          i32 error code
 * ```
 */
export interface CreateSessionTxn {
  readonly kind: 'createSession'
  readonly timeoutMs: number
}

export interface CloseSessionTxn {
  readonly kind: 'closeSession'
  /** The ephemerals that the leader deletes with the session; absent when the transaction has no body. */
  readonly paths?: readonly Uint8Array[] | null
}

export interface ErrorTxn {
  readonly kind: 'error'
  /** A `KeeperException.Code`; absent when the body is too short to hold one, as was found in the field. */
  readonly err?: number
}

/** Ephemerals of one session that are believed; more would not fit in any request or heap. */
export const closeSessionPathsMax = 1 << 22

const slash = 0x2f

/**
 * Where the body of a closeSession ends: at `start` when it has none. Nothing in the bytes says whether it has one;
 * what could be the vector is one when every path begins with `/` and what follows it has the length of nothing or of a digest.
 * @returns -1 when the bytes are neither nothing, nor a digest, nor a body.
 */
export function closeSessionBodyEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return start
  const bodyEnd = pathVectorEnd(bytes, start, end)
  if (bodyEnd === end || bodyEnd + txnDigestLength === end) return bodyEnd
  return end - start === txnDigestLength ? start : -1
}

function pathVectorEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 4) return -1
  const count = int32At(bytes, start)
  if (count < -1 || count > closeSessionPathsMax) return -1
  let at = start + 4
  for (let i = 0; i < count; i++) {
    if (end - at < 5) return -1
    const length = int32At(bytes, at)
    if (length < 1 || length > end - at - 4 || bytes[at + 4] !== slash) return -1
    at += 4 + length
  }
  return at
}

export function readCreateSession(reader: JuteReader): CreateSessionTxn {
  return { kind: 'createSession', timeoutMs: reader.readInt() }
}

export function readCloseSession(reader: JuteReader): CloseSessionTxn {
  const bodyEnd = closeSessionBodyEnd(reader.bytes, reader.position, reader.end)
  if (bodyEnd < 0) throw reader.damaged('the body of a closeSession is not a list of paths')
  if (bodyEnd === reader.position) return { kind: 'closeSession' }
  const count = reader.readVectorLength(5, closeSessionPathsMax)
  if (count < 0) return { kind: 'closeSession', paths: null }
  const paths: Uint8Array[] = []
  for (let i = 0; i < count; i++) paths.push(reader.readBytes())
  return { kind: 'closeSession', paths }
}

export function readError(reader: JuteReader): ErrorTxn {
  return reader.remaining < 4 ? { kind: 'error' } : { kind: 'error', err: reader.readInt() }
}

export function writeSessionTxn(writer: JuteWriter, txn: CreateSessionTxn | CloseSessionTxn | ErrorTxn): void {
  if (txn.kind === 'createSession') writer.writeInt(txn.timeoutMs)
  if (txn.kind === 'error' && txn.err !== undefined) writer.writeInt(txn.err)
  if (txn.kind === 'closeSession' && txn.paths !== undefined) {
    writer.writeInt(txn.paths === null ? -1 : txn.paths.length)
    for (const path of txn.paths ?? []) writer.writeBuffer(path)
  }
}
