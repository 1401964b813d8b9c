import { type FileHandle, open } from 'node:fs/promises'
import { type Gzip, createGzip } from 'node:zlib'
import { adler32 } from '../base/checksum.ts'
import { type ErrorCode, ZooArkError } from '../base/errors.ts'

/** Bytes of one write: long enough that calls cost nothing, short enough to stay in the cache between filling, summing and writing. */
const pieceLength = 1 << 20

const codeOfSystemError: Readonly<Record<string, ErrorCode>> = {
  EEXIST: 'TARGET_NOT_EMPTY',
  EACCES: 'TARGET_UNWRITABLE',
  EPERM: 'TARGET_UNWRITABLE',
  EROFS: 'TARGET_UNWRITABLE',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
}

function targetError(error: unknown, path: string): ZooArkError {
  if (error instanceof ZooArkError) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const message = error instanceof Error ? error.message : String(error)
  return new ZooArkError(codeOfSystemError[code] ?? 'IO_FAILED', message, { place: { file: path }, cause: error })
}

export interface OutputOptions {
  /** `before-close`: the bytes are on the disk when `close` resolves. The directory is the caller's concern. */
  readonly fsync: 'before-close' | 'never'
  readonly compression?: 'none' | 'gz'
  readonly sum?: 'adler32' | 'none'
}

/**
 * A new file that is written from front to back in pieces; one piece is filled while the one before is being written.
 * An existing file is never touched. After a failure the file is left as it is: the caller stages and removes.
 */
export class OutputFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #gz: GzOutput | undefined
  readonly #options: OutputOptions
  #piece = new Uint8Array(pieceLength)
  #spare = new Uint8Array(pieceLength)
  #length = 0
  #summed = 0
  #adler = 1
  #flushed = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, handle: FileHandle, options: OutputOptions) {
    this.#path = path
    this.#handle = handle
    this.#options = options
    this.#gz = options.compression === 'gz' ? new GzOutput(handle) : undefined
  }

  /** @throws TARGET_NOT_EMPTY when the file exists, TARGET_UNWRITABLE, STORE_FULL, IO_FAILED */
  static async create(path: string, options: OutputOptions): Promise<OutputFile> {
    try {
      return new OutputFile(path, await open(path, 'wx'), options)
    } catch (error) {
      throw targetError(error, path)
    }
  }

  /** Bytes put so far, before compression. */
  get position(): number {
    return this.#flushed + this.#length
  }

  /** Adler32 of everything put so far, where it is kept. */
  get adler(): number {
    if (this.#options.sum === 'adler32' && this.#summed < this.#length) {
      this.#adler = adler32(this.#piece, this.#summed, this.#length, this.#adler)
      this.#summed = this.#length
    }
    return this.#adler
  }

  /** Whether `length` bytes can be put without waiting. */
  fits(length: number): boolean {
    return length <= pieceLength - this.#length
  }

  /** Puts bytes that `fits` has said yes to. */
  put(bytes: Uint8Array, start: number, end: number): void {
    this.#piece.set(bytes.subarray(start, end), this.#length)
    this.#length += end - start
  }

  /** Puts bytes of any length. */
  async write(bytes: Uint8Array, start = 0, end = bytes.length): Promise<void> {
    for (let at = start; at < end; ) {
      if (this.#length === pieceLength) await this.flush()
      const through = Math.min(end, at + pieceLength - this.#length)
      this.put(bytes, at, through)
      at = through
    }
  }

  /** Starts the writing of the piece; waits only for the piece before it. */
  async flush(): Promise<void> {
    await this.#settled()
    if (this.#length === 0) return
    // Brings the sum up to date before the piece goes away.
    void this.adler
    const full = this.#piece
    const length = this.#length
    this.#piece = this.#spare
    this.#spare = full
    this.#flushed += length
    this.#length = 0
    this.#summed = 0
    this.#writing = this.#gz === undefined ? writeAll(this.#handle, full, length) : this.#gz.write(full, length)
    // It is awaited before the next piece or by `close`; without this, a failure in between would end the process.
    this.#writing.catch(() => undefined)
  }

  /** Writes and waits until everything put so far is on the disk. */
  async sync(): Promise<void> {
    await this.flush()
    await this.#settled()
    await this.#do(() => this.#handle.datasync())
  }

  /** Writes what is left, grows the file to `sizeBytes` with zeros where that is more, syncs as the options say, and closes. @returns bytes of the file. */
  async close(options: { sizeBytes?: number } = {}): Promise<number> {
    try {
      await this.flush()
      await this.#settled()
      await this.#do(async () => this.#gz?.end())
      let size = await this.#do(async () => (await this.#handle.stat()).size)
      const { sizeBytes } = options
      if (sizeBytes !== undefined && sizeBytes > size) {
        await this.#do(() => this.#handle.truncate(sizeBytes))
        size = sizeBytes
      }
      if (this.#options.fsync === 'before-close') await this.#do(() => this.#handle.sync())
      return size
    } finally {
      await this.#handle.close()
    }
  }

  /** Closes after a failure, whatever state the file is in. */
  async abandon(): Promise<void> {
    // The failure that led here is the one to report.
    await this.#writing.catch(() => undefined)
    this.#gz?.destroy()
    await this.#handle.close().catch(() => undefined)
  }

  async #settled(): Promise<void> {
    await this.#do(() => this.#writing)
  }

  async #do<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw targetError(error, this.#path)
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, length: number): Promise<void> {
  for (let at = 0; at < length; ) at += (await handle.write(bytes, at, length - at)).bytesWritten
}

/** Deflates what is written and writes it on. */
class GzOutput {
  readonly #gzip: Gzip
  readonly #drained: Promise<void>

  constructor(handle: FileHandle) {
    this.#gzip = createGzip({ chunkSize: pieceLength })
    this.#drained = this.#drain(handle)
    this.#drained.catch((error: unknown) => this.#gzip.destroy(error instanceof Error ? error : new Error(String(error))))
  }

  /** Resolves when the bytes have been taken in, so that they may be overwritten. */
  async write(bytes: Uint8Array, length: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(bytes.subarray(0, length), (error) => (error === null || error === undefined ? resolve() : reject(error)))
    })
  }

  async end(): Promise<void> {
    this.#gzip.end()
    await this.#drained
  }

  destroy(): void {
    this.#gzip.destroy()
  }

  async #drain(handle: FileHandle): Promise<void> {
    for await (const piece of this.#gzip as AsyncIterable<Uint8Array>) await writeAll(handle, piece, piece.length)
  }
}
