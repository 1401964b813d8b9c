import { type Gunzip, constants, createGunzip } from 'node:zlib'
import { ZooArkError } from '../base/errors.ts'
import { type ByteSource, FileSource } from './byte-source.ts'
import type { OpenFile } from './file-input.ts'
import { PieceReader } from './piece-reader.ts'

/** Bytes of one compressed read and of one piece of output: both stay in the second-level cache. */
const pieceLength = 256 << 10
/** What text of this kind usually inflates to; only for the size of buffers. */
const usualRatio = 3

/** Inflates a gz file (ZooKeeper: `GZIPInputStream` under a `FileSnap`). */
export class GzSource implements ByteSource {
  readonly #path: string
  readonly #file: FileSource
  readonly #gunzip: Gunzip
  readonly #pieces: AsyncIterator<Buffer>
  readonly #reader = new PieceReader(() => this.#nextPiece())

  private constructor(path: string, file: FileSource, damage: 'fail' | 'report') {
    this.#path = path
    this.#file = file
    this.#gunzip = createGunzip({ chunkSize: pieceLength, ...(damage === 'report' ? { finishFlush: constants.Z_SYNC_FLUSH } : {}) })
    this.#pieces = this.#gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#feed().catch((error: unknown) => this.#gunzip.destroy(error instanceof Error ? error : new Error(String(error))))
  }

  static async open(file: OpenFile, options: { damage: 'fail' | 'report' }): Promise<GzSource> {
    return new GzSource(file.path, await FileSource.open(file), options.damage)
  }

  get remainingHint(): number | undefined {
    return this.#file.remainingHint * usualRatio + this.#reader.left + pieceLength * usualRatio
  }

  read(target: Uint8Array, start: number, end: number): Promise<number> {
    return this.#reader.read(target, start, end)
  }

  async close(): Promise<void> {
    this.#gunzip.destroy()
  }

  async #nextPiece(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#pieces.next()
      return next.done === true ? undefined : next.value
    } catch (error) {
      if (error instanceof ZooArkError) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw new ZooArkError('SNAPSHOT_DAMAGED', `the gz stream is damaged: ${message}`, { place: { file: this.#path }, cause: error })
    }
  }

  /** Pushes the file through, no faster than it is taken out. */
  async #feed(): Promise<void> {
    for (;;) {
      const piece = new Uint8Array(pieceLength)
      const length = await this.#file.read(piece, 0, piece.length)
      if (this.#gunzip.destroyed) return
      if (length === 0) break
      if (!this.#gunzip.write(piece.subarray(0, length))) await this.#drained()
    }
    this.#gunzip.end()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#gunzip.off('drain', settle).off('close', settle)
        resolve()
      }
      this.#gunzip.on('drain', settle).on('close', settle)
    })
  }
}
