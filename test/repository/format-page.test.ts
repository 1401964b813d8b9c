/** docs/formats/repository.md is law: its tables are those of the code, and objects built by hand from them are read. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { zstd } from '../../src/base/zstd.ts'
import {
  blockHashes,
  compressions,
  decodeBlock,
  decodeEnvelope,
  decodeTail,
  EnvelopeWriter,
  encryptions,
  END_MAGIC,
  entryLayout,
  FORMAT_VERSION,
  footerLayout,
  kinds,
  preambleLayout,
  START_MAGIC,
} from '../../src/repository/envelope.ts'
import * as limits from '../../src/repository/limits.ts'
import { chunkEntryLayout } from '../../src/repository/pack.ts'

const page = readFileSync(new URL('../../docs/formats/repository.md', import.meta.url), 'utf8')

/** Field -> offset of the table below a heading or after a phrase. */
function offsetsAfter(phrase: string): Record<string, number> {
  const rows = page.slice(page.indexOf(phrase)).split('\n')
  const first = rows.findIndex((row) => row.startsWith('| Field | Offset'))
  const offsets: Record<string, number> = {}
  for (let at = first + 2; rows[at]?.startsWith('|'); at++) {
    const [, field, offset] = rows[at].split('|').map((cell) => cell.trim())
    if (/^\d+$/.test(offset)) offsets[field] = Number(offset)
  }
  return offsets
}

const without = (layout: Record<string, number>, ...names: string[]) =>
  Object.fromEntries(Object.entries(layout).filter(([name]) => !names.includes(name)))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').replace(/../g, '$& ').trim()
const namesOf = (codes: Record<string, number>) =>
  Object.entries(codes)
    .map(([name, code]) => `${code} ${name}`)
    .join(', ')

describe('the page and the code', () => {
  it('agree on every offset', () => {
    expect(offsetsAfter('### Preamble')).toEqual(without(preambleLayout, 'length'))
    expect(offsetsAfter('### Footer')).toEqual(without(footerLayout, 'length'))
    expect(offsetsAfter('An entry:')).toEqual({ ...without(entryLayout, 'length'), hash: entryLayout.length })
    expect(offsetsAfter('## Pack')).toEqual(without(chunkEntryLayout, 'size'))
  })

  it('agree on magic bytes, versions, codes and limits', () => {
    for (const text of [
      `\`${hex(START_MAGIC)}\``,
      `\`${hex(END_MAGIC)}\``,
      `| version | 8 | 1 | ${FORMAT_VERSION} |`,
      `| kind | 9 | 1 | ${namesOf(kinds)} |`,
      `| compression | 10 | 1 | ${namesOf(compressions)} |`,
      `| encryption | 11 | 1 | ${namesOf(encryptions)} |`,
      `| blockHash | 12 | 1 | ${namesOf(blockHashes)} |`,
      `| preamble | ${preambleLayout.length} |`,
      `| footer | ${footerLayout.length} |`,
      `No object is longer than ${limits.OBJECT_BYTES_MAX} bytes`,
      `A chunk is 0 to ${limits.CHUNK_BYTES_MAX} bytes`,
      `reached ${limits.TARGET_BLOCK_BYTES} plain bytes (${limits.SMALL_BLOCK_BYTES} for chunks`,
      `reached ${limits.TARGET_PACK_BYTES} stored bytes`,
      `| headerLength | 4 | at most ${limits.HEADER_BYTES_MAX / 2 ** 20} MiB |`,
      `| plainLength | 4 | 4 | at most ${limits.CHUNK_BYTES_MAX / 2 ** 20} MiB |`,
      `| metaLength | 8 | 4 | at most ${limits.BLOCK_META_BYTES_MAX / 2 ** 20} MiB |`,
    ]) {
      expect(page).toContain(text)
    }
  })
})

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

interface HandBuilt {
  preamble?: Buffer
  header?: Buffer
  headerLength?: number
  blocks?: { stored: Buffer; plainLength: number; storedLength?: number; metaLength?: number; hash?: Buffer; meta?: Buffer }[]
  blockCount?: number
  indexTail?: Buffer
  footer?: (footer: Buffer) => void
}

