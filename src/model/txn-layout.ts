/**
 * Where the fields of a transaction stand in its payload, and the numbers of its types.
 * Page: docs/formats/zookeeper-txn-log.md; ZooKeeper: `TxnHeader`, `ZooDefs.OpCode`.
 *
 * ```
 * i64 clientId | i32 cxid | i64 zxid | i64 time (ms) | i32 type | record of that type | optional digest: i32 version, i64 treeDigest
 * ```
 */
export const txnLayout = {
  clientId: 0,
  cxid: 8,
  zxid: 12,
  time: 20,
  type: 28,
  /** The record; also the length of the header. */
  body: 32,
} as const

/** Bytes of the digest that servers from 3.6 on write after the record. */
export const txnDigestLength = 12

export const txnTypes = {
  create: 1,
  delete: 2,
  setData: 5,
  setACL: 7,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const

export type TxnTypeName = keyof typeof txnTypes

const nameOfType = new Map<number, TxnTypeName>(Object.entries(txnTypes).map(([name, type]) => [type, name as TxnTypeName]))

/** ZooKeeper's name of a type, or undefined when no version from 3.4 to 3.9 writes it. */
export function txnTypeName(type: number): TxnTypeName | undefined {
  return nameOfType.get(type)
}
