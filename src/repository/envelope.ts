/**
 * The envelope around every object: docs/formats/repository.md, "Envelope". Everything a reader needs to find a block stands in the index
 * at the end, which the footer names and vouches for, so an object opens with one ranged read where the length of its tail is known.
 */
import { sha256 } from '../base/checksum.ts'
import { equalBytes, utf8Bytes } from '../base/bytes.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { Zstd } from '../base/zstd.ts'
import { BLOCK_META_BYTES_MAX, CHUNK_BYTES_MAX, HEADER_BYTES_MAX, OBJECT_BYTES_MAX } from './limits.ts'

export const FORMAT_VERSION = 1
export const START_MAGIC = Uint8Array.of(0x8a, 0x5a, 0x4f, 0x4f, 0x41, 0x52, 0x4b, 0x0a)
export const END_MAGIC = Uint8Array.of(0x8a, 0x4b, 0x52, 0x41, 0x4f, 0x4f, 0x5a, 0x0a)

export const kinds = { repository: 1, head: 2, pack: 3, blob: 4 } as const
export type Kind = keyof typeof kinds
export const compressions = { none: 0, zstd: 1 } as const
export const encryptions = { none: 0 } as const
export const blockHashes = { none: 0, sha256: 1 } as const
export type BlockHash = keyof typeof blockHashes

/** Preamble: magic, then one byte each of version, kind, compression, encryption, block hash; three zero bytes. */
export const preambleLayout = {
  magic: 0,
  version: 8,
  kind: 9,
  compression: 10,
  encryption: 11,
  blockHash: 12,
  reserved: 13,
  length: 16,
} as const
/** Footer, from its start. The last sixteen bytes mean the same in every version. */
export const footerLayout = {
  indexOffset: 0,
  indexLength: 8,
  reserved: 12,
  indexHash: 16,
  version: 48,
  reserved2: 49,
  magic: 56,
  length: 64,
} as const
/** Fixed part of a block's entry in the index; the hash (when there is one) and the meta bytes follow. */
export const entryLayout = { storedLength: 0, plainLength: 4, metaLength: 8, length: 12 } as const
const HASH_LENGTH = 32

export interface Envelope {
  /** The whole object. */
  readonly bytes: Uint8Array
  /** SHA-256 of bytes, lower-case hex. */
  readonly hash: string
  readonly tailBytes: number
}

/** Collects stored blocks of one object. `finish` once. */
export class EnvelopeWriter {
  readonly #preamble: Uint8Array
  readonly #blockHash: BlockHash
  readonly #pieces: Uint8Array[] = []
  readonly #entries: Uint8Array[] = []
  #blocks = 0
  /** Bytes of blocks so far. */
  storedBytes = 0

  constructor(kind: Kind, blockHash: BlockHash) {
    this.#blockHash = blockHash
    this.#preamble = new Uint8Array(preambleLayout.length)
    this.#preamble.set(START_MAGIC)
    this.#preamble[preambleLayout.version] = FORMAT_VERSION
    this.#preamble[preambleLayout.kind] = kinds[kind]
    this.#preamble[preambleLayout.compression] = compressions.zstd
    this.#preamble[preambleLayout.encryption] = encryptions.none
    this.#preamble[preambleLayout.blockHash] = blockHashes[blockHash]
  }

  get blockCount(): number {
    return this.#blocks
  }

  /**
   * Adds a block; adopts stored and meta. `stored` is one zstd frame, shorter than plainLength, or the plain bytes themselves.
   * @param hash SHA-256 of the plain bytes where this object's blocks have one.
   */
  addBlock(stored: Uint8Array, plainLength: number, meta: Uint8Array, hash?: Uint8Array): void {
    const hashLength = this.#blockHash === 'none' ? 0 : HASH_LENGTH
    if ((hash?.length ?? 0) !== hashLength) throw new ZooArkError('BUG', 'a block with the wrong hash length')
    if (plainLength > CHUNK_BYTES_MAX)
      throw new ZooArkError('LIMIT_EXCEEDED', `a block of ${plainLength} bytes; at most ${CHUNK_BYTES_MAX}`)
    if (meta.length > BLOCK_META_BYTES_MAX) {
      throw new ZooArkError('LIMIT_EXCEEDED', `${meta.length} meta bytes of a block; at most ${BLOCK_META_BYTES_MAX}`)
    }
    const entry = new Uint8Array(entryLayout.length + hashLength)
    const view = new DataView(entry.buffer)
    view.setUint32(entryLayout.storedLength, stored.length)
    view.setUint32(entryLayout.plainLength, plainLength)
    view.setUint32(entryLayout.metaLength, meta.length)
    if (hash !== undefined) entry.set(hash, entryLayout.length)
    this.#entries.push(entry, meta)
    this.#pieces.push(stored)
    this.storedBytes += stored.length
    this.#blocks++
  }

