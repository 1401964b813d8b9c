import { adler32 } from '../base/checksum.ts'
import type { ByteSource } from './byte-source.ts'

/** Window where the caller names none: long enough that reads cost nothing, short enough for the second-level cache of a server. */
const windowLengthDefault = 8 << 20
/** Shortest window, so that a wrong hint never makes a read per record. */
const windowLengthMin = 64 << 10

/** Where windows are kept, room that is not used stays empty as long as they are. A longer rest is copied together with its window. */
const freshRoomMax = 64 << 10

export interface WindowOptions {
  /** Bytes of a window. One record that is longer gets a window of its own. */
  readonly windowLength?: number
  /** `fresh`: every window is a new buffer that the consumer may keep. `reused`: two buffers take turns. */
  readonly windows?: 'fresh' | 'reused'
  /** Whether to keep the Adler32 of everything consumed. */
  readonly sum?: 'adler32' | 'none'
  /** Offset in the file of the first byte of the source. */
  readonly offset?: number
}

/**
 * Hands a byte source out in windows in which no record straddles an end: the unread rest of a window moves to the front of the next.
 * The next window is read while the consumer works on the present one. Memory grows only as bytes really come, never by a length in them.
 */
export class WindowStream {
  window: Uint8Array = new Uint8Array(0)
  /** The unread bytes are `window[position..end)`; the consumer moves `position`. */
  position = 0
  end = 0
  /** True when the source has no more bytes than those in the window. */
  ended = false
  readonly #source: ByteSource
  readonly #windowLength: number
  readonly #fresh: boolean
  readonly #sums: boolean
  /** File offset of `window[0]`. */
  #offsetOfWindow: number
  #adler = 1
  /** Where in the window the bytes begin that are not yet in the sum. */
  #summed = 0
  #ahead: Promise<Ahead> | undefined
  #spare: Uint8Array | undefined

  constructor(source: ByteSource, options: WindowOptions = {}) {
    this.#source = source
    this.#windowLength = Math.max(windowLengthMin, options.windowLength ?? windowLengthDefault)
    this.#fresh = options.windows === 'fresh'
    this.#sums = options.sum === 'adler32'
    this.#offsetOfWindow = options.offset ?? 0
  }

  /** File offset of a position in the window. */
  offsetOf(position: number): number {
    return this.#offsetOfWindow + position
  }

  /** Adler32 of everything before `position`. */
  adlerThrough(position: number): number {
    if (this.#sums && position > this.#summed) {
      this.#adler = adler32(this.window, this.#summed, position, this.#adler)
      this.#summed = position
    }
    return this.#adler
  }

  /** Makes the unread bytes longer, in another window; views on the old one are void unless windows are fresh. @returns false at the end. */
  async more(): Promise<boolean> {
    if (this.ended) return false
    this.adlerThrough(this.position)
    const ahead = await (this.#ahead ?? this.#readAhead(0))
    this.#ahead = undefined
    if (ahead.through === ahead.from) {
      this.ended = true
      return false
    }
    const rest = this.end - this.position
    const old = this.window
    const offset = this.offsetOf(this.position)
    if (rest <= ahead.from) {
      ahead.window.set(old.subarray(this.position, this.end), ahead.from - rest)
      this.#take(ahead.window, ahead.from - rest, ahead.through, offset)
      this.#spare = old
    } else {
      await this.#grow(ahead, rest, offset)
    }
    this.#startAhead()
    return true
  }

  /** Whether at least `length` unread bytes are there, reading on where needed. */
  async has(length: number): Promise<boolean> {
    while (this.end - this.position < length) if (!(await this.more())) return false
    return true
  }

  /** Waits for the read that is under way, so that the source can be closed. Its failure concerns nobody any more. */
  async idle(): Promise<void> {
    await this.#ahead?.catch(() => undefined)
  }

  /** A record longer than the window: doubles, filling up from the source, so that the copying stays proportional to the bytes. */
  async #grow(ahead: Ahead, rest: number, offset: number): Promise<void> {
    const filled = ahead.through - ahead.from
    const grown = allocate(rest * 2 + filled)
    grown.set(this.window.subarray(this.position, this.end), 0)
    grown.set(ahead.window.subarray(ahead.from, ahead.through), rest)
    const through = rest + filled
    this.#take(grown, 0, through + (await this.#source.read(grown, through, grown.length)), offset)
    if (!this.#fresh) this.#spare = ahead.window
  }

  #take(window: Uint8Array, position: number, end: number, offset: number): void {
    this.window = window
    this.position = position
    this.end = end
    this.#summed = position
    this.#offsetOfWindow = offset - position
  }

  #startAhead(): void {
    // Where nothing is expected any more, no room is made for what is left of this window.
    this.#ahead = this.#readAhead(this.#source.remainingHint === 0 ? 0 : this.#room())
    // It is awaited by the next `more` or by `idle`; without this, a failure in between would end the process.
    this.#ahead.catch(() => undefined)
  }

  /** Bytes left free in front of a window for the rest of the one before it. What a consumer keeps has room for a record of the usual length only. */
  #room(): number {
    const room = this.#windowLength >> 3
    return this.#fresh ? Math.min(room, freshRoomMax) : room
  }

  /** @param room bytes to leave free in front for the rest of the window before it. */
  async #readAhead(room: number): Promise<Ahead> {
    const window = this.#nextWindow(room)
    const from = Math.min(room, window.length >> 1)
    return { window, from, through: from + (await this.#source.read(window, from, window.length)) }
  }

  #nextWindow(room: number): Uint8Array {
    const hint = this.#source.remainingHint
    // One byte more than is expected: the read that fills it less than whole has found the end.
    const length = hint === undefined ? this.#windowLength : Math.min(this.#windowLength, Math.max(windowLengthMin, room + hint + 1))
    const spare = this.#spare
    this.#spare = undefined
    if (!this.#fresh && spare !== undefined && spare.length >= length) return spare
    return allocate(length)
  }
}

interface Ahead {
  readonly window: Uint8Array
  readonly from: number
  readonly through: number
}

/** Memory that is not cleared first: every byte handed out has been read from the source. */
function allocate(length: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length)
}
