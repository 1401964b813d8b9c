import { ZooArkError } from '../base/errors.ts'
import { juteLengthMax } from '../jute/jute-limits.ts'
import { ColumnReader, damagedChunk } from './column-bytes.ts'
import { chunkIdLength, chunkKinds, chunkVersion, dataPieces, leafZnodesMax } from './state-format.ts'

const slash = 0x2f

/** An entry of a leaf's ACL dictionary, as a span of the leaf; a dangling key is the 8 bytes of the key itself. */
export interface LeafAcl {
  readonly kind: 'vector' | 'dangling'
  readonly start: number
  readonly end: number
}

/**
 * The columns of one leaf (docs/formats/archive.md, "Leaf"). One object is made once and filled again by every `decode`, so that a
 * million znodes make no objects. Index i is the i-th znode; 64-bit values are halves.
 */
export class LeafColumns {
  count = 0
  bytes: Uint8Array = new Uint8Array(0)
  readonly acls: LeafAcl[] = []
  readonly shared = new Uint32Array(leafZnodesMax)
  readonly suffixStarts = new Uint32Array(leafZnodesMax)
  readonly pathLengths = new Uint32Array(leafZnodesMax)
  readonly aclIndexes = new Uint32Array(leafZnodesMax)
  /** -1 for null. */
  readonly dataLengths = new Int32Array(leafZnodesMax)
  /** Where the data stand in `bytes`, or their piece ids when they are out of line. */
  readonly dataStarts = new Uint32Array(leafZnodesMax)
  readonly czxid = new Longs()
  readonly mzxid = new Longs()
  readonly pzxid = new Longs()
  readonly ctime = new Longs()
  readonly mtime = new Longs()
  readonly version = new Int32Array(leafZnodesMax)
  readonly cversion = new Int32Array(leafZnodesMax)
  readonly aversion = new Int32Array(leafZnodesMax)
  readonly ephemeralOwner = new Longs()
  /** Sums over the leaf. */
  pathBytes = 0
  dataBytes = 0

  /** Fills the columns; keeps `bytes`. @throws REPOSITORY_DAMAGED for anything that no writer writes. */
  decode(bytes: Uint8Array): void {
    const reader = new ColumnReader(bytes)
    const version = reader.byte('the version')
    if (version > chunkVersion) throw tooNew(version)
    if (version !== chunkVersion || reader.byte('the kind') !== chunkKinds.leaf) throw reader.damaged('it is no leaf')
    this.bytes = bytes
    this.count = reader.count('the number of znodes', leafZnodesMax)
    if (this.count === 0) throw reader.damaged('the leaf is empty')
    this.#decodeAcls(reader)
    this.#decodePaths(reader)
    this.#decodeAclIndexes(reader)
    for (let i = 0; i < this.count; i++) this.dataLengths[i] = reader.count('a data length', juteLengthMax + 1) - 1
    this.#decodeStats(reader)
    this.#decodeData(reader)
    reader.end()
  }

  /**
   * Writes the path of znode i at `at`; `previousAt` is where the path of znode i - 1 stands in the same array (any value for the
   * first). @throws REPOSITORY_DAMAGED when the paths do not ascend in tree order.
   */
  copyPath(i: number, into: Uint8Array, at: number, previousAt: number): void {
    const shared = this.shared[i]
    const length = this.pathLengths[i]
    const suffixStart = this.suffixStarts[i]
    const bytes = this.bytes
    if (i > 0 && !this.#ascends(i, into, previousAt)) {
      throw damagedChunk('the paths do not ascend', suffixStart)
    }
    if (shared > 64) into.copyWithin(at, previousAt, previousAt + shared)
    else for (let k = 0; k < shared; k++) into[at + k] = into[previousAt + k]
    const suffixLength = length - shared
    if (suffixLength > 64) into.set(bytes.subarray(suffixStart, suffixStart + suffixLength), at + shared)
    else for (let k = 0; k < suffixLength; k++) into[at + shared + k] = bytes[suffixStart + k]
  }

