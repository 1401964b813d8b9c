import type { JuteReader } from '../jute/jute-reader.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { type Acl, readAcls, writeAcls } from './acl.ts'

/**
 * Transactions that delete, change or check a znode (ZooKeeper: `DeleteTxn`, `SetDataTxn`, `SetACLTxn`, `CheckVersionTxn`).
 *
 * ```
 * delete, deleteContainer:  path
 * setData, reconfig:        path | data | i32 version
 * setACL:                   path | acl vector | i32 version (aversion)
 * check:                    path | i32 version        (only as part of a multi)
 * ```
 * `version` is the one that the znode has afterwards. A reconfig is the setData of /zookeeper/config.
 */
export interface DeleteTxn {
  readonly kind: 'delete' | 'deleteContainer'
  readonly path: Uint8Array
}

export interface SetDataTxn {
  readonly kind: 'setData' | 'reconfig'
  readonly path: Uint8Array
  readonly data: Uint8Array | null
  readonly version: number
}

export interface SetAclTxn {
  readonly kind: 'setACL'
  readonly path: Uint8Array
  readonly acl: readonly Acl[] | null
  readonly version: number
}

export interface CheckTxn {
  readonly kind: 'check'
  readonly path: Uint8Array
  readonly version: number
}

export function readDelete(reader: JuteReader, kind: DeleteTxn['kind']): DeleteTxn {
  return { kind, path: reader.readBytes() }
}

export function readSetData(reader: JuteReader, kind: SetDataTxn['kind']): SetDataTxn {
  return { kind, path: reader.readBytes(), data: reader.readBuffer(), version: reader.readInt() }
}

export function readSetAcl(reader: JuteReader): SetAclTxn {
  return { kind: 'setACL', path: reader.readBytes(), acl: readAcls(reader), version: reader.readInt() }
}

export function readCheck(reader: JuteReader): CheckTxn {
  return { kind: 'check', path: reader.readBytes(), version: reader.readInt() }
}

export function writeChange(writer: JuteWriter, txn: DeleteTxn | SetDataTxn | SetAclTxn | CheckTxn): void {
  writer.writeBuffer(txn.path)
  switch (txn.kind) {
    case 'delete':
    case 'deleteContainer':
      return
    case 'setData':
    case 'reconfig':
      writer.writeBuffer(txn.data)
      break
    case 'setACL':
      writeAcls(writer, txn.acl)
      break
    case 'check':
      break
  }
  writer.writeInt(txn.version)
}
