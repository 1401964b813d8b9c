import type { JuteReader } from '../jute/jute-reader.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { type Acl, readAcls, writeAcls } from './acl.ts'

/**
 * Transactions that create a znode (ZooKeeper: `CreateTxn`, `CreateTxnV0`, `CreateContainerTxn`, `CreateTTLTxn`).
 *
 * ```
 * create, create2:  path | data | acl vector | bool ephemeral | i32 parentCversion
 * old create:       path | data | acl vector | bool ephemeral
 * createContainer:  path | data | acl vector | i32 parentCversion
 * createTTL:        path | data | acl vector | i32 parentCversion | i64 ttl (ms)
 * ```
 * The old form has no mark. As the server does, a `create` that ends too early for parentCversion is taken as old.
 */

interface Created {
  readonly path: Uint8Array
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
}

export interface CreateTxn extends Created {
  readonly kind: 'create' | 'create2'
  readonly ephemeral: boolean
  /** Absent in the old form; the server then counts the parent's cversion up by one. */
  readonly parentCversion?: number
}

export interface CreateContainerTxn extends Created {
  readonly kind: 'createContainer'
  readonly parentCversion: number
}

export interface CreateTtlTxn extends Created {
  readonly kind: 'createTTL'
  readonly parentCversion: number
  readonly ttlMs: bigint
}

/** @param options.oldForm `accept` only for a `create` that is not part of a multi: the server does so nowhere else. */
export function readCreate(reader: JuteReader, kind: CreateTxn['kind'], options: { oldForm: 'accept' | 'refuse' }): CreateTxn {
  const created = readCreated(reader)
  const ephemeral = reader.readBool()
  if (options.oldForm === 'accept' && reader.remaining < 4) return { kind, ...created, ephemeral }
  return { kind, ...created, ephemeral, parentCversion: reader.readInt() }
}

export function readCreateContainer(reader: JuteReader): CreateContainerTxn {
  return { kind: 'createContainer', ...readCreated(reader), parentCversion: reader.readInt() }
}

export function readCreateTtl(reader: JuteReader): CreateTtlTxn {
  return { kind: 'createTTL', ...readCreated(reader), parentCversion: reader.readInt(), ttlMs: reader.readLong() }
}

function readCreated(reader: JuteReader): Created {
  return { path: reader.readBytes(), data: reader.readBuffer(), acl: readAcls(reader) }
}

export function writeCreate(writer: JuteWriter, txn: CreateTxn | CreateContainerTxn | CreateTtlTxn): void {
  writer.writeBuffer(txn.path)
  writer.writeBuffer(txn.data)
  writeAcls(writer, txn.acl)
  if (txn.kind === 'create' || txn.kind === 'create2') writer.writeBool(txn.ephemeral)
  if (txn.parentCversion !== undefined) writer.writeInt(txn.parentCversion)
  if (txn.kind === 'createTTL') writer.writeLong(txn.ttlMs)
}
