import { JuteReader } from '../jute/jute-reader.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { txnTypeName, txnTypes } from './txn-layout.ts'
import {
  type CheckTxn,
  type DeleteTxn,
  type SetAclTxn,
  type SetDataTxn,
  readCheck,
  readDelete,
  readSetData,
  writeChange,
} from './txn-change.ts'
import {
  type CreateContainerTxn,
  type CreateTtlTxn,
  type CreateTxn,
  readCreate,
  readCreateContainer,
  readCreateTtl,
  writeCreate,
} from './txn-create.ts'
import { type CloseSessionTxn, type CreateSessionTxn, type ErrorTxn, readError, writeSessionTxn } from './txn-session.ts'

/**
 * A multi: several changes that succeed or fail together (ZooKeeper: `MultiTxn`, `Txn`, `DataTree.processTxn`).
 *
 * ```
 * i32 count (-1 = null) | per part: i32 type | i32 length | body as in a transaction of that type, without header and digest
 * ```
 * When any part is an error, none takes effect. The server knows create, create2, createTTL, createContainer, delete, deleteContainer,
 * setData, error and check as parts, and refuses every other type, a multi above all.
 */
export interface MultiTxn {
  readonly kind: 'multi'
  readonly parts: readonly TxnPart[] | null
}

export interface TxnPart {
  readonly record: SimpleTxn | UnknownTxn
  /** Bytes of the part after its record; no server writes any. */
  readonly trailing?: Uint8Array
}

/** A type that no server from 3.4 to 3.9 writes here: kept as it is, never guessed. */
export interface UnknownTxn {
  readonly kind: 'unknown'
  readonly type: number
  readonly body: Uint8Array
}

export type SimpleTxn =
  | CreateTxn
  | CreateContainerTxn
  | CreateTtlTxn
  | DeleteTxn
  | SetDataTxn
  | SetAclTxn
  | CheckTxn
  | CreateSessionTxn
  | CloseSessionTxn
  | ErrorTxn

/** Parts that are believed in one multi. Each takes at least 8 bytes; a request of a million parts is ten times any `jute.maxbuffer` in use. */
export const multiPartsMax = 1 << 20

const partLengthMin = 8

/** @throws RECORD_DAMAGED also for a multi inside a multi: nothing is read twice, however deep the input pretends to nest. */
export function readMulti(reader: JuteReader, offsetOfBytes: number): MultiTxn {
  const count = reader.readVectorLength(partLengthMin, multiPartsMax)
  if (count < 0) return { kind: 'multi', parts: null }
  const parts: TxnPart[] = []
  for (let i = 0; i < count; i++) {
    const type = reader.readInt()
    if (type === txnTypes.multi) throw reader.damaged('a multi is part of a multi')
    const body = reader.readBytes()
    parts.push(readPart(type, new JuteReader(reader.bytes, reader.position - body.length, reader.position, offsetOfBytes)))
  }
  return { kind: 'multi', parts }
}

function readPart(type: number, reader: JuteReader): TxnPart {
  const record = readPartRecord(type, reader)
  return reader.remaining === 0 ? { record } : { record, trailing: reader.readRest() }
}

function readPartRecord(type: number, reader: JuteReader): SimpleTxn | UnknownTxn {
  const kind = txnTypeName(type)
  switch (kind) {
    case 'create':
    case 'create2':
      return readCreate(reader, kind, { oldForm: 'refuse' })
    case 'createTTL':
      return readCreateTtl(reader)
    case 'createContainer':
      return readCreateContainer(reader)
    case 'delete':
    case 'deleteContainer':
      return readDelete(reader, kind)
    case 'setData':
      return readSetData(reader, kind)
    case 'check':
      return readCheck(reader)
    case 'error':
      return readError(reader)
    default:
      return { kind: 'unknown', type, body: reader.readRest() }
  }
}

export function writeMulti(writer: JuteWriter, txn: MultiTxn): void {
  writer.writeInt(txn.parts === null ? -1 : txn.parts.length)
  for (const part of txn.parts ?? []) {
    const body = new JuteWriter()
    writeSimple(body, part.record)
    if (part.trailing !== undefined) body.writeRaw(part.trailing)
    writer.writeInt(part.record.kind === 'unknown' ? part.record.type : txnTypes[part.record.kind])
    writer.writeBuffer(body.toBytes())
  }
}

/** The body of any record but a multi. */
export function writeSimple(writer: JuteWriter, record: SimpleTxn | UnknownTxn): void {
  switch (record.kind) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      writeCreate(writer, record)
      break
    case 'delete':
    case 'deleteContainer':
    case 'setData':
    case 'reconfig':
    case 'setACL':
    case 'check':
      writeChange(writer, record)
      break
    case 'createSession':
    case 'closeSession':
    case 'error':
      writeSessionTxn(writer, record)
      break
    case 'unknown':
      writer.writeRaw(record.body)
  }
}
