import type { Zxid } from './zxid.ts'

/** What a server keeps about a znode beside its data (ZooKeeper: `StatPersisted`). Times in ms since 1970, versions wrap at 32 bits. */
export interface Stat {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  /** Number of changes of the children; the source of sequential names. */
  readonly cversion: number
  readonly aversion: number
  /** A session id, or a special value: see ephemeral-owner.ts. */
  readonly ephemeralOwner: bigint
  readonly pzxid: Zxid
}
