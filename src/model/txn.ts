import { JuteReader } from '../jute/jute-reader.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { readCheck, readDelete, readSetAcl, readSetData } from './txn-change.ts'
import { readCreate, readCreateContainer, readCreateTtl } from './txn-create.ts'
import { txnDigestLength, txnTypeName, txnTypes } from './txn-layout.ts'
import { type MultiTxn, type SimpleTxn, type UnknownTxn, readMulti, writeMulti, writeSimple } from './txn-multi.ts'
import { readCloseSession, readCreateSession, readError } from './txn-session.ts'
import { type SessionId, toSessionId } from './session-id.ts'
import { type Zxid, toZxid } from './zxid.ts'

/**
 * One transaction in object form, for people and for tests; bulk paths read the bytes (see txn-layout.ts).
 * Page: docs/formats/zookeeper-txn-log.md; ZooKeeper: `SerializeUtils.deserializeTxn`.
 */
export interface Txn {
  readonly header: TxnHeader
  readonly record: TxnRecord
  /** The leader's digest of the tree after this transaction; servers from 3.6 on write one. */
  readonly digest?: TxnDigest
  /** What stands after all of it; no server writes any, but errors with such bytes were found in the field. */
  readonly trailing?: Uint8Array
}

export interface TxnHeader {
  readonly clientId: SessionId
  readonly cxid: number
  readonly zxid: Zxid
  /** Milliseconds since 1970 on the leader's clock, which may step back. */
  readonly time: bigint
  readonly type: number
}

export interface TxnDigest {
  readonly version: number
  /** As a signed 64-bit value; it is a sum modulo 2^64. */
  readonly treeDigest: bigint
}

export type TxnRecord = SimpleTxn | MultiTxn | UnknownTxn

/**
 * Decodes the payload of one log record. Buffers in the result are views on `bytes`.
 * An unknown type is returned as such, with everything after the header as its body, digest included: nobody knows where it ends.
 * @param offsetOfBytes where `bytes` begins in its file, for errors.
 * @throws RECORD_DAMAGED with the offset
 */
export function decodeTxn(bytes: Uint8Array, start: number, end: number, offsetOfBytes = 0): Txn {
  const reader = new JuteReader(bytes, start, end, offsetOfBytes)
  const header = decodeTxnHeader(reader)
  const record = readRecord(reader, header.type, offsetOfBytes)
  if (reader.remaining === 0) return { header, record }
  // An error with a body of another length carries no digest that could be found.
  const hasDigest = record.kind === 'error' ? reader.remaining === txnDigestLength : reader.remaining >= txnDigestLength
  if (!hasDigest) return { header, record, trailing: reader.readRest() }
  const digest = { version: reader.readInt(), treeDigest: reader.readLong() }
  return reader.remaining === 0 ? { header, record, digest } : { header, record, digest, trailing: reader.readRest() }
}

/** Reads the 32 bytes before the record. @throws RECORD_DAMAGED */
export function decodeTxnHeader(reader: JuteReader): TxnHeader {
  return {
    clientId: toSessionId(reader.readLong()),
    cxid: reader.readInt(),
    zxid: toZxid(reader.readLong()),
    time: reader.readLong(),
    type: reader.readInt(),
  }
}

function readRecord(reader: JuteReader, type: number, offsetOfBytes: number): TxnRecord {
  const kind = txnTypeName(type)
  switch (kind) {
    case 'create':
      return readCreate(reader, kind, { oldForm: 'accept' })
    case 'create2':
      return readCreate(reader, kind, { oldForm: 'refuse' })
    case 'createContainer':
      return readCreateContainer(reader)
    case 'createTTL':
      return readCreateTtl(reader)
    case 'delete':
    case 'deleteContainer':
      return readDelete(reader, kind)
    case 'setData':
    case 'reconfig':
      return readSetData(reader, kind)
    case 'setACL':
      return readSetAcl(reader)
    case 'check':
      return readCheck(reader)
    case 'multi':
      return readMulti(reader, offsetOfBytes)
    case 'createSession':
      return readCreateSession(reader)
    case 'closeSession':
      return readCloseSession(reader)
    case 'error':
      return readError(reader)
    case undefined:
      return { kind: 'unknown', type, body: reader.readRest() }
  }
}

/** The payload that `decodeTxn` reads; for everything decoded, the very same bytes. `header.type` decides nothing: the record's kind does. */
export function encodeTxn(txn: Txn): Uint8Array {
  const writer = new JuteWriter()
  const { header, record } = txn
  writer.writeLong(header.clientId)
  writer.writeInt(header.cxid)
  writer.writeLong(header.zxid)
  writer.writeLong(header.time)
  writer.writeInt(record.kind === 'unknown' ? record.type : txnTypes[record.kind])
  if (record.kind === 'multi') writeMulti(writer, record)
  else writeSimple(writer, record)
  if (txn.digest !== undefined) {
    writer.writeInt(txn.digest.version)
    writer.writeLong(txn.digest.treeDigest)
  }
  if (txn.trailing !== undefined) writer.writeRaw(txn.trailing)
  return writer.toBytes()
}
