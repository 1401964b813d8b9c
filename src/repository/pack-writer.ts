/** Groups new chunks into blocks, blocks into packs, and stores the packs while more chunks come in. */
import { concatBytes } from '../base/bytes.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { BlockCompressor, StoredBatch } from './block-compressor.ts'
import { EnvelopeWriter } from './envelope.ts'
import { BATCH_BYTES, IN_FLIGHT_BYTES_MAX, SMALL_BLOCK_BYTES, TARGET_BLOCK_BYTES } from './limits.ts'
import { chunkEntryLayout, encodeChunkEntry } from './pack.ts'
import type { ChunkReading, ObjectRef } from './types.ts'

/** Enough for every batch that can be under way between two calls of `flush`. */
const SPENT_BUFFERS_MAX = 2 + IN_FLIGHT_BYTES_MAX / BATCH_BYTES

const blockBytesTarget: Readonly<Record<ChunkReading, number>> = { 'in-order': TARGET_BLOCK_BYTES, scattered: SMALL_BLOCK_BYTES }

/** A stored pack, and its tail so that it need not be read back to be indexed. */
export interface WrittenPack {
  readonly ref: ObjectRef
  readonly tail: Uint8Array
}

/** Blocks being filled: one buffer that goes to the compressor whole. */
class Batch {
  readonly plain: Uint8Array<ArrayBuffer>
  readonly ends: number[] = []
  readonly metas: Uint8Array[] = []
  length = 0

  constructor(buffer: ArrayBuffer) {
    this.plain = new Uint8Array(buffer)
  }
}

export class PackWriter {
  readonly #store: ObjectStore
  readonly #compressor: BlockCompressor
  readonly #packBytesTarget: number
  readonly #packs: WrittenPack[] = []
  readonly #puts = new Set<Promise<void>>()
  #batch = new Batch(new ArrayBuffer(0))
  #blockStart = 0
  /** Buffers of batches that are done, to be filled again: fresh memory costs more than filling it. */
  readonly #spent: ArrayBuffer[] = []
  #meta: Uint8Array = new Uint8Array(64 * chunkEntryLayout.size)
  #metaLength = 0
  #writer = new EnvelopeWriter('pack', 'none')
  /** The batches handed out, taken in order. */
  #taken: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #waiting: (() => void)[] = []
  /** Plain bytes at the compressor, and stored bytes on the way to the store. */
  inFlightBytes = 0
  writtenBytes = 0

  constructor(store: ObjectStore, compressor: BlockCompressor, packBytesTarget: number) {
    this.#packBytesTarget = packBytesTarget
    this.#store = store
    this.#compressor = compressor
  }

  /** Copies plain. Throws what went wrong in the background since. */
  add(id: Uint8Array, plain: Uint8Array, reading: ChunkReading): void {
    this.#throwFailure()
    if (this.#batch.length + plain.length > this.#batch.plain.length) {
      this.#submit()
      this.#batch = new Batch(
        plain.length <= BATCH_BYTES ? (this.#spent.pop() ?? new ArrayBuffer(BATCH_BYTES)) : new ArrayBuffer(plain.length),
      )
    }
    const batch = this.#batch
    if (this.#metaLength + chunkEntryLayout.size > this.#meta.length)
      this.#meta = concatBytes([this.#meta, new Uint8Array(this.#meta.length)])
    this.#metaLength = encodeChunkEntry(this.#meta, this.#metaLength, id, plain.length)
    batch.plain.set(plain, batch.length)
    batch.length += plain.length
    if (batch.length - this.#blockStart >= blockBytesTarget[reading]) this.#closeBlock()
  }

  /** Resolves when no more than the bytes of a full queue are under way. */
  async flush(): Promise<void> {
    while (this.inFlightBytes > IN_FLIGHT_BYTES_MAX && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#throwFailure()
  }

  /** Stores what is left and resolves when every pack is durable. */
  async finish(): Promise<readonly WrittenPack[]> {
    this.#throwFailure()
    this.#submit()
    await this.settle()
    if (this.#failure === undefined) this.#closePack()
    await this.settle()
    this.#throwFailure()
    return this.#packs
  }

  /** Resolves when nothing is under way any more, failed or not. */
  async settle(): Promise<void> {
    await this.#taken
    await Promise.all(this.#puts)
  }

  #closeBlock(): void {
    const batch = this.#batch
    if (this.#metaLength === 0) return
    batch.ends.push(batch.length)
    batch.metas.push(this.#meta.slice(0, this.#metaLength))
    this.#blockStart = batch.length
    this.#metaLength = 0
  }

  #submit(): void {
    this.#closeBlock()
    const { ends, metas, plain, length } = this.#batch
    this.#batch = new Batch(new ArrayBuffer(0))
    this.#blockStart = 0
    if (ends.length === 0) return
    const plainLengths = ends.map((end, block) => end - (block === 0 ? 0 : ends[block - 1]))
    this.inFlightBytes += length
    const compressing = this.#compressor.compress({ plain: plain.subarray(0, length), ends: Uint32Array.from(ends), hash: 'none' })
    const take = async () => {
      const [stored] = await Promise.all([compressing, this.#taken])
      this.#take(stored, plainLengths, metas, length)
    }
    // Each batch waits for the one before it, so packs are the same whichever thread was faster.
    this.#taken = this.#background(take())
  }

  #take(batch: StoredBatch, plainLengths: readonly number[], metas: readonly Uint8Array[], plainBytes: number): void {
    if (this.#failure !== undefined) return
    let start = 0
    for (let block = 0; block < batch.ends.length; block++) {
      this.#writer.addBlock(batch.stored.subarray(start, batch.ends[block]), plainLengths[block], metas[block])
      start = batch.ends[block]
    }
    this.inFlightBytes += batch.stored.length - plainBytes
    if (batch.spent.byteLength === BATCH_BYTES && this.#spent.length < SPENT_BUFFERS_MAX) this.#spent.push(batch.spent)
    if (this.#writer.storedBytes >= this.#packBytesTarget) this.#closePack()
    this.#notify()
  }

  #closePack(): void {
    if (this.#writer.blockCount === 0) return
    const blockBytes = this.#writer.storedBytes
    const { bytes, hash, tailBytes } = this.#writer.finish({})
    this.#writer = new EnvelopeWriter('pack', 'none')
    const ref = { key: `pack/${hash}`, sizeBytes: bytes.length, tailBytes }
    this.#packs.push({ ref, tail: bytes.slice(bytes.length - tailBytes) })
    const put = this.#background(
      this.#store.put(ref.key, bytes).then(() => {
        this.inFlightBytes -= blockBytes
        this.writtenBytes += bytes.length
      }),
    ).then(() => {
      this.#puts.delete(put)
    })
    this.#puts.add(put)
  }

  /** Never rejects: a failure is kept for the next call, and ends every wait. */
  async #background(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#notify()
  }

  #notify(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
