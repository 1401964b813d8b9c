import { ZooArkError } from '../base/errors.ts'

const nothing = new Uint8Array(0)

/** Turns pieces, as a decompressor gives them, into reads of any length. */
export class PieceReader {
  readonly #next: () => Promise<Uint8Array | undefined>
  #piece: Uint8Array = nothing
  #at = 0
  #failure: ZooArkError | undefined

  /** @param next the next piece, valid until it is called again; undefined at the proper end */
  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next
  }

  /** Bytes at hand before the next piece is asked for. */
  get left(): number {
    return this.#piece.length - this.#at
  }

  /** As `ByteSource.read`. */
  async read(target: Uint8Array, start: number, end: number): Promise<number> {
    let at = start
    while (at < end) {
      if (this.left === 0 && !(await this.#advance(at > start))) break
      const length = Math.min(end - at, this.left)
      target.set(this.#piece.subarray(this.#at, this.#at + length), at)
      this.#at += length
      at += length
    }
    return at - start
  }

  /** Moves on. A failure after bytes have been given waits for the next call, so that salvage gets all that was good. */
  async #advance(hasBytes: boolean): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure
    this.#piece = nothing
    this.#at = 0
    try {
      const piece = await this.#next()
      this.#piece = piece ?? nothing
      return piece !== undefined
    } catch (error) {
      if (!hasBytes || !(error instanceof ZooArkError)) throw error
      this.#failure = error
      return false
    }
  }
}