const BLOB_PREAMBLE = Buffer.from('8a5a4f4f41524b0a 01 04 01 00 01 000000'.replaceAll(' ', ''), 'hex')

/** An object as the page says, with Node's own hash, without the code under test. */
function build(parts: HandBuilt): Buffer {
  const preamble = parts.preamble ?? BLOB_PREAMBLE
  const header = parts.header ?? Buffer.from('{"kind":"segment","name":"x","header":{"a":1}}')
  const blocks = parts.blocks ?? [{ stored: Buffer.from('plain'), plainLength: 5, hash: sha(Buffer.from('plain')), meta: Buffer.from('m') }]
  const entries = blocks.flatMap(({ stored, plainLength, storedLength, metaLength, hash, meta }) => [
    u32(storedLength ?? stored.length),
    u32(plainLength),
    u32(metaLength ?? meta?.length ?? 0),
    hash ?? Buffer.alloc(0),
    meta ?? Buffer.alloc(0),
  ])
  const index = Buffer.concat([
    preamble,
    u32(parts.headerLength ?? header.length),
    header,
    u32(parts.blockCount ?? blocks.length),
    ...entries,
    parts.indexTail ?? Buffer.alloc(0),
  ])
  const body = Buffer.concat([preamble, ...blocks.map(({ stored }) => stored)])
  const footer = Buffer.alloc(64)
  footer.writeBigUInt64BE(BigInt(body.length), 0)
  footer.writeUInt32BE(index.length, 8)
  sha(index).copy(footer, 16)
  footer[48] = 1
  Buffer.from('8a4b52414f4f5a0a', 'hex').copy(footer, 56)
  parts.footer?.(footer)
  return Buffer.concat([body, index, footer])
}

const damaged = expect.objectContaining({ code: 'REPOSITORY_DAMAGED', place: { object: 'o' } })
const tooNew = expect.objectContaining({ code: 'REPOSITORY_FORMAT_TOO_NEW', place: { object: 'o' } })