  finish(header: JsonObject): Envelope {
    const headerBytes = utf8Bytes(JSON.stringify(header))
    if (headerBytes.length > HEADER_BYTES_MAX) {
      throw new ZooArkError('LIMIT_EXCEEDED', `a header of ${headerBytes.length} bytes; at most ${HEADER_BYTES_MAX}`)
    }
    let indexLength = preambleLayout.length + 4 + headerBytes.length + 4
    for (const piece of this.#entries) indexLength += piece.length
    const indexOffset = preambleLayout.length + this.storedBytes
    const tailBytes = indexLength + footerLayout.length
    if (indexOffset + tailBytes > OBJECT_BYTES_MAX) {
      throw new ZooArkError('LIMIT_EXCEEDED', `an object of ${indexOffset + tailBytes} bytes; at most ${OBJECT_BYTES_MAX}`)
    }
    const bytes = new Uint8Array(indexOffset + tailBytes)
    const view = new DataView(bytes.buffer)
    let at = 0
    const add = (piece: Uint8Array) => {
      bytes.set(piece, at)
      at += piece.length
    }
    add(this.#preamble)
    for (const piece of this.#pieces) add(piece)
    add(this.#preamble)
    view.setUint32(at, headerBytes.length)
    at += 4
    add(headerBytes)
    view.setUint32(at, this.#blocks)
    at += 4
    for (const piece of this.#entries) add(piece)
    const indexHash = sha256(bytes.subarray(indexOffset, at))
    view.setBigUint64(at + footerLayout.indexOffset, BigInt(indexOffset))
    view.setUint32(at + footerLayout.indexLength, indexLength)
    bytes.set(indexHash, at + footerLayout.indexHash)
    bytes[at + footerLayout.version] = FORMAT_VERSION
    bytes.set(END_MAGIC, at + footerLayout.magic)
    return { bytes, hash: toHex(sha256(bytes)), tailBytes }
  }
}

export function damagedObject(object: string, message: string, cause?: unknown): ZooArkError {
  return new ZooArkError('REPOSITORY_DAMAGED', message, { place: { object }, cause })
}

function tooNew(object: string, message: string): ZooArkError {
  return new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', message, { place: { object } })
}

export interface Footer {
  readonly indexOffset: number
  readonly indexLength: number
  readonly indexHash: Uint8Array
}

/** @param end the last bytes of the object, at least the footer where the object is that long. */
export function decodeFooter(end: Uint8Array, sizeBytes: number, object: string): Footer {
  const at = end.length - footerLayout.length
  if (at < 0) throw damagedObject(object, `it is cut off: ${sizeBytes} bytes`)
  const footer = end.subarray(at)
  const view = new DataView(footer.buffer, footer.byteOffset, footer.length)
  if (!equalBytes(footer.subarray(footerLayout.magic), END_MAGIC)) throw damagedObject(object, 'it does not end as an object of ours does')
  const version = footer[footerLayout.version]
  if (version > FORMAT_VERSION) throw tooNew(object, `it is of format ${version}; this version reads up to ${FORMAT_VERSION}`)
  const reserved =
    view.getUint32(footerLayout.reserved) === 0 && footer.subarray(footerLayout.reserved2, footerLayout.magic).every((byte) => byte === 0)
  const indexOffset = Number(view.getBigUint64(footerLayout.indexOffset))
  const indexLength = view.getUint32(footerLayout.indexLength)
  if (version === 0 || !reserved || indexOffset < preambleLayout.length || indexOffset + indexLength + footerLayout.length !== sizeBytes) {
    throw damagedObject(object, 'its footer contradicts its length')
  }
  return { indexOffset, indexLength, indexHash: footer.slice(footerLayout.indexHash, footerLayout.version) }
}

/** What an object's index says. Typed arrays, one slot a block. */
export interface EnvelopeIndex {
  readonly header: JsonObject
  readonly kind: Kind
  readonly blockHash: BlockHash
  readonly blockCount: number
  /** blockCount + 1 offsets into the object: block i is [offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array
  readonly plainLengths: Uint32Array
  /** The index's own bytes, and where in them hash and meta of a block lie: meta of block i is [metaStarts[i], metaEnds[i]). */
  readonly bytes: Uint8Array
  readonly metaStarts: Uint32Array
  readonly metaEnds: Uint32Array
}

/** @param tail adopted: index and footer, the last bytes of the object. */
export function decodeTail(tail: Uint8Array, sizeBytes: number, object: string, kind: Kind): EnvelopeIndex {
  const footer = decodeFooter(tail, sizeBytes, object)
  const start = tail.length - footerLayout.length - footer.indexLength
  if (start < 0) throw damagedObject(object, 'its index is longer than its reference says')
  const bytes = tail.subarray(start, start + footer.indexLength)
  if (!equalBytes(sha256(bytes), footer.indexHash)) throw damagedObject(object, 'its index does not match its hash')
  const fail = () => damagedObject(object, 'its index does not hold together')
  if (bytes.length < preambleLayout.length + 8) throw fail()
  const preamble = decodePreamble(bytes, object, kind)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = preambleLayout.length
  const headerLength = view.getUint32(at)
  at += 4
  if (headerLength > HEADER_BYTES_MAX || at + headerLength + 4 > bytes.length) throw fail()
  const header = parseHeader(bytes.subarray(at, at + headerLength), object)
  at += headerLength
  const blockCount = view.getUint32(at)
  at += 4
  const hashLength = preamble.blockHash === 'none' ? 0 : HASH_LENGTH
  if (blockCount * (entryLayout.length + hashLength) > bytes.length - at) throw fail()
  const offsets = new Uint32Array(blockCount + 1)
  const plainLengths = new Uint32Array(blockCount)
  const metaStarts = new Uint32Array(blockCount)
  const metaEnds = new Uint32Array(blockCount)
  let offset: number = preambleLayout.length
  for (let block = 0; block < blockCount; block++) {
    if (at + entryLayout.length + hashLength > bytes.length) throw fail()
    const storedLength = view.getUint32(at + entryLayout.storedLength)
    const plainLength = view.getUint32(at + entryLayout.plainLength)
    const metaLength = view.getUint32(at + entryLayout.metaLength)
    at += entryLayout.length + hashLength
    if (storedLength > plainLength || plainLength > CHUNK_BYTES_MAX || metaLength > BLOCK_META_BYTES_MAX || at + metaLength > bytes.length)
      throw fail()
    offsets[block] = offset
    offset += storedLength
    if (offset > footer.indexOffset) throw fail()
    plainLengths[block] = plainLength
    metaStarts[block] = at
    at += metaLength
    metaEnds[block] = at
  }
  offsets[blockCount] = offset
  if (at !== bytes.length || offset !== footer.indexOffset) throw fail()
  return { header, kind, blockHash: preamble.blockHash, blockCount, offsets, plainLengths, bytes, metaStarts, metaEnds }
}

function decodePreamble(bytes: Uint8Array, object: string, kind: Kind): { blockHash: BlockHash } {
  if (!equalBytes(bytes.subarray(0, START_MAGIC.length), START_MAGIC))
    throw damagedObject(object, 'it does not begin as an object of ours does')
  const version = bytes[preambleLayout.version]
  if (version > FORMAT_VERSION) throw tooNew(object, `it is of format ${version}; this version reads up to ${FORMAT_VERSION}`)
  const reserved = bytes.subarray(preambleLayout.reserved, preambleLayout.length).every((byte) => byte === 0)
  const encryption = bytes[preambleLayout.encryption]
  if (encryption !== encryptions.none) throw tooNew(object, `it is encrypted in a way (${encryption}) that this version does not know`)
  const compression = bytes[preambleLayout.compression]
  if (compression !== compressions.zstd && compression !== compressions.none)
    throw tooNew(object, `compression ${compression} is not known`)
  const blockHash = (Object.keys(blockHashes) as BlockHash[]).find((name) => blockHashes[name] === bytes[preambleLayout.blockHash])
  if (blockHash === undefined) throw tooNew(object, `block hash ${bytes[preambleLayout.blockHash]} is not known`)
  if (bytes[preambleLayout.kind] !== kinds[kind]) throw damagedObject(object, `it is of kind ${bytes[preambleLayout.kind]}, not a ${kind}`)
  if (version === 0 || !reserved) throw damagedObject(object, 'its preamble has bits set that no version sets')
  return { blockHash }
}

function parseHeader(bytes: Uint8Array, object: string): JsonObject {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw damagedObject(object, 'its header is not JSON', cause)
  }
  if (!isJsonObject(header)) throw damagedObject(object, 'its header is not a JSON object')
  return header
}

/** The index of an object that is there whole; its preamble must be the one that its index repeats. */
export function decodeEnvelope(bytes: Uint8Array, object: string, kind: Kind): EnvelopeIndex {
  const footer = decodeFooter(bytes, bytes.length, object)
  const index = decodeTail(bytes.subarray(footer.indexOffset), bytes.length, object, kind)
  if (!equalBytes(bytes.subarray(0, preambleLayout.length), index.bytes.subarray(0, preambleLayout.length))) {
    throw damagedObject(object, 'its beginning is not the one that its index repeats')
  }
  return index
}

/** Plain bytes of a block, verified by its hash where it has one (a pack's chunks are verified by their ids). May be a view of stored. */
export function decodeBlock(zstd: Zstd, index: EnvelopeIndex, block: number, stored: Uint8Array, object: string): Uint8Array {
  const storedLength = index.offsets[block + 1] - index.offsets[block]
  const plainLength = index.plainLengths[block]
  if (stored.length !== storedLength) throw damagedObject(object, `block ${block} is cut off`)
  let plain = stored
  if (storedLength !== plainLength) {
    try {
      plain = zstd.decompress(stored, plainLength)
    } catch (cause) {
      throw damagedObject(object, `block ${block} does not decompress`, cause)
    }
  }
  if (index.blockHash === 'sha256') {
    const hashAt = index.metaStarts[block] - HASH_LENGTH
    if (!equalBytes(sha256(plain), index.bytes.subarray(hashAt, hashAt + HASH_LENGTH))) {
      throw damagedObject(object, `block ${block} does not match its hash`)
    }
  }
  return plain
}
