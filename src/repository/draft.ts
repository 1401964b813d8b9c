import { equalBytes } from '../base/bytes.ts'
import { sha256 } from '../base/checksum.ts'
import { invariant, ZooArkError } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json.ts'
import type { Zstd } from '../base/zstd.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { BlockCompressor } from './block-compressor.ts'
import { ChunkIndex, ID_LENGTH } from './chunk-index.ts'
import { EnvelopeWriter } from './envelope.ts'
import { encodeHead, headKey } from './head.ts'
import { BATCH_BYTES, CHUNK_BYTES_MAX, IN_FLIGHT_BYTES_HARD_MAX, IN_FLIGHT_BYTES_MAX } from './limits.ts'
import { PackWriter, type WrittenPack } from './pack-writer.ts'
import type { ChunkReading, BlobBlock, Commit, Draft, DraftStatistics, ObjectRef } from './types.ts'

const BLOB_KIND = /^[a-z0-9-]{1,32}$/
const BLOB_NAME = /^[a-z0-9-]{1,128}$/
/** First parts of keys that the repository itself uses, and the local store's. */
const OWN_KINDS = new Set(['head', 'pack', 'repository', 'tmp'])
const NO_META = new Uint8Array(0)

export interface DraftContext {
  readonly store: ObjectStore
  readonly zstd: Zstd
  readonly compressor: BlockCompressor
  /** Chunks that commits hold. */
  readonly committed: ChunkIndex
  readonly packBytesTarget: number
  readonly timeline: string
  readonly head: Commit | null
  readonly writer: string
  readonly time: () => string
  readonly onCommit: (commit: Commit, packs: readonly WrittenPack[]) => void
}

export class RepositoryDraft implements Draft {
  readonly timeline: string
  readonly statistics: DraftStatistics = { storedChunks: 0, storedPlainBytes: 0, knownChunks: 0, knownPlainBytes: 0, writtenBytes: 0 }
  readonly #context: DraftContext
  readonly #packs: PackWriter
  /** Chunks that this draft stores; of no use to anybody before it commits. */
  readonly #own = new ChunkIndex()
  readonly #blobs: ObjectRef[] = []
  #state: 'open' | 'ended' = 'open'
  #failure: { readonly error: unknown } | undefined

  constructor(context: DraftContext) {
    this.#context = context
    this.timeline = context.timeline
    this.#packs = new PackWriter(context.store, context.compressor, context.packBytesTarget)
  }

  get full(): boolean {
    return this.#packs.inFlightBytes > IN_FLIGHT_BYTES_MAX
  }

  hasChunk(id: Uint8Array): boolean {
    return this.#context.committed.find(id) >= 0 || this.#own.find(id) >= 0
  }

  putChunk(plain: Uint8Array, reading: ChunkReading = 'in-order'): Uint8Array {
    const id = sha256(plain)
    this.putChunkWithId(id, plain, reading)
    return id
  }

