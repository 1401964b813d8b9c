import { type OpenFile, sourceError } from './file-input.ts'

/** A stream of bytes that is pulled: plain files, and what comes out of gz and snappy. Not for two readers at once. */
export interface ByteSource {
  /** Bytes that are still to come where that is known: only a hint for the size of buffers. */
  readonly remainingHint: number | undefined
  /** Fills `target[start..end)` as far as there are bytes. @returns the number of bytes; less than asked for only at the end. */
  read(target: Uint8Array, start: number, end: number): Promise<number>
  close(): Promise<void>
}

/** The bytes of an open file from `offset` to its end, by positional reads. Bytes that are appended while it is read are read too. */
export class FileSource implements ByteSource {
  readonly #file: OpenFile
  readonly #size: number
  #offset: number

  private constructor(file: OpenFile, size: number, offset: number) {
    this.#file = file
    this.#size = size
    this.#offset = offset
  }

  static async open(file: OpenFile, offset = 0): Promise<FileSource> {
    return new FileSource(file, await fileSize(file), offset)
  }

  get remainingHint(): number {
    return Math.max(0, this.#size - this.#offset)
  }

  async read(target: Uint8Array, start: number, end: number): Promise<number> {
    let at = start
    while (at < end) {
      const count = await readAt(this.#file, target, at, end - at, this.#offset)
      if (count === 0) break
      at += count
      this.#offset += count
    }
    return at - start
  }

  async close(): Promise<void> {}
}

async function readAt(file: OpenFile, target: Uint8Array, at: number, length: number, offset: number): Promise<number> {
  try {
    return (await file.handle.read(target, at, length, offset)).bytesRead
  } catch (error) {
    throw sourceError(error, file.path)
  }
}

/** Size in bytes of an open file. */
export async function fileSize(file: OpenFile): Promise<number> {
  try {
    return (await file.handle.stat()).size
  } catch (error) {
    throw sourceError(error, file.path)
  }
}
