import { ZooArkError } from '../base/errors.ts'
import { int32At } from '../jute/long.ts'
import { type ByteSource, FileSource } from './byte-source.ts'
import type { OpenFile } from './file-input.ts'
import { PieceReader } from './piece-reader.ts'
import { decodeSnappyElements, snappyPlainLength } from './snappy-block.ts'
import { WindowStream } from './window-stream.ts'

/** First bytes of the stream that xerial's snappy-java writes; it is not snappy's official framing. */
export const snappyMagic = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00)
/** Magic, version, oldest compatible version. */
const headerLength = 16
/** ZooKeeper writes blocks of 32 KiB; snappy-java lets nobody read one of more than a few MiB without setting it up for that. */
const blockBytesMax = 16 << 20
/** Snappy never makes a block longer than this share of its plain bytes, and a few bytes. */
const compressedBytesMax = blockBytesMax + Math.ceil(blockBytesMax / 6) + 32
/** What text of this kind usually expands to; only for the size of buffers. */
const usualRatio = 2

/**
 * Expands a snappy file: header, then blocks `i32 compressed length | raw snappy block` (ZooKeeper: `SnappyInputStream` under a `FileSnap`).
 * Another header between blocks begins another stream, as snappy-java allows.
 */
export class SnappySource implements ByteSource {
  readonly #path: string
  readonly #file: FileSource
  readonly #stream: WindowStream
  readonly #reader = new PieceReader(() => this.#nextBlock())
  #plain = new Uint8Array(64 << 10)

  private constructor(path: string, file: FileSource) {
    this.#path = path
    this.#file = file
    this.#stream = new WindowStream(file)
  }

  static async open(file: OpenFile): Promise<SnappySource> {
    return new SnappySource(file.path, await FileSource.open(file))
  }

  get remainingHint(): number | undefined {
    const compressed = this.#file.remainingHint + this.#stream.end - this.#stream.position
    return compressed * usualRatio + this.#reader.left
  }

  read(target: Uint8Array, start: number, end: number): Promise<number> {
    return this.#reader.read(target, start, end)
  }

  async close(): Promise<void> {
    await this.#stream.idle()
  }

  /** Undefined at the proper end of the file. An empty block is skipped. */
  async #nextBlock(): Promise<Uint8Array | undefined> {
    const stream = this.#stream
    for (;;) {
      if (!(await stream.has(4))) {
        if (stream.end === stream.position) return undefined
        throw this.#damaged('the file ends within a block length')
      }
      const length = int32At(stream.window, stream.position)
      if (length === int32At(snappyMagic, 0)) {
        await this.#skipHeader()
        continue
      }
      if (length < 0 || length > compressedBytesMax) throw this.#damaged(`a block has the length ${length}`)
      if (!(await stream.has(4 + length))) throw this.#damaged('the file ends within a block')
      const plain = this.#decode(stream.position + 4, stream.position + 4 + length)
      stream.position += 4 + length
      if (plain.length > 0) return plain
    }
  }

  async #skipHeader(): Promise<void> {
    const stream = this.#stream
    if (!(await stream.has(headerLength))) throw this.#damaged('the file ends within the header')
    if (!snappyMagic.every((byte, i) => stream.window[stream.position + i] === byte)) throw this.#damaged('the header is not one')
    stream.position += headerLength
  }

  #decode(start: number, end: number): Uint8Array {
    const { window } = this.#stream
    const plain = snappyPlainLength(window, start, end)
    if (plain === undefined || plain.length > blockBytesMax) throw this.#damaged('the plain length of a block is impossible')
    if (plain.length > this.#plain.length) this.#plain = new Uint8Array(plain.length)
    if (!decodeSnappyElements(window, plain.at, end, this.#plain, plain.length)) throw this.#damaged('a block does not decode')
    return this.#plain.subarray(0, plain.length)
  }

  #damaged(what: string): ZooArkError {
    const offset = this.#stream.offsetOf(this.#stream.position)
    return new ZooArkError('SNAPSHOT_DAMAGED', `the snappy stream is damaged: ${what}`, { place: { file: this.#path, offset } })
  }
}
