/** A repository in a store: docs/formats/repository.md is law. It knows no ZooKeeper. */
import { mapAtOnce } from '../base/async.ts'
import type { Clock } from '../base/clock.ts'
import { invariant, ZooArkError } from '../base/errors.ts'
import { processorCount } from '../base/processors.ts'
import { type Zstd, zstd } from '../base/zstd.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { openBlob } from './blob.ts'
import { type BlockCompressor, inlineCompressor } from './block-compressor.ts'
import { checkObjects, REPOSITORY_KEY } from './check.ts'
import { ChunkReader } from './chunk-reader.ts'
import { RepositoryDraft } from './draft.ts'
import { damagedObject, decodeEnvelope, EnvelopeWriter, FORMAT_VERSION } from './envelope.ts'
import { checkLink, checkTimelineName, decodeHead, headKey, headPrefix, parseHeadKey } from './head.ts'
import { CACHE_BYTES_DEFAULT, READS_AT_ONCE, TARGET_PACK_BYTES } from './limits.ts'
import { builtWorkerUrl, threadedCompressor } from './threaded-compressor.ts'
import type { BlobReader, CheckProgress, CheckReport, Commit, Draft, ObjectRef, Repository } from './types.ts'

export interface RepositoryOptions {
  /** Gives commits their time. */
  readonly clock: Clock
  /** Who writes, for example `zooark/0.1.0`: recorded in every commit. */
  readonly writer: string
  /** Decoded blocks kept for reuse, bytes. */
  readonly cacheBytesMax?: number
  /** Stored bytes at which a pack is closed. Default TARGET_PACK_BYTES; less where a store takes large objects badly. */
  readonly packBytesTarget?: number
  /** Threads that compress beside this one; 0 for none. Default: as many as can run at once. */
  readonly threads?: number
}

const REPOSITORY_ID = /^[a-z0-9-]{1,64}$/

const timeText = (clock: Clock): string => new Date(clock.nowMs()).toISOString()

/**
 * Creates the repository in an empty store; when another creator came first, opens theirs. `id`: `[a-z0-9-]+`, up to 64.
 * REPOSITORY_PLACE_TAKEN when the store holds anything else.
 */
export async function createRepository(store: ObjectStore, options: RepositoryOptions & { readonly id: string }): Promise<Repository> {
  invariant(REPOSITORY_ID.test(options.id), `not a repository id: ${options.id}`)
  for await (const { key } of store.list('')) {
    if (key === REPOSITORY_KEY || (await store.stat(REPOSITORY_KEY)) !== undefined) return openRepository(store, options)
    throw new ZooArkError('REPOSITORY_PLACE_TAKEN', `${store.description} holds something else`, { place: { object: key } })
  }
  const { bytes } = new EnvelopeWriter('repository', 'none').finish({
    format: FORMAT_VERSION,
    id: options.id,
    created: timeText(options.clock),
    writer: options.writer,
    // Features that a reader must know to read rightly; a later version adds names here.
    requires: [],
  })
  await store.putIfAbsent(REPOSITORY_KEY, bytes)
  return openRepository(store, options)
}

/** REPOSITORY_NOT_FOUND, REPOSITORY_FORMAT_TOO_NEW, REPOSITORY_DAMAGED. Reads one object. */
export async function openRepository(store: ObjectStore, options: RepositoryOptions): Promise<Repository> {
  let bytes: Uint8Array
  try {
    bytes = await store.get(REPOSITORY_KEY)
  } catch (error) {
    if (!(error instanceof ZooArkError) || error.code !== 'OBJECT_NOT_FOUND') throw error
    throw new ZooArkError('REPOSITORY_NOT_FOUND', `there is no repository at ${store.description}`, { place: { object: REPOSITORY_KEY } })
  }
  const { header } = decodeEnvelope(bytes, REPOSITORY_KEY, 'repository')
  const { format, id, created, requires } = header
  if (typeof format === 'number' && format > FORMAT_VERSION) {
    throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `the repository is of format ${format}`, { place: { object: REPOSITORY_KEY } })
  }
  if (format !== FORMAT_VERSION || typeof id !== 'string' || typeof created !== 'string' || !Array.isArray(requires)) {
    throw damagedObject(REPOSITORY_KEY, 'it does not say what a repository says')
  }
  if (requires.length > 0) {
    const names = requires.map((name) => JSON.stringify(name)).join(', ')
    throw new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `the repository needs a ZooArk that knows ${names}`, {
      place: { object: REPOSITORY_KEY },
    })
  }
  return new StoredRepository(store, await zstd(), options, id, created)
}

