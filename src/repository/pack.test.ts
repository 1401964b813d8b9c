import { expect, it } from 'vitest'
import { concatBytes } from '../base/bytes.ts'
import { sha256 } from '../base/checksum.ts'
import { ChunkIndex } from './chunk-index.ts'
import { decodeEnvelope, EnvelopeWriter } from './envelope.ts'
import { chunkEntryLayout, encodeChunkEntry, indexPack } from './pack.ts'

const idOf = (seed: number) => sha256(Uint8Array.of(seed))

function packWith(plainLength: number, meta: Uint8Array) {
  const writer = new EnvelopeWriter('pack', 'none')
  writer.addBlock(new Uint8Array(plainLength), plainLength, meta)
  return decodeEnvelope(writer.finish({}).bytes, 'pack/x', 'pack')
}

function metaOf(...lengths: number[]): Uint8Array {
  const meta = new Uint8Array(lengths.length * chunkEntryLayout.size)
  for (const [at, length] of lengths.entries()) encodeChunkEntry(meta, at * chunkEntryLayout.size, idOf(at), length)
  return meta
}

it('the chunks of a block follow each other', () => {
  const index = new ChunkIndex()
  indexPack(packWith(60, metaOf(10, 0, 50)), 4, 'pack/x', index)
  const placeOf = (seed: number) => {
    const entry = index.find(idOf(seed))
    return [index.packOf(entry), index.blockOf(entry), index.offsetOf(entry), index.lengthOf(entry)]
  }
  expect([placeOf(0), placeOf(1), placeOf(2)]).toEqual([
    [4, 0, 0, 10],
    [4, 0, 10, 0],
    [4, 0, 10, 50],
  ])
})

it.each([
  ['longer than the block', 59, metaOf(10, 50)],
  ['shorter than the block', 61, metaOf(10, 50)],
  ['of four gigabytes', 60, metaOf(0xffffffff)],
  ['whose list is cut off', 60, metaOf(10, 50).subarray(0, 39)],
  ['whose list has a byte too many', 60, concatBytes([metaOf(10, 50), Uint8Array.of(0)])],
  ['without a list', 60, new Uint8Array(0)],
])('chunks %s are damage of the pack', (_what, plainLength, meta) => {
  expect(() => indexPack(packWith(plainLength, meta), 0, 'pack/x', new ChunkIndex())).toThrow(
    expect.objectContaining({ code: 'REPOSITORY_DAMAGED', place: { object: 'pack/x' } }),
  )
})
