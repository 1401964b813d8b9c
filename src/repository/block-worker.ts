/** Runs in a thread of its own: `threaded-compressor.ts` sends batches, this answers each. */
import { parentPort } from 'node:worker_threads'
import { zstd } from '../base/zstd.ts'
import { type BlockBatch, compressBatch, type StoredBatch } from './block-compressor.ts'

export interface WorkerRequest extends BlockBatch {
  readonly id: number
}

export type WorkerReply = { readonly id: number; readonly result: StoredBatch } | { readonly id: number; readonly message: string }

const codec = await zstd()

parentPort?.on('message', ({ id, ...batch }: WorkerRequest) => {
  let reply: WorkerReply
  try {
    reply = { id, result: compressBatch(codec, batch) }
  } catch (error) {
    reply = { id, message: error instanceof Error ? error.message : String(error) }
  }
  // The batch's own buffer goes back too: the caller fills it again.
  const moved =
    'result' in reply ? [reply.result.stored.buffer, reply.result.ends.buffer, reply.result.hashes.buffer, reply.result.spent] : []
  parentPort?.postMessage(reply, [...new Set(moved)])
})
