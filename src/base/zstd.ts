/**
 * zstd, exactly one frame a call (RFC 8878). Node's own zlib where it has zstd (22.15 and later), else @bokuweb/zstd-wasm.
 *
 * Both codecs are held to the same rule by our own walk over the frame before either sees it: the frame names its content size, and
 * ends where the bytes end. Node 22 and 24 return the first of two concatenated frames without a word, Node 22 returns nothing for a
 * truncated one; neither can happen here. It also bounds the memory of a decode by the length that the caller expects.
 */
import zlib from 'node:zlib'
import { plainView } from './bytes.ts'
import { ZooArkError } from './errors.ts'

export interface Zstd {
  readonly form: 'node' | 'wasm'
  /** One frame that names its content size. `level` 1 to 19; 1 is as small as 3 on blocks of 16 to 64 KiB, and twice as fast. */
  compress(plain: Uint8Array, level?: number): Uint8Array
  /** The content of the frame, `plainLength` bytes. Throws REPOSITORY_DAMAGED, without a place, unless it is exactly that. */
  decompress(frame: Uint8Array, plainLength: number): Uint8Array
}

const LEVEL_DEFAULT = 1
const MAGIC = 0xfd2fb528
/** RFC 8878: no block of a frame is longer. */
const FRAME_BLOCK_BYTES_MAX = 128 * 1024

const damaged = (what: string, cause?: unknown) => new ZooArkError('REPOSITORY_DAMAGED', `not one whole zstd frame: ${what}`, { cause })

/** Content size and total length of the frame at the start of bytes, read from its headers alone. */
function measureFrame(bytes: Uint8Array): { contentSize: number; frameLength: number } {
  if (bytes.length < 5) throw damaged('too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) throw damaged('wrong magic')
  const descriptor = bytes[4]
  const singleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x0b) !== 0) throw damaged('it needs a dictionary or a newer decoder')
  const sizeFlag = descriptor >>> 6
  const sizeLength = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag
  if (sizeLength === 0) throw damaged('it does not name its content size')
  let at = singleSegment ? 5 : 6
  if (at + sizeLength > bytes.length) throw damaged('it ends within its header')
  let contentSize: number
  if (sizeLength === 1) contentSize = bytes[at]
  else if (sizeLength === 2) contentSize = view.getUint16(at, true) + 256
  else if (sizeLength === 4) contentSize = view.getUint32(at, true)
  else contentSize = Number(view.getBigUint64(at, true))
  at += sizeLength
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) throw damaged('it ends within a block')
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)
    last = (header & 1) !== 0
    const type = (header >>> 1) & 3
    const size = header >>> 3
    if (type === 3 || size > FRAME_BLOCK_BYTES_MAX) throw damaged('a block of no known kind')
    at += 3 + (type === 1 ? 1 : size)
  }
  if ((descriptor & 0x04) !== 0) at += 4
  return { contentSize, frameLength: at }
}

function checkFrame(frame: Uint8Array, plainLength: number): void {
  const { contentSize, frameLength } = measureFrame(frame)
  if (contentSize !== plainLength) throw damaged(`it holds ${contentSize} bytes, not ${plainLength}`)
  if (frameLength !== frame.length) throw damaged(`it is ${frameLength} bytes long, not ${frame.length}`)
}

/** The part of Node's zlib that its types for Node 20 do not know. */
interface NodeZstd {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: object) => Uint8Array
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: object) => Uint8Array
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

/** Node's zlib takes no smaller output chunk. */
const NODE_CHUNK_BYTES_MIN = 64

/** Node's codec, undefined before Node 22.15. */
export function nodeZstd(): Zstd | undefined {
  const { zstdCompressSync, zstdDecompressSync, constants } = zlib as unknown as NodeZstd
  if (typeof zstdCompressSync !== 'function' || typeof zstdDecompressSync !== 'function') return undefined
  return {
    form: 'node',
    compress(plain, level = LEVEL_DEFAULT) {
      // One output chunk that always suffices (zstd's own bound), then a copy of its used part so that the rest can be let go.
      const chunkSize = plain.length + (plain.length >>> 8) + 1024
      const output = zstdCompressSync(plain, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } })
      return new Uint8Array(output)
    },
    decompress(frame, plainLength) {
      checkFrame(frame, plainLength)
      if (plainLength === 0) return new Uint8Array(0)
      let plain: Uint8Array
      try {
        plain = zstdDecompressSync(frame, { chunkSize: Math.max(plainLength, NODE_CHUNK_BYTES_MIN), maxOutputLength: plainLength })
      } catch (cause) {
        throw damaged('it does not decode', cause)
      }
      if (plain.length !== plainLength) throw damaged(`it decodes to ${plain.length} bytes, not ${plainLength}`)
      return plainView(plain)
    },
  }
}

const EMPTY = new Uint8Array(0)

/** The WebAssembly codec, on every Node. */
export async function wasmZstd(): Promise<Zstd> {
  const { default: api } = await import('@bokuweb/zstd-wasm')
  await api.init()
  // One context for all calls: a fresh one for each block costs as much as the compression of 16 KiB. It is never freed: it lives as
  // long as the module.
  const context = api.createCCtx()
  return {
    form: 'wasm',
    compress: (plain, level = LEVEL_DEFAULT) => api.compressUsingDict(context, plain as Uint8Array<ArrayBuffer>, EMPTY, level),
    decompress(frame, plainLength) {
      checkFrame(frame, plainLength)
      if (plainLength === 0) return new Uint8Array(0)
      let plain: Uint8Array
      try {
        plain = api.decompress(frame as Uint8Array<ArrayBuffer>, { defaultHeapSize: plainLength })
      } catch (cause) {
        throw damaged('it does not decode', cause)
      }
      if (plain.length !== plainLength) throw damaged(`it decodes to ${plain.length} bytes, not ${plainLength}`)
      return plain
    },
  }
}

let chosen: Promise<Zstd> | undefined

/** The codec of this Node, the same one for every caller. */
export function zstd(): Promise<Zstd> {
  chosen ??= Promise.resolve(nodeZstd() ?? wasmZstd())
  return chosen
}
