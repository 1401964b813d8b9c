/** Blocks compressed on threads, so that whoever makes them goes on meanwhile. */
import { Worker } from 'node:worker_threads'
import { ZooArkError } from '../base/errors.ts'
import type { BlockBatch, BlockCompressor, StoredBatch } from './block-compressor.ts'
import type { WorkerReply, WorkerRequest } from './block-worker.ts'

/** Batches compressed here before a thread is started: a small backup is over before one would be up. */
const INLINE_BATCHES = 4
/** More do not pay: reading and hashing in one thread feeds no more. */
const THREADS_MAX = 8

export interface ThreadedOptions {
  readonly threads: number
  /** The built `block-worker.js`. */
  readonly workerUrl: URL
  readonly inlineBatches?: number
}

interface Pending {
  readonly resolve: (result: StoredBatch) => void
  readonly reject: (error: unknown) => void
}

/** The built worker beside this file; undefined where this runs from its TypeScript source, which Node 20 cannot load in a thread. */
export function builtWorkerUrl(): URL | undefined {
  return import.meta.url.endsWith('.js') ? new URL('./block-worker.js', import.meta.url) : undefined
}

/** @param inline compresses the first batches. It is closed with this one. */
export function threadedCompressor(inline: BlockCompressor, options: ThreadedOptions): BlockCompressor {
  const threads: Thread[] = []
  let begun = 0
  let closed = false
  return {
    async compress(batch) {
      if (begun++ < (options.inlineBatches ?? INLINE_BATCHES)) return await inline.compress(batch)
      if (closed) throw new ZooArkError('BUG', 'the compressor is closed')
      while (threads.length < Math.min(options.threads, THREADS_MAX)) threads.push(new Thread(options.workerUrl))
      const idlest = threads.reduce((best, thread) => (thread.waiting < best.waiting ? thread : best))
      return await idlest.run(batch)
    },
    async close() {
      closed = true
      await Promise.all(threads.map((thread) => thread.end()))
      await inline.close()
    },
  }
}

class Thread {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #last = 0
  #failure: ZooArkError | undefined

  constructor(url: URL) {
    this.#worker = new Worker(url)
    this.#worker.on('message', (reply: WorkerReply) => {
      const pending = this.#pending.get(reply.id)
      this.#pending.delete(reply.id)
      if (this.#pending.size === 0) this.#worker.unref()
      if ('result' in reply) pending?.resolve(reply.result)
      else pending?.reject(new ZooArkError('BUG', `a block was not compressed: ${reply.message}`))
    })
    this.#worker.on('error', (cause) => this.#fail('a compressing thread failed', cause))
    this.#worker.on('messageerror', (cause) => this.#fail('a compressing thread sent what cannot be read', cause))
    this.#worker.on('exit', (code) => this.#fail(`a compressing thread ended with code ${code}`, undefined))
    // An idle thread does not keep the process.
    this.#worker.unref()
  }

  get waiting(): number {
    return this.#pending.size
  }

  async run(batch: BlockBatch): Promise<StoredBatch> {
    if (this.#failure !== undefined) throw this.#failure
    const id = ++this.#last
    const request: WorkerRequest = { id, plain: batch.plain, ends: batch.ends, hash: batch.hash }
    return await new Promise<StoredBatch>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#worker.ref()
      this.#worker.postMessage(request, [batch.plain.buffer, batch.ends.buffer])
    })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(message: string, cause: unknown): void {
    this.#failure ??= new ZooArkError('BUG', message, { cause })
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}