  putChunkWithId(id: Uint8Array, plain: Uint8Array, reading: ChunkReading = 'in-order'): 'known' | 'stored' {
    this.#checkOpen()
    invariant(id.length === ID_LENGTH, 'a chunk id has 32 bytes')
    if (plain.length > CHUNK_BYTES_MAX)
      throw new ZooArkError('LIMIT_EXCEEDED', `a chunk of ${plain.length} bytes; at most ${CHUNK_BYTES_MAX}`)
    if (this.hasChunk(id)) {
      this.statistics.knownChunks++
      this.statistics.knownPlainBytes += plain.length
      return 'known'
    }
    invariant(this.#packs.inFlightBytes <= IN_FLIGHT_BYTES_HARD_MAX, 'flush must be awaited when the draft is full')
    this.#packs.add(id, plain, reading)
    this.#own.add(id, 0, 0, 0, 0, plain.length)
    this.statistics.storedChunks++
    this.statistics.storedPlainBytes += plain.length
    return 'stored'
  }

  async flush(): Promise<void> {
    await this.#guard(() => this.#packs.flush())
  }

  async putBlob(
    kind: string,
    name: string,
    header: JsonObject,
    blocks: Iterable<BlobBlock> | AsyncIterable<BlobBlock>,
  ): Promise<ObjectRef> {
    invariant(BLOB_KIND.test(kind) && !OWN_KINDS.has(kind), `not a kind of blob: ${kind}`)
    invariant(BLOB_NAME.test(name), `not a name of a blob: ${name}`)
    return this.#guard(async () => {
      const writer = new EnvelopeWriter('blob', 'sha256')
      for await (const batch of batchesOf(blocks)) await this.#compressInto(writer, batch)
      const { bytes, hash, tailBytes } = writer.finish({ kind, name, header })
      const ref = { key: `${kind}/${name}.${hash}`, sizeBytes: bytes.length, tailBytes }
      await this.#context.store.put(ref.key, bytes)
      this.statistics.writtenBytes += bytes.length
      if (!this.#blobs.some(({ key }) => key === ref.key)) this.#blobs.push(ref)
      return ref
    })
  }

  async commit(body: JsonValue): Promise<Commit> {
    const commit = await this.#guard(async () => {
      const packs = await this.#packs.finish()
      this.statistics.writtenBytes += this.#packs.writtenBytes
      const { store, zstd, timeline, head, writer, time } = this.#context
      const content = {
        timeline,
        seq: (head?.seq ?? 0) + 1,
        previous: head?.hash ?? null,
        time: time(),
        writer,
        packs: packs.map(({ ref }) => ref),
        blobs: this.#blobs,
        body,
      }
      const { bytes, hash } = encodeHead(zstd, content)
      const key = headKey(timeline, content.seq)
      // Everything that the head refers to is durable by now: from here on it exists, or nothing does.
      if (!(await store.putIfAbsent(key, bytes)) && !equalBytes(await store.get(key), bytes)) {
        throw new ZooArkError('REPOSITORY_FENCED', `another writer has committed on the timeline ${timeline}`, { place: { object: key } })
      }
      this.statistics.writtenBytes += bytes.length
      const committed: Commit = { ...content, hash }
      this.#context.onCommit(committed, packs)
      return committed
    })
    await this.abandon()
    return commit
  }

  async abandon(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    await this.#packs.settle()
    await this.#context.compressor.close()
  }

  async #compressInto(writer: EnvelopeWriter, batch: readonly BlobBlock[]): Promise<void> {
    let length = 0
    const ends = Uint32Array.from(batch, ({ plain }) => (length += plain.length))
    const plain = new Uint8Array(length)
    for (const [at, block] of batch.entries()) plain.set(block.plain, ends[at] - block.plain.length)
    const { stored, ends: storedEnds, hashes } = await this.#context.compressor.compress({ plain, ends, hash: 'sha256' })
    let start = 0
    for (const [at, block] of batch.entries()) {
      const piece = stored.subarray(start, storedEnds[at])
      writer.addBlock(
        piece,
        block.plain.length,
        block.meta === undefined ? NO_META : new Uint8Array(block.meta),
        hashes.subarray(32 * at, 32 * at + 32),
      )
      start = storedEnds[at]
    }
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    invariant(this.#state === 'open', 'the draft has ended')
  }

  async #guard<T>(act: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    try {
      return await act()
    } catch (error) {
      this.#failure = { error }
      await this.abandon()
      throw error
    }
  }
}

/** Blocks in groups of about BATCH_BYTES, copied nowhere. */
async function* batchesOf(blocks: Iterable<BlobBlock> | AsyncIterable<BlobBlock>): AsyncIterable<BlobBlock[]> {
  let batch: BlobBlock[] = []
  let bytes = 0
  for await (const block of blocks) {
    batch.push(block)
    bytes += block.plain.length
    if (bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}
