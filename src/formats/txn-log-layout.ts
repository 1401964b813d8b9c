import { juteLengthMax } from '../jute/jute-limits.ts'

/**
 * Constants of transaction log files. Page: docs/formats/zookeeper-txn-log.md; ZooKeeper: `FileTxnLog`, `FilePadding`, `Util.writeTxnBytes`.
 */

/** `ZKLG`. */
export const logMagic = 0x5a4b4c47
export const logVersion = 2
/** Every server writes 0. */
export const logDbId = 0n
/** magic, version, dbId */
export const logHeaderLength = 16
/** i64 Adler32 of the payload, i32 length of the payload. */
export const recordHeadLength = 12
/** `B`, after every payload. */
export const recordEndMark = 0x42
/** What a record takes besides its payload. */
export const recordOverhead = recordHeadLength + 1
/** A server grows a log when less than this is left of it, to a multiple of `zookeeper.preAllocSize`. */
export const paddingMargin = 4096
/** Longest payload that is believed: a transaction is at most a request, whose limit is `jute.maxbuffer`. */
export const payloadLengthMax = juteLengthMax
