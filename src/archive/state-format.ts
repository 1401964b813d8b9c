/**
 * The fixed numbers of the state tree. docs/formats/archive.md is law; a change here is a new format version.
 */

export const chunkVersion = 1

export const chunkKinds = { leaf: 1, node: 2, sessions: 3, sessionList: 4 } as const

/**
 * A leaf that holds at least `leafZnodesMin` ends after a znode whose path hash is a multiple of `leafCutModulus`: 32 on average. The
 * lower bound keeps leaves alike in size, so that the leaf of a changed znode is seldom a long one.
 */
export const leafZnodesMin = 16
export const leafCutModulus = 16
/** Longest leaf: paths whose hashes never cut must not make a leaf of any size. */
export const leafZnodesMax = 256
/** Longer data stand in chunks of their own, so that a leaf stays small whatever its znodes hold. */
export const inlineDataBytesMax = 16 * 1024
/** Pieces of data out of line; bounds what one chunk can hold. */
export const dataPieceBytesMax = 1024 * 1024

/** A node that holds at least so many children ends where the hash bits of its level are zero, see `nodeCuts`: 16 on average. */
export const nodeChildrenMin = 8
const nodeCutBits = 3
const leafCutBits = 4
/** Levels whose cuts have hash bits of their own: 4 + 3 * 9 = 31 of 32. Above, only `nodeChildrenMax` cuts. */
const hashedLevelsMax = 9
/** Largest fan-out. */
export const nodeChildrenMax = 128
/** Deepest tree a reader follows: far above what 2^32 znodes need. */
export const levelsMax = 32

/** A chunk of sessions ends after an id whose hash is a multiple of this. */
export const sessionsCutModulus = 256
export const sessionsMax = 2048
/** Most chunks of one session list: more sessions than any ensemble can hold. */
export const sessionChunksMax = 1 << 20

export const chunkIdLength = 32

/** First bytes of what is hashed to the state root. */
export const stateRootDomain = 'zooark state 1\n'

/** The znode that differs between the servers of one ensemble: see config-znode.ts. */
export const configPath = '/zookeeper/config'

/** The ACL vector that key -1 stands for, as jute: one entry, perms 31, `world`, `anyone`. */
export const openAclVector: Uint8Array = Uint8Array.from([
  0, 0, 0, 1, 0, 0, 0, 31, 0, 0, 0, 5, 0x77, 0x6f, 0x72, 0x6c, 0x64, 0, 0, 0, 6, 0x61, 0x6e, 0x79, 0x6f, 0x6e, 0x65,
])

/** Whether a leaf of `znodes` ends after the znode with this path hash. */
export function leafCuts(znodes: number, hash: number): boolean {
  return znodes === leafZnodesMax || (znodes >= leafZnodesMin && hash % leafCutModulus === 0)
}

/** Whether a node of `children` ends after the child whose last path has this hash. @param level 1 for the nodes right above the leaves */
export function nodeCuts(level: number, children: number, lastPathHash: number): boolean {
  if (children === nodeChildrenMax) return true
  if (children < nodeChildrenMin || level > hashedLevelsMax) return false
  return ((lastPathHash >>> (leafCutBits + nodeCutBits * (level - 1))) & ((1 << nodeCutBits) - 1)) === 0
}

/** Chunks that data of this length stand in out of line; 0 for inline data. */
export function dataPieces(length: number): number {
  return length <= inlineDataBytesMax ? 0 : Math.ceil(length / dataPieceBytesMax)
}
