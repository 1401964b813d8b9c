import { equalBytes } from '../base/bytes.ts'
import { int32At, joinLong } from '../jute/long.ts'
import { nodeTail } from '../model/node-record.ts'
import { ColumnWriter } from './column-bytes.ts'
import { RunningPathHash } from './path-hash.ts'
import {
  chunkKinds,
  chunkVersion,
  dataPieceBytesMax,
  dataPieces,
  inlineDataBytesMax,
  leafCuts,
  leafZnodesMax,
  openAclVector,
} from './state-format.ts'

/** Gives the ACL vector of a key as jute, or undefined for a key that the state does not define. */
export type AclBytes = (keyHi: number, keyLo: number) => Uint8Array | undefined

interface AclEntry {
  readonly vector: Uint8Array | undefined
  readonly keyHi: number
  readonly keyLo: number
}

const noBytes: Uint8Array = new Uint8Array(0)

/**
 * Collects znodes in tree order and writes leaves (docs/formats/archive.md, "Leaf"). Add znodes until `add` says that the leaf is
 * full, then `encode`. Makes no object per znode.
 */
export class LeafWriter {
  /** Hash of the path added last. */
  lastHash = 0
  count = 0
  /** Data bytes of the znodes in the leaf, wherever they stand. */
  dataBytes = 0
  /** The largest dangling ACL key met so far, at least 0: keys above it are free for a loader. */
  aclKeyFloor = 0n

  readonly #aclBytes: AclBytes
  readonly #putData: (piece: Uint8Array) => Uint8Array
  readonly #hash = new RunningPathHash()
  #previous: Uint8Array = noBytes
  #previousStart = 0
  #previousEnd = 0

  readonly #shared = new Uint32Array(leafZnodesMax)
  readonly #suffixLengths = new Uint32Array(leafZnodesMax)
  readonly #suffixes = new ColumnWriter(64 * 1024)
  readonly #segments: Uint8Array[] = new Array<Uint8Array>(leafZnodesMax).fill(noBytes)
  /** Offsets of the stat tails in their segments. */
  readonly #tails = new Int32Array(leafZnodesMax)
  readonly #dataLengths = new Int32Array(leafZnodesMax)
  readonly #acls = new Uint32Array(leafZnodesMax)
  readonly #dictionary: AclEntry[] = []
  #firstPathLength = 0
  readonly #out = new ColumnWriter(256 * 1024)

  /** @param putData stores a piece of data out of line and returns its 32-byte id. */
  constructor(aclBytes: AclBytes, putData: (piece: Uint8Array) => Uint8Array) {
    this.#aclBytes = aclBytes
    this.#putData = putData
  }

  /**
   * Adds the node record at `start`; paths come in tree order. Keeps `segment` until `encode`.
   * @returns whether the leaf ends here
   */
  add(segment: Uint8Array, start: number): boolean {
    const i = this.count
    const pathStart = start + 4
    const pathEnd = pathStart + int32At(segment, start)
    const running = this.#sharedWithPrevious(segment, pathStart, pathEnd)
    this.lastHash = this.#hash.next(segment, pathStart, pathEnd, running)
    const shared = i === 0 ? 0 : running
    if (i === 0) this.#firstPathLength = pathEnd - pathStart
    this.#shared[i] = shared
    this.#suffixLengths[i] = pathEnd - pathStart - shared
    this.#suffixes.raw(segment, pathStart + shared, pathEnd)
    const dataLength = int32At(segment, pathEnd)
    const tail = pathEnd + 4 + (dataLength > 0 ? dataLength : 0)
    this.#dataLengths[i] = dataLength
    this.dataBytes += dataLength > 0 ? dataLength : 0
    this.#segments[i] = segment
    this.#tails[i] = tail
    this.#acls[i] = this.#aclIndex(int32At(segment, tail), int32At(segment, tail + 4))
    this.#previous = segment
    this.#previousStart = pathStart
    this.#previousEnd = pathEnd
    this.count = i + 1
    return leafCuts(this.count, this.lastHash)
  }

  /** Takes the next znode as the first of all: what stands before it was not added here. */
  skip(): void {
    this.#previous = noBytes
    this.#previousStart = 0
    this.#previousEnd = 0
  }

  /** A copy of the path that the leaf starts with. */
  firstPath(): Uint8Array {
    return this.#suffixes.bytes.slice(0, this.#firstPathLength)
  }

