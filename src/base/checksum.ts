/**
 * The checksums of ZooKeeper's files (Adler-32), of gzip and zip (CRC-32) and of the repository (SHA-256).
 *
 * The plain JavaScript forms are the oracle and the fallback; Adler-32 of more than a few cache lines goes through the WebAssembly
 * kernel of `kernels.wat`, about seven times as fast, and CRC-32 through zlib's own.
 */
import { hash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { plainView } from './bytes.ts'
import { kernelsBase64 } from './kernels-wasm.ts'

const ADLER_MODULUS = 65521
/** Largest multiple of 16 not above zlib's NMAX (5552): that many bytes of 255 cannot overflow an unsigned 32-bit sum. */
const ADLER_RUN_BYTES = 5552
/** Shorter inputs are faster in JavaScript than copied into the kernel's memory. */
const KERNEL_FROM_BYTES = 128
/** Room of the kernel's memory; longer inputs go through it window by window. 256 KiB stays within the second-level cache. */
const KERNEL_WINDOW_BYTES = 256 * 1024
/** Shorter inputs cost less in JavaScript than the call into zlib. */
const ZLIB_FROM_BYTES = 256

type AdlerKernel = (at: number, length: number, seed: number) => number

/** The kernel and its memory; undefined until first used, null where WebAssembly SIMD is missing. */
let kernel: { readonly adler32: AdlerKernel; readonly memory: Uint8Array } | null | undefined

/** The part of the WebAssembly API used here; the types of Node leave it to the browser's library. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
  ) => { readonly exports: { readonly adler32: AdlerKernel; readonly memory: { readonly buffer: ArrayBuffer } } }
}

function loadKernel(): NonNullable<typeof kernel> | null {
  try {
    const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
    const { adler32, memory } = new api.Instance(new api.Module(Buffer.from(kernelsBase64, 'base64'))).exports
    return { adler32, memory: new Uint8Array(memory.buffer) }
  } catch {
    // No WebAssembly (a jitless engine) or no SIMD (an old processor): the JavaScript form gives the same values.
    return null
  }
}

/**
 * Adler-32 of bytes[start..end), unsigned, continuing from `seed` (1 for a new sum). ZooKeeper's checksum of snapshots, where the sum
 * runs on over earlier seals, and of each txn's payload.
 */
export function adler32(bytes: Uint8Array, start: number, end: number, seed = 1): number {
  if (end - start < KERNEL_FROM_BYTES) return adler32Plain(bytes, start, end, seed)
  if (kernel === undefined) kernel = loadKernel()
  if (kernel === null) return adler32Plain(bytes, start, end, seed)
  let sum = seed | 0
  for (let at = start; at < end; ) {
    const through = Math.min(at + KERNEL_WINDOW_BYTES, end)
    kernel.memory.set(bytes.subarray(at, through), 0)
    sum = kernel.adler32(0, through - at, sum)
    at = through
  }
  return sum >>> 0
}

/** Which form `adler32` takes for long inputs in this engine. */
export function adler32Form(): 'kernel' | 'plain' {
  if (kernel === undefined) kernel = loadKernel()
  return kernel === null ? 'plain' : 'kernel'
}

/** The oracle of `adler32`: the same value in plain JavaScript. */
export function adler32Plain(bytes: Uint8Array, start: number, end: number, seed = 1): number {
  let a = seed & 0xffff
  let b = seed >>> 16
  let at = start
  while (at < end) {
    const runEnd = Math.min(at + ADLER_RUN_BYTES, end)
    for (const unrolledEnd = runEnd - 7; at < unrolledEnd; at += 8) {
      b += a += bytes[at]
      b += a += bytes[at + 1]
      b += a += bytes[at + 2]
      b += a += bytes[at + 3]
      b += a += bytes[at + 4]
      b += a += bytes[at + 5]
      b += a += bytes[at + 6]
      b += a += bytes[at + 7]
    }
    for (; at < runEnd; at++) b += a += bytes[at]
    a %= ADLER_MODULUS
    b %= ADLER_MODULUS
  }
  return ((b << 16) | a) >>> 0
}

/** Eight tables of 256: table 0 is the classic one, table k advances a byte over k more zero bytes (slicing by eight). */
let crcTables: Int32Array | undefined

function makeCrcTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    tables[byte] = value
  }
  for (let at = 256; at < tables.length; at++) tables[at] = (tables[at - 256] >>> 8) ^ tables[tables[at - 256] & 0xff]
  return tables
}

/** CRC-32 (ISO 3309, as in gzip) of bytes[start..end), unsigned, continuing from `seed` (0 for a new sum). */
export function crc32(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  if (end - start < ZLIB_FROM_BYTES) return crc32Plain(bytes, start, end, seed)
  return zlibCrc32(bytes.subarray(start, end), seed)
}

/** The oracle of `crc32`: the same value in plain JavaScript. */
export function crc32Plain(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  crcTables ??= makeCrcTables()
  const t = crcTables
  let crc = ~seed
  let at = start
  for (const unrolledEnd = end - 7; at < unrolledEnd; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    crc =
      t[1792 + (crc & 0xff)] ^
      t[1536 + ((crc >>> 8) & 0xff)] ^
      t[1280 + ((crc >>> 16) & 0xff)] ^
      t[1024 + (crc >>> 24)] ^
      t[768 + bytes[at + 4]] ^
      t[512 + bytes[at + 5]] ^
      t[256 + bytes[at + 6]] ^
      t[bytes[at + 7]]
  }
  for (; at < end; at++) crc = t[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return plainView(hash('sha256', bytes, 'buffer'))
}