describe('an object built by hand from the page', () => {
  it('is read', async () => {
    const frame = Buffer.from((await zstd()).compress(Buffer.alloc(1000, 65)))
    const object = build({
      blocks: [
        { stored: Buffer.from('plain'), plainLength: 5, hash: sha(Buffer.from('plain')), meta: Buffer.from('meta!') },
        { stored: frame, plainLength: 1000, hash: sha(Buffer.alloc(1000, 65)) },
      ],
    })
    const index = decodeEnvelope(object, 'o', 'blob')
    expect(index.header).toEqual({ kind: 'segment', name: 'x', header: { a: 1 } })
    expect([...index.offsets]).toEqual([16, 21, 21 + frame.length])
    expect(Buffer.from(index.bytes.subarray(index.metaStarts[0], index.metaEnds[0])).toString()).toBe('meta!')
    expect(Buffer.from(decodeBlock(await zstd(), index, 0, object.subarray(16, 21), 'o')).toString()).toBe('plain')
    expect(Buffer.from(decodeBlock(await zstd(), index, 1, object.subarray(21, 21 + frame.length), 'o'))).toEqual(Buffer.alloc(1000, 65))
  })

  it('is what the writer writes, byte for byte', () => {
    const writer = new EnvelopeWriter('blob', 'sha256')
    writer.addBlock(Buffer.from('plain'), 5, Buffer.from('m'), sha(Buffer.from('plain')))
    const written = writer.finish({ kind: 'segment', name: 'x', header: { a: 1 } })
    const expected = build({})
    expect(Buffer.from(written.bytes).toString('hex')).toBe(expected.toString('hex'))
    expect(written.hash).toBe(sha(expected).toString('hex'))
    expect(decodeTail(expected.subarray(expected.length - written.tailBytes), expected.length, 'o', 'blob').blockCount).toBe(1)
  })

  const plain = { stored: Buffer.from('plain'), plainLength: 5, hash: sha(Buffer.from('plain')) }
  it.each<[string, HandBuilt]>([
    ['more blocks than it has entries', { blockCount: 2 }],
    ['four thousand million blocks', { blockCount: 0xffffffff }],
    ['fewer blocks than it has entries', { blockCount: 0 }],
    ['a block longer than the object', { blocks: [{ ...plain, storedLength: 6, plainLength: 6 }] }],
    ['blocks that end before the index', { blocks: [{ ...plain, storedLength: 4 }] }],
    ['a block stored longer than it is', { blocks: [{ ...plain, plainLength: 4 }] }],
    ['a block of four gigabytes', { blocks: [{ ...plain, plainLength: 0xffffffff }] }],
    ['more meta bytes than there are', { blocks: [{ ...plain, metaLength: 1 }] }],
    ['gigabytes of meta bytes', { blocks: [{ ...plain, metaLength: 0xfffffff0 }] }],
    ['a header longer than the index', { headerLength: 1000 }],
    ['a header of four gigabytes', { headerLength: 0xffffffff }],
    ['a header that is not JSON', { header: Buffer.from('{') }],
    ['a header that is not UTF-8', { header: Buffer.from([0x22, 0xff, 0x22]) }],
    ['a header that is no object', { header: Buffer.from('[]') }],
    ['bytes after the last entry', { indexTail: Buffer.alloc(1) }],
    ['another kind than asked for', { preamble: Buffer.from('8a5a4f4f41524b0a0103010001000000', 'hex') }],
    ['a reserved bit in the preamble', { preamble: Buffer.from('8a5a4f4f41524b0a0104010001000001', 'hex') }],
    ['version 0', { preamble: Buffer.from('8a5a4f4f41524b0a0004010001000000', 'hex') }],
    ['another magic in front', { preamble: Buffer.from('8a5a4f4f41524b0d0104010001000000', 'hex') }],
    ['a reserved bit in the footer', { footer: (footer) => footer.writeUInt32BE(1, 12) }],
    ['a reserved bit at the end of the footer', { footer: (footer) => footer.writeUInt8(1, 55) }],
    ['an index that begins in the preamble', { footer: (footer) => footer.writeBigUInt64BE(15n, 0) }],
    ['an index exabytes away', { footer: (footer) => footer.writeBigUInt64BE(0xfffffffffffffff0n, 0) }],
    ['an empty index', { footer: (footer) => footer.writeUInt32BE(0, 8) }],
  ])('with %s is damaged', (_what, parts) => {
    expect(() => decodeEnvelope(build(parts), 'o', 'blob')).toThrow(damaged)
  })

  it.each<[string, HandBuilt]>([
    ['a later version in its footer', { footer: (footer) => footer.writeUInt8(2, 48) }],
    ['a later version in front', { preamble: Buffer.from('8a5a4f4f41524b0a0204010001000000', 'hex') }],
    ['a compression of the future', { preamble: Buffer.from('8a5a4f4f41524b0a0104020001000000', 'hex') }],
    ['encryption', { preamble: Buffer.from('8a5a4f4f41524b0a0104010101000000', 'hex') }],
    ['a block hash of the future', { preamble: Buffer.from('8a5a4f4f41524b0a0104010002000000', 'hex') }],
  ])('with %s is refused as too new', (_what, parts) => {
    expect(() => decodeEnvelope(build(parts), 'o', 'blob')).toThrow(tooNew)
  })

  it('whose block lies about its content is damaged when the block is read', async () => {
    const codec = await zstd()
    const frame = Buffer.from(codec.compress(Buffer.alloc(1000, 65)))
    for (const block of [
      { stored: Buffer.from('plain'), plainLength: 5, hash: sha(Buffer.from('other')) },
      { stored: frame, plainLength: 999, hash: sha(Buffer.alloc(999, 65)) },
      { stored: frame, plainLength: 200_000_000, hash: sha(Buffer.alloc(1000, 65)) },
      { stored: Buffer.alloc(20), plainLength: 1000, hash: sha(Buffer.alloc(1000)) },
    ]) {
      const object = build({ blocks: [block] })
      const index = decodeEnvelope(object, 'o', 'blob')
      expect(() => decodeBlock(codec, index, 0, object.subarray(index.offsets[0], index.offsets[1]), 'o')).toThrow(damaged)
    }
  })
})
