/**
 * Constants of snapshot files. Page: docs/formats/zookeeper-snapshot.md; ZooKeeper: `FileSnap`, `SnapStream`, `DataTree.serialize`.
 */

/** `ZKSN`. */
export const snapshotMagic = 0x5a4b534e
export const snapshotVersion = 2
/** Every server writes -1. */
export const snapshotDbId = -1n
/** magic, version, dbId */
export const snapshotHeaderLength = 16
/** i64 Adler32 of everything before, then the string `/`. */
export const sealLength = 13
/** The path that ends the nodes: i32 1 and `/`. */
export const endMarkLength = 5
/** i64 session id, i32 timeout in ms. */
export const sessionLength = 12
/** i64 zxid, i32 digest version, i64 digest. */
export const digestTrailerLength = 20
/** From this digest version on the digest is a long; before, it was a string of hexadecimal digits. */
export const digestVersionOfLong = 2
/** i64 zxid. */
export const lastZxidTrailerLength = 8

/** Sessions that are believed: a server with more would need more than 50 GB of heap for them alone. */
export const snapshotSessionsMax = 1 << 28
/** Distinct ACLs that are believed; ZooKeeper's own key is a counter of 64 bits, but each costs it some 200 bytes of heap. */
export const snapshotAclsMax = 1 << 28
/** After the first seal come at most two trailers of less than 100 bytes together; more is foreign. */
export const trailerBytesMax = 4096
