/** Reading of blobs: objects of any kind that the floors above name. */
import { isJsonObject } from '../base/json.ts'
import type { Zstd } from '../base/zstd.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { damagedObject, decodeBlock, decodeTail, type EnvelopeIndex } from './envelope.ts'
import { READ_BYTES_MAX } from './limits.ts'
import type { BlobReader, ObjectRef } from './types.ts'

/** Exactly that range of the object. REPOSITORY_DAMAGED when the object is shorter than its reference says. */
export async function readRange(store: ObjectStore, ref: ObjectRef, start: number, end: number): Promise<Uint8Array> {
  const bytes = await store.get(ref.key, { start, end })
  if (bytes.length !== end - start) throw damagedObject(ref.key, `it is shorter than the ${ref.sizeBytes} bytes that its commit says`)
  return bytes
}

/** One ranged read. */
export async function readIndex(store: ObjectStore, ref: ObjectRef, kind: 'pack' | 'blob'): Promise<EnvelopeIndex> {
  const tail = await readRange(store, ref, ref.sizeBytes - ref.tailBytes, ref.sizeBytes)
  return decodeTail(tail, ref.sizeBytes, ref.key, kind)
}

export async function openBlob(store: ObjectStore, zstd: Zstd, ref: ObjectRef): Promise<BlobReader> {
  const index = await readIndex(store, ref, 'blob')
  const header = index.header['header']
  if (!isJsonObject(header)) throw damagedObject(ref.key, 'its header is not a blob’s')
  const check = (block: number) => {
    if (!Number.isInteger(block) || block < 0 || block >= index.blockCount) throw damagedObject(ref.key, `it has no block ${block}`)
  }
  const blocks = async (first: number, end: number) => {
    const plain: Uint8Array[] = []
    for (let from = first; from < end; ) {
      check(from)
      let through = from + 1
      while (through < end && through < index.blockCount && index.offsets[through + 1] - index.offsets[from] <= READ_BYTES_MAX) through++
      const stored = await readRange(store, ref, index.offsets[from], index.offsets[through])
      for (let block = from; block < through; block++) {
        const at = index.offsets[block] - index.offsets[from]
        plain.push(decodeBlock(zstd, index, block, stored.subarray(at, at + index.offsets[block + 1] - index.offsets[block]), ref.key))
      }
      from = through
    }
    return plain
  }
  return {
    ref,
    header,
    blockCount: index.blockCount,
    blockMeta(block) {
      check(block)
      return new Uint8Array(index.bytes.subarray(index.metaStarts[block], index.metaEnds[block]))
    },
    blockPlainBytes(block) {
      check(block)
      return index.plainLengths[block]
    },
    block: async (block) => (await blocks(block, block + 1))[0],
    blocks,
  }
}