class StoredRepository implements Repository {
  readonly id: string
  readonly createdTime: string
  readonly #store: ObjectStore
  readonly #zstd: Zstd
  readonly #options: RepositoryOptions
  readonly #chunks: ChunkReader
  /** Verified chains. A head never changes, so they are only added to. */
  readonly #chains = new Map<string, Commit[]>()
  /** Loading of pack indices, one at a time: two would number the packs differently. */
  #loading: Promise<void> = Promise.resolve()
  #loaded = false

  constructor(store: ObjectStore, codec: Zstd, options: RepositoryOptions, id: string, createdTime: string) {
    this.#store = store
    this.#zstd = codec
    this.#options = options
    this.id = id
    this.createdTime = createdTime
    this.#chunks = new ChunkReader(store, codec, options.cacheBytesMax ?? CACHE_BYTES_DEFAULT)
  }

  get description(): string {
    return this.#store.description
  }

  async timelines(): Promise<string[]> {
    const found = new Set<string>()
    for await (const { key } of this.#store.list('head/')) found.add(parseHeadKey(key).timeline)
    return [...found].sort()
  }

  async commits(timeline: string): Promise<Commit[]> {
    checkTimelineName(timeline)
    const keys: string[] = []
    for await (const { key } of this.#store.list(headPrefix(timeline))) keys.push(key)
    const chain = [...(this.#chains.get(timeline) ?? [])]
    for (const [at, key] of keys.entries()) {
      const { seq } = parseHeadKey(key)
      if (seq !== at + 1) throw damagedObject(headKey(timeline, at + 1), 'the head is missing and a later one is there')
    }
    if (keys.length < chain.length) throw damagedObject(headKey(timeline, keys.length + 1), 'the head was there and is missing')
    const added = await mapAtOnce(keys.slice(chain.length), READS_AT_ONCE, async (key) =>
      decodeHead(this.#zstd, await this.#store.get(key), key),
    )
    for (const commit of added) {
      checkLink(chain.at(-1), commit)
      chain.push(commit)
    }
    if (chain.length > (this.#chains.get(timeline)?.length ?? 0)) this.#chains.set(timeline, [...chain])
    return chain
  }

  async begin(timeline: string, head: Commit | null): Promise<Draft> {
    checkTimelineName(timeline)
    invariant(head === null || head.timeline === timeline, 'a draft builds on a commit of its own timeline')
    await this.#loadPacks()
    this.#chunks.checkAllRead()
    return new RepositoryDraft({
      store: this.#store,
      zstd: this.#zstd,
      compressor: this.#compressor(),
      packBytesTarget: this.#options.packBytesTarget ?? TARGET_PACK_BYTES,
      committed: this.#chunks.index,
      timeline,
      head,
      writer: this.#options.writer,
      time: () => timeText(this.#options.clock),
      onCommit: (_commit, packs) => this.#chunks.addWritten(packs),
    })
  }

  async chunks(ids: readonly Uint8Array[]): Promise<Uint8Array[]> {
    // Packs are looked for again only when a chunk is missing: another process may have committed since.
    if (!this.#loaded || ids.some((id) => this.#chunks.index.find(id) < 0)) await this.#loadPacks()
    return this.#chunks.read(ids)
  }

  blob(ref: ObjectRef): Promise<BlobReader> {
    return openBlob(this.#store, this.#zstd, ref)
  }

  checkObjects(level: 'chain' | 'hash', onProgress?: (progress: CheckProgress) => void): Promise<CheckReport> {
    return checkObjects(this.#store, this.#zstd, level, onProgress)
  }

  #compressor(): BlockCompressor {
    const inline = inlineCompressor(this.#zstd)
    const threads = this.#options.threads ?? processorCount()
    const workerUrl = builtWorkerUrl()
    // With one processor a thread would only take turns with this one.
    return threads === 0 || (this.#options.threads === undefined && threads === 1) || workerUrl === undefined
      ? inline
      : threadedCompressor(inline, { threads, workerUrl })
  }

  async #loadPacks(): Promise<void> {
    const load = async () => {
      for (const timeline of await this.timelines()) {
        const commits = await this.commits(timeline)
        await this.#chunks.loadPacks(commits.flatMap(({ packs }) => packs))
      }
      this.#loaded = true
    }
    const loading = this.#loading.then(load)
    this.#loading = loading.catch(() => {})
    await loading
  }
}
