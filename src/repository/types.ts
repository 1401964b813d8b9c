/** What the repository offers to the floors above. It knows no ZooKeeper; `docs/formats/repository.md` is law. */
import type { JsonObject, JsonValue } from '../base/json.ts'

/** Names a pack or a blob. The key ends in the SHA-256 of the object's bytes, so the reference vouches for the content. */
export interface ObjectRef {
  readonly key: string
  readonly sizeBytes: number
  /** Bytes of index and footer at the end of the object: one ranged read of them opens it. */
  readonly tailBytes: number
}

export interface Commit {
  readonly timeline: string
  /** 1 for the first of its timeline, then without holes. */
  readonly seq: number
  /** SHA-256 of the whole head object, lower-case hex. */
  readonly hash: string
  /** `hash` of the commit before it on this timeline; null for the first. */
  readonly previous: string | null
  /** When the writer committed, by its own clock, ISO 8601. Never used for order. */
  readonly time: string
  readonly writer: string
  /** Packs and blobs that this commit adds. */
  readonly packs: readonly ObjectRef[]
  readonly blobs: readonly ObjectRef[]
  readonly body: JsonValue
}

export interface BlobBlock {
  readonly plain: Uint8Array
  /** Opaque to the repository, kept in the index: readable without reading the block. At most BLOCK_META_BYTES_MAX. */
  readonly meta?: Uint8Array
}

export interface BlobReader {
  readonly ref: ObjectRef
  readonly header: JsonObject
  readonly blockCount: number
  blockMeta(index: number): Uint8Array
  blockPlainBytes(index: number): number
  /** The verified plain bytes, the caller's to keep. */
  block(index: number): Promise<Uint8Array>
  /** Verified plain bytes of blocks [first, end), read in one go. */
  blocks(first: number, end: number): Promise<Uint8Array[]>
}

/** How a chunk will be read: `in-order` (default) with its neighbours, `scattered` one here and one there, in blocks that are small. */
export type ChunkReading = 'in-order' | 'scattered'

/**
 * Writes of one commit. Nothing of it exists for readers until `commit` resolves; what an abandoned or failed draft wrote is unreferenced.
 * A draft is used by one caller at a time. After an error from any method it is dead: every later call gives the same error.
 */
export interface Draft {
  readonly timeline: string
  /** Chunks stored by this draft and chunks that were known already, and plain bytes of both. */
  readonly statistics: DraftStatistics
  /** True when the queue to the store is long: await `flush` before putting more. */
  readonly full: boolean
  /**
   * Stores plain bytes (copied) unless the repository or this draft has them, and returns their id: 32 bytes, the SHA-256 of plain.
   * Throws LIMIT_EXCEEDED above CHUNK_BYTES_MAX, and BUG when `full` was ignored for too long.
   */
  putChunk(plain: Uint8Array, reading?: ChunkReading): Uint8Array
  /** The same for a chunk whose id the caller has computed. Returns 'known' or 'stored'. */
  putChunkWithId(id: Uint8Array, plain: Uint8Array, reading?: ChunkReading): 'known' | 'stored'
  hasChunk(id: Uint8Array): boolean
  /** Back-pressure: resolves when the queue has room again. Call it when `full`; calling it more often costs little. */
  flush(): Promise<void>
  /**
   * Stores one object `<kind>/<name>.<sha256>`. kind and name: `[a-z0-9-]+`; kind not one of the repository's own. The blocks are read one by one.
   * Durable when it resolves.
   */
  putBlob(kind: string, name: string, header: JsonObject, blocks: Iterable<BlobBlock> | AsyncIterable<BlobBlock>): Promise<ObjectRef>
  /** Head last, create-if-absent. REPOSITORY_FENCED when another writer committed on this timeline since `head`. */
  commit(body: JsonValue): Promise<Commit>
  /** Lets go of what the draft holds (queue, threads) without a commit. After `commit` it does nothing. */
  abandon(): Promise<void>
}

export interface DraftStatistics {
  storedChunks: number
  storedPlainBytes: number
  knownChunks: number
  knownPlainBytes: number
  /** Bytes of packs, blobs and head written to the store. */
  writtenBytes: number
}

export interface Repository {
  /** The repository's own id, given when it was created. */
  readonly id: string
  readonly createdTime: string
  /** For messages: where it lies. */
  readonly description: string
  /** In bytewise order. */
  timelines(): Promise<string[]>
  /** The whole chain from the first on, verified link by link. Empty for an unknown timeline. Heads read before are not read again. */
  commits(timeline: string): Promise<Commit[]>
  /** `head`: the last commit that the draft builds on, null for a new timeline. Loads the indices of all packs. */
  begin(timeline: string, head: Commit | null): Promise<Draft>
  /**
   * Verified plain bytes in the order of ids, read together (blocks that lie near each other in one read). The arrays may be views of
   * cached blocks: read only. OBJECT_NOT_FOUND names a chunk that no commit holds.
   */
  chunks(ids: readonly Uint8Array[]): Promise<Uint8Array[]>
  blob(ref: ObjectRef): Promise<BlobReader>
  /** 'chain': every head and link, and that every object referenced is there with its size. 'hash': also every byte of every object. */
  checkObjects(level: 'chain' | 'hash', onProgress?: (progress: CheckProgress) => void): Promise<CheckReport>
}

export interface CheckProgress {
  readonly object: string
  readonly doneObjects: number
  readonly doneBytes: number
  readonly totalObjects: number
  readonly totalBytes: number
}

export interface CheckFinding {
  readonly object: string
  readonly problem: 'missing' | 'damaged' | 'too-new'
  readonly message: string
}

export interface CheckReport {
  readonly objects: number
  readonly bytes: number
  /** Empty when everything holds. */
  readonly findings: readonly CheckFinding[]
  /** Objects that no commit refers to: left by a draft that did not commit, or being written now. Harmless. */
  readonly unreferenced: readonly string[]
}
