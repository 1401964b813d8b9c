/**
 * A ZooKeeper client of one connection that says exactly what it is told to: which zxid it claims to have seen, which session it claims to be.
 * The real client cannot be made to lie or to stay behind a restore.
 */
import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'

const opcodes = { create: 1, delete: 2, setWatches: 101 } as const
const WATCH_EVENT_XID = -1
const SET_WATCHES_XID = -8
const ANSWER_TIMEOUT_MS = 20_000
const FRAME_BYTES_MAX = 1 << 20
const PASSWORD_BYTES = 16
const NODE_EXISTS = -110

export interface RawSession {
  readonly id: bigint
  readonly password: Buffer
}

export type ConnectAnswer =
  | { readonly kind: 'accepted'; readonly client: RawClient }
  /** The server closed the connection without an answer: it has not seen what the client has seen. */
  | { readonly kind: 'refused' }
  /** The session is unknown; the client makes a new one. */
  | { readonly kind: 'session-expired' }

export interface ConnectClaim {
  readonly lastZxidSeen: bigint
  readonly timeoutMs?: number
  /** Absent: a new session. */
  readonly session?: RawSession
}

export interface WatchEvent {
  readonly type: number
  readonly path: string
}

export const watchEventTypes = { deleted: 2, childrenChanged: 4 } as const

export async function connectRaw(port: number, claim: ConnectClaim): Promise<ConnectAnswer> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  const frames = new Frames(socket)
  const body = new Output()
    .int(0)
    .long(claim.lastZxidSeen)
    .int(claim.timeoutMs ?? 10_000)
    .long(claim.session?.id ?? 0n)
    .buffer(claim.session?.password ?? Buffer.alloc(PASSWORD_BYTES))
    .bytes(Buffer.from([0]))
  socket.write(body.frame())
  const answer = await frames.next()
  if (answer === undefined) return { kind: 'refused' }
  const timeoutMs = answer.readInt32BE(4)
  const id = answer.readBigInt64BE(8)
  if (timeoutMs <= 0) {
    socket.destroy()
    return { kind: 'session-expired' }
  }
  const password = Buffer.from(answer.subarray(20, 20 + answer.readInt32BE(16)))
  return { kind: 'accepted', client: new RawClient(socket, frames, { id, password }) }
}

export class RawClient {
  readonly session: RawSession
  readonly #socket: Socket
  readonly #frames: Frames
  readonly #events: WatchEvent[] = []
  #xid = 1

  constructor(socket: Socket, frames: Frames, session: RawSession) {
    this.#socket = socket
    this.#frames = frames
    this.session = session
  }

  /** Returns the path and the zxid of the txn. Open to everybody; no data. An existing znode is left as it is. */
  async create(path: string, mode: 'persistent' | 'ephemeral' | 'sequential'): Promise<{ path: string; zxid: bigint }> {
    const flags = { persistent: 0, ephemeral: 1, sequential: 2 }[mode]
    const body = new Output()
      .int(this.#xid++)
      .int(opcodes.create)
      .string(path)
      .int(0)
      .int(1)
      .int(31)
      .string('world')
      .string('anyone')
      .int(flags)
    this.#socket.write(body.frame())
    const { error, zxid, rest } = await this.#answer()
    if (error === NODE_EXISTS) return { path, zxid }
    if (error !== 0) throw new Error(`creating ${path} failed with ${error}`)
    return { path: rest.subarray(4, 4 + rest.readInt32BE(0)).toString(), zxid }
  }

  async delete(path: string): Promise<void> {
    this.#socket.write(
      new Output()
        .int(this.#xid++)
        .int(opcodes.delete)
        .string(path)
        .int(-1)
        .frame(),
    )
    const { error } = await this.#answer()
    if (error !== 0) throw new Error(`deleting ${path} failed with ${error}`)
  }

  /** What a client does after it has reconnected: says what it watches and how far it has seen. */
  async setWatches(relativeZxid: bigint, data: readonly string[], children: readonly string[]): Promise<void> {
    const body = new Output().int(SET_WATCHES_XID).int(opcodes.setWatches).long(relativeZxid).strings(data).strings([]).strings(children)
    this.#socket.write(body.frame())
    const { error } = await this.#answer()
    if (error !== 0) throw new Error(`setWatches failed with ${error}`)
  }

  /** Watch events that came before the last answer. */
  get events(): readonly WatchEvent[] {
    return this.#events
  }

  /** Drops the connection; the session lives on. */
  abandon(): void {
    this.#socket.destroy()
  }

  async #answer(): Promise<{ error: number; zxid: bigint; rest: Buffer }> {
    for (;;) {
      const frame = await this.#frames.next()
      if (frame === undefined) throw new Error('the server closed the connection')
      if (frame.readInt32BE(0) === WATCH_EVENT_XID) {
        this.#events.push({ type: frame.readInt32BE(16), path: frame.subarray(28, 28 + frame.readInt32BE(24)).toString() })
        continue
      }
      return { error: frame.readInt32BE(12), zxid: frame.readBigInt64BE(4), rest: frame.subarray(16) }
    }
  }
}

/** Length-prefixed frames of a socket, in order. */
class Frames {
  #pending = Buffer.alloc(0)
  #isClosed = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.#pending = Buffer.concat([this.#pending, bytes])
      this.#wake?.()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A reset is how some closed connections show; anything else is not the server's answer.
      if (error.code !== 'ECONNRESET') this.#failure = error
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('the server did not answer')))
  }

  /** undefined when the connection ends first. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#pending.length >= 4) {
        const length = this.#pending.readInt32BE(0)
        if (length < 0 || length > FRAME_BYTES_MAX) throw new Error(`a frame of ${length} bytes`)
        if (this.#pending.length >= 4 + length) {
          const frame = this.#pending.subarray(4, 4 + length)
          this.#pending = this.#pending.subarray(4 + length)
          return frame
        }
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#isClosed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** Writes what jute writes. */
class Output {
  readonly #parts: Buffer[] = []

  bytes(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  int(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.bytes(bytes)
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt.asIntN(64, value))
    return this.bytes(bytes)
  }

  buffer(bytes: Buffer): this {
    return this.int(bytes.length).bytes(bytes)
  }

  string(text: string): this {
    return this.buffer(Buffer.from(text))
  }

  strings(texts: readonly string[]): this {
    this.int(texts.length)
    for (const text of texts) this.string(text)
    return this
  }

  frame(): Buffer {
    const body = Buffer.concat(this.#parts)
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length)
    return Buffer.concat([length, body])
  }
}