  #ascends(i: number, into: Uint8Array, previousAt: number): boolean {
    const shared = this.shared[i]
    if (this.pathLengths[i] === shared) return false
    if (shared === this.pathLengths[i - 1]) return true
    const before = into[previousAt + shared]
    const after = this.bytes[this.suffixStarts[i]]
    if (before === after || after === slash) return false
    return before === slash || before < after
  }

  #decodeAcls(reader: ColumnReader): void {
    const acls = this.acls
    acls.length = 0
    const count = reader.count('the number of ACLs', this.count)
    for (let i = 0; i < count; i++) {
      const length = reader.count('the length of an ACL', juteLengthMax)
      const kind = length === 0 ? 'dangling' : 'vector'
      const start = reader.span('an ACL', length === 0 ? 8 : length)
      acls.push({ kind, start, end: reader.position })
    }
  }

  #decodePaths(reader: ColumnReader): void {
    const { count, shared, suffixStarts, pathLengths } = this
    for (let i = 0; i < count; i++) shared[i] = reader.count('a shared length', juteLengthMax)
    let suffixBytes = 0
    let pathBytes = 0
    for (let i = 0; i < count; i++) {
      if (shared[i] > (i === 0 ? 0 : pathLengths[i - 1])) throw reader.damaged('a path shares more than the path before it has')
      const length = shared[i] + reader.count('a suffix length', juteLengthMax)
      if (length > juteLengthMax) throw reader.damaged('a path is too long')
      pathLengths[i] = length
      pathBytes += length
      suffixStarts[i] = suffixBytes
      suffixBytes += length - shared[i]
    }
    const start = reader.span('the paths', suffixBytes)
    for (let i = 0; i < count; i++) suffixStarts[i] += start
    this.pathBytes = pathBytes
  }

  #decodeAclIndexes(reader: ColumnReader): void {
    let used = 0
    for (let i = 0; i < this.count; i++) {
      const index = reader.varint('an ACL index')
      if (index > used || index >= this.acls.length) throw reader.damaged('an ACL index is out of order')
      if (index === used) used++
      this.aclIndexes[i] = index
    }
    if (used !== this.acls.length) throw reader.damaged('an ACL is not used')
  }

  #decodeStats(reader: ColumnReader): void {
    const count = this.count
    this.czxid.decodeToPrevious(reader, count)
    this.mzxid.decodeWithin(reader, count, this.czxid)
    this.pzxid.decodeWithin(reader, count, this.czxid)
    this.ctime.decodeToPrevious(reader, count)
    this.mtime.decodeWithin(reader, count, this.ctime)
    for (let i = 0; i < count; i++) this.version[i] = reader.zigzag32('a version')
    for (let i = 0; i < count; i++) this.cversion[i] = reader.zigzag32('a cversion')
    for (let i = 0; i < count; i++) this.aversion[i] = reader.zigzag32('an aversion')
    const { hi, lo } = this.ephemeralOwner
    for (let i = 0; i < count; i++) {
      reader.zigzag64('an ephemeralOwner')
      hi[i] = reader.hi
      lo[i] = reader.lo
    }
  }

  #decodeData(reader: ColumnReader): void {
    let dataBytes = 0
    for (let i = 0; i < this.count; i++) {
      const length = this.dataLengths[i]
      const pieces = dataPieces(length)
      dataBytes += length > 0 ? length : 0
      this.dataStarts[i] = reader.span('the data', pieces === 0 ? Math.max(length, 0) : pieces * chunkIdLength)
    }
    this.dataBytes = dataBytes
  }
}

/** A column of 64-bit values. */
export class Longs {
  readonly hi = new Int32Array(leafZnodesMax)
  readonly lo = new Int32Array(leafZnodesMax)

  decodeToPrevious(reader: ColumnReader, count: number): void {
    const { hi, lo } = this
    let previousHi = 0
    let previousLo = 0
    for (let i = 0; i < count; i++) {
      reader.zigzag64('a stat')
      const low = (previousLo >>> 0) + (reader.lo >>> 0)
      previousLo = low | 0
      previousHi = (previousHi + reader.hi + (low > 0xffffffff ? 1 : 0)) | 0
      hi[i] = previousHi
      lo[i] = previousLo
    }
  }

  decodeWithin(reader: ColumnReader, count: number, base: Longs): void {
    const { hi, lo } = this
    for (let i = 0; i < count; i++) {
      reader.zigzag64('a stat')
      const low = (base.lo[i] >>> 0) + (reader.lo >>> 0)
      lo[i] = low | 0
      hi[i] = (base.hi[i] + reader.hi + (low > 0xffffffff ? 1 : 0)) | 0
    }
  }
}

function tooNew(version: number): ZooArkError {
  return new ZooArkError('REPOSITORY_FORMAT_TOO_NEW', `a chunk of the state tree has version ${version}`)
}
