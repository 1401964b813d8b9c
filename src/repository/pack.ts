/** Chunks in a pack: the meta bytes of each block list them in order, each as the first 16 bytes of its id and its length. */
import { type ChunkIndex, PREFIX_LENGTH } from './chunk-index.ts'
import { damagedObject, type EnvelopeIndex } from './envelope.ts'

export const chunkEntryLayout = { idPrefix: 0, length: 16, size: 20 } as const

/** Appends the entry of a chunk to meta at `at`; returns where the next goes. */
export function encodeChunkEntry(meta: Uint8Array, at: number, id: Uint8Array, length: number): number {
  meta.set(id.subarray(0, PREFIX_LENGTH), at)
  new DataView(meta.buffer, meta.byteOffset).setUint32(at + chunkEntryLayout.length, length)
  return at + chunkEntryLayout.size
}

/** Adds every chunk of the pack to the index under the number that the caller gave the pack. Throws REPOSITORY_DAMAGED. */
export function indexPack(pack: EnvelopeIndex, packNumber: number, object: string, into: ChunkIndex): void {
  const { bytes } = pack
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let block = 0; block < pack.blockCount; block++) {
    let offset = 0
    const end = pack.metaEnds[block]
    if ((end - pack.metaStarts[block]) % chunkEntryLayout.size !== 0)
      throw damagedObject(object, `the chunk list of block ${block} is cut off`)
    for (let at = pack.metaStarts[block]; at < end; at += chunkEntryLayout.size) {
      const length = view.getUint32(at + chunkEntryLayout.length)
      if (offset + length > pack.plainLengths[block]) throw damagedObject(object, `the chunks of block ${block} are longer than it`)
      into.add(bytes, at, packNumber, block, offset, length)
      offset += length
    }
    if (offset !== pack.plainLengths[block]) throw damagedObject(object, `the chunks of block ${block} are shorter than it`)
  }
}