  /** The bytes of the leaf, valid until the next `encode`; the writer is empty afterwards. */
  encode(): Uint8Array {
    const out = this.#out
    out.clear()
    out.reserveVarints(8 + this.count * 4)
    out.byte(chunkVersion)
    out.byte(chunkKinds.leaf)
    out.varint(this.count)
    this.#encodeAcls()
    out.reserveVarints(this.count * 4)
    for (let i = 0; i < this.count; i++) out.varint(this.#shared[i])
    for (let i = 0; i < this.count; i++) out.varint(this.#suffixLengths[i])
    out.raw(this.#suffixes.bytes, 0, this.#suffixes.length)
    out.reserveVarints(this.count * 12)
    for (let i = 0; i < this.count; i++) out.varint(this.#acls[i])
    for (let i = 0; i < this.count; i++) out.varint(this.#dataLengths[i] + 1)
    this.#encodeStats()
    this.#encodeData()
    const bytes = out.view()
    this.#clear()
    return bytes
  }

  #clear(): void {
    this.count = 0
    this.dataBytes = 0
    this.#dictionary.length = 0
    this.#suffixes.clear()
    this.#segments.fill(noBytes)
  }

  #encodeAcls(): void {
    const out = this.#out
    out.varint(this.#dictionary.length)
    for (const { vector, keyHi, keyLo } of this.#dictionary) {
      out.reserve(32)
      if (vector !== undefined) {
        out.varint(vector.length)
        out.raw(vector, 0, vector.length)
        continue
      }
      out.varint(0)
      for (let shift = 24; shift >= 0; shift -= 8) out.byte((keyHi >>> shift) & 0xff)
      for (let shift = 24; shift >= 0; shift -= 8) out.byte((keyLo >>> shift) & 0xff)
    }
  }

  #encodeStats(): void {
    this.#deltaToPrevious(nodeTail.czxid)
    this.#deltaWithin(nodeTail.mzxid, nodeTail.czxid)
    this.#deltaWithin(nodeTail.pzxid, nodeTail.czxid)
    this.#deltaToPrevious(nodeTail.ctime)
    this.#deltaWithin(nodeTail.mtime, nodeTail.ctime)
    for (const offset of [nodeTail.version, nodeTail.cversion, nodeTail.aversion]) {
      for (let i = 0; i < this.count; i++) this.#out.zigzag32(int32At(this.#segments[i], this.#tails[i] + offset))
    }
    for (let i = 0; i < this.count; i++) {
      const at = this.#tails[i] + nodeTail.ephemeralOwner
      this.#out.zigzag64(int32At(this.#segments[i], at), int32At(this.#segments[i], at + 4))
    }
  }

  #deltaToPrevious(offset: number): void {
    let hi = 0
    let lo = 0
    for (let i = 0; i < this.count; i++) {
      const at = this.#tails[i] + offset
      const nextHi = int32At(this.#segments[i], at)
      const nextLo = int32At(this.#segments[i], at + 4)
      this.#out.delta64(nextHi, nextLo, hi, lo)
      hi = nextHi
      lo = nextLo
    }
  }

  #deltaWithin(offset: number, baseOffset: number): void {
    for (let i = 0; i < this.count; i++) {
      const segment = this.#segments[i]
      const at = this.#tails[i] + offset
      const base = this.#tails[i] + baseOffset
      this.#out.delta64(int32At(segment, at), int32At(segment, at + 4), int32At(segment, base), int32At(segment, base + 4))
    }
  }

  #encodeData(): void {
    const out = this.#out
    for (let i = 0; i < this.count; i++) {
      const length = this.#dataLengths[i]
      if (length <= 0) continue
      const segment = this.#segments[i]
      const end = this.#tails[i]
      const start = end - length
      if (length <= inlineDataBytesMax) out.raw(segment, start, end)
      else {
        for (let piece = 0; piece < dataPieces(length); piece++) {
          const from = start + piece * dataPieceBytesMax
          const id = this.#putData(segment.subarray(from, Math.min(from + dataPieceBytesMax, end)))
          out.raw(id, 0, id.length)
        }
      }
    }
  }

  #noteDangling(key: bigint): void {
    if (key > this.aclKeyFloor) this.aclKeyFloor = key
  }

  #sharedWithPrevious(segment: Uint8Array, pathStart: number, pathEnd: number): number {
    const previous = this.#previous
    const previousStart = this.#previousStart
    const length = Math.min(pathEnd - pathStart, this.#previousEnd - previousStart)
    let shared = 0
    while (shared < length && previous[previousStart + shared] === segment[pathStart + shared]) shared++
    return shared
  }

  /** Index of the ACL in the dictionary: equal vectors are one entry whatever their keys. */
  #aclIndex(keyHi: number, keyLo: number): number {
    const dictionary = this.#dictionary
    for (let i = 0; i < dictionary.length; i++) if (dictionary[i].keyLo === keyLo && dictionary[i].keyHi === keyHi) return i
    let vector = this.#aclBytes(keyHi, keyLo)
    if (vector === undefined && keyHi === -1 && keyLo === -1) vector = openAclVector
    if (vector !== undefined) {
      for (let i = 0; i < dictionary.length; i++) {
        const known = dictionary[i].vector
        if (known !== undefined && equalBytes(known, vector)) return i
      }
    }
    if (vector === undefined) this.#noteDangling(joinLong(keyHi, keyLo))
    dictionary.push({ vector, keyHi, keyLo })
    return dictionary.length - 1
  }
}
