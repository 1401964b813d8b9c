/** The seam between a draft and where its blocks are compressed: here, or on threads. */
import { sha256 } from '../base/checksum.ts'
import type { Zstd } from '../base/zstd.ts'
import type { BlockHash } from './envelope.ts'

/** Blocks laid end to end: block i is plain[ends[i - 1] .. ends[i]). */
export interface BlockBatch {
  readonly plain: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array<ArrayBuffer>
  readonly hash: BlockHash
}

/** Stored blocks in the same order, laid end to end; one as long as its plain bytes is stored as it was. */
export interface StoredBatch {
  readonly stored: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array<ArrayBuffer>
  /** 32 bytes a block where asked for, else empty. */
  readonly hashes: Uint8Array<ArrayBuffer>
  /** The buffer of the batch's plain bytes, free to be filled again. */
  readonly spent: ArrayBuffer
}

export interface BlockCompressor {
  /** Adopts the batch: its buffers may be moved to another thread. Results come in any order. */
  compress(batch: BlockBatch): Promise<StoredBatch>
  close(): Promise<void>
}

/** The work itself, the same everywhere. */
export function compressBatch(zstd: Zstd, batch: BlockBatch): StoredBatch {
  const count = batch.ends.length
  const ends = new Uint32Array(count)
  const hashes = new Uint8Array(batch.hash === 'none' ? 0 : 32 * count)
  const pieces: Uint8Array[] = []
  let length = 0
  let start = 0
  for (let block = 0; block < count; block++) {
    const plain = batch.plain.subarray(start, batch.ends[block])
    start = batch.ends[block]
    if (batch.hash === 'sha256') hashes.set(sha256(plain), 32 * block)
    const frame = zstd.compress(plain)
    const piece = frame.length < plain.length ? frame : plain
    pieces.push(piece)
    length += piece.length
    ends[block] = length
  }
  const stored = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    stored.set(piece, at)
    at += piece.length
  }
  return { stored, ends, hashes, spent: batch.plain.buffer }
}

/** In this thread, at once. */
export function inlineCompressor(zstd: Zstd): BlockCompressor {
  return {
    compress: async (batch) => compressBatch(zstd, batch),
    close: async () => {},
  }
}
