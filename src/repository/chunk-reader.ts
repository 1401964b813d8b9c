/** Chunks by id, out of the packs that commits refer to. */
import { equalBytes } from '../base/bytes.ts'
import { mapAtOnce } from '../base/async.ts'
import { sha256 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import type { Zstd } from '../base/zstd.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { readIndex, readRange } from './blob.ts'
import { BlockCache } from './block-cache.ts'
import { ChunkIndex } from './chunk-index.ts'
import { damagedObject, decodeBlock, decodeTail, type EnvelopeIndex } from './envelope.ts'
import { READ_BYTES_MAX, READ_GAP_BYTES, READS_AT_ONCE } from './limits.ts'
import { indexPack } from './pack.ts'
import type { WrittenPack } from './pack-writer.ts'
import type { ObjectRef } from './types.ts'

interface KnownPack {
  readonly ref: ObjectRef
  readonly index: EnvelopeIndex
}

/** Blocks of one pack that are read in one go: [first, end). */
interface Run {
  readonly pack: number
  readonly first: number
  end: number
}

const EMPTY = new Uint8Array(0)
const NO_POSITIONS = new Uint32Array(0)

export class ChunkReader {
  readonly #store: ObjectStore
  readonly #zstd: Zstd
  readonly #packs: KnownPack[] = []
  readonly #known = new Set<string>()
  /** Packs whose index could not be read, and why: they matter to those only who want a chunk that may be in them. */
  readonly #unreadable = new Map<string, unknown>()
  readonly #cache: BlockCache
  readonly index = new ChunkIndex()

  constructor(store: ObjectStore, zstd: Zstd, cacheBytesMax: number) {
    this.#store = store
    this.#zstd = zstd
    this.#cache = new BlockCache(cacheBytesMax)
  }

  /**
   * Reads the indices of packs not known yet, one ranged read each. A pack that cannot be read is kept in mind: `read` throws its error for a chunk that
   * no other pack has, and `checkAllRead` for a writer.
   */
  async loadPacks(refs: readonly ObjectRef[]): Promise<void> {
    const missing = refs.filter(({ key }) => !this.#known.has(key))
    const indices = await mapAtOnce(missing, READS_AT_ONCE, async (ref) => {
      try {
        return await readIndex(this.#store, ref, 'pack')
      } catch (error) {
        this.#unreadable.set(ref.key, error)
        return undefined
      }
    })
    for (const [at, ref] of missing.entries()) {
      const index = indices[at]
      if (index === undefined) continue
      try {
        this.#addPack(ref, index)
        this.#unreadable.delete(ref.key)
      } catch (error) {
        this.#unreadable.set(ref.key, error)
      }
    }
  }

  /** A writer must know every chunk, or it would take a damaged pack for one that has nothing. */
  checkAllRead(): void {
    for (const error of this.#unreadable.values()) throw error
  }

  addWritten(packs: readonly WrittenPack[]): void {
    for (const { ref, tail } of packs) this.#addPack(ref, decodeTail(tail, ref.sizeBytes, ref.key, 'pack'))
  }

  /** Throws for an id that is in no index. The arrays are views of cached blocks. */
  async read(ids: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const entries = new Int32Array(ids.length)
    const blocks = new Map<string, Uint8Array>()
    const wanted: { pack: number; block: number }[] = []
    for (const [at, id] of ids.entries()) {
      const entry = this.index.find(id)
      if (entry < 0) this.checkAllRead()
      if (entry < 0) throw new ZooArkError('OBJECT_NOT_FOUND', 'no commit holds this chunk', { place: { object: `chunk ${toHex(id)}` } })
      entries[at] = entry
      const pack = this.index.packOf(entry)
      const block = this.index.blockOf(entry)
      const key = blockKey(pack, block)
      if (blocks.has(key)) continue
      const cached = this.#cache.get(key)
      // Held for the length of this call, whatever the cache lets go meanwhile.
      blocks.set(key, cached ?? EMPTY)
      if (cached === undefined) wanted.push({ pack, block })
    }
    await mapAtOnce(this.#planRuns(wanted), READS_AT_ONCE, (run) => this.#readRun(run, blocks))
    return ids.map((id, at) => {
      const entry = entries[at]
      const { ref } = this.#packs[this.index.packOf(entry)]
      const plain = blocks.get(blockKey(this.index.packOf(entry), this.index.blockOf(entry))) as Uint8Array
      const start = this.index.offsetOf(entry)
      const chunk = plain.subarray(start, start + this.index.lengthOf(entry))
      if (!equalBytes(sha256(chunk), id)) throw damagedObject(ref.key, `the chunk ${toHex(id)} in it does not match its id`)
      return chunk
    })
  }

  #addPack(ref: ObjectRef, index: EnvelopeIndex): void {
    if (this.#known.has(ref.key)) return
    indexPack(index, this.#packs.length, ref.key, this.index)
    this.#known.add(ref.key)
    // The chunk lists now stand in the chunk index: their bytes are let go.
    this.#packs.push({ ref, index: { ...index, bytes: EMPTY, metaStarts: NO_POSITIONS, metaEnds: NO_POSITIONS } })
  }

  #planRuns(wanted: { pack: number; block: number }[]): Run[] {
    wanted.sort((a, b) => a.pack - b.pack || a.block - b.block)
    const runs: Run[] = []
    for (const { pack, block } of wanted) {
      const { offsets } = this.#packs[pack].index
      const run = runs.at(-1)
      const near =
        run?.pack === pack &&
        offsets[block] - offsets[run.end] <= READ_GAP_BYTES &&
        offsets[block + 1] - offsets[run.first] <= READ_BYTES_MAX
      if (run !== undefined && near) run.end = block + 1
      else runs.push({ pack, first: block, end: block + 1 })
    }
    return runs
  }

  async #readRun(run: Run, blocks: Map<string, Uint8Array>): Promise<void> {
    const { ref, index } = this.#packs[run.pack]
    const start = index.offsets[run.first]
    const stored = await readRange(this.#store, ref, start, index.offsets[run.end])
    for (let block = run.first; block < run.end; block++) {
      const key = blockKey(run.pack, block)
      // Blocks in the gaps between wanted ones are read along, not decoded.
      if (!blocks.has(key)) continue
      const plain = decodeBlock(
        this.#zstd,
        index,
        block,
        stored.subarray(index.offsets[block] - start, index.offsets[block + 1] - start),
        ref.key,
      )
      blocks.set(key, plain)
      this.#cache.add(key, plain)
    }
  }
}

const blockKey = (pack: number, block: number): string => `${pack}/${block}`
