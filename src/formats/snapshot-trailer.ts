import { adler32 } from '../base/checksum.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { int32At, longAt } from '../jute/long.ts'
import { type Zxid, toZxid } from '../model/zxid.ts'
import { digestTrailerLength, digestVersionOfLong, lastZxidTrailerLength, sealLength } from './snapshot-layout.ts'

/** The digest that a server from 3.6 on keeps with a snapshot (ZooKeeper: `DataTree.ZxidDigest`). */
export interface SnapshotDigest {
  /** The last transaction in the digest; 0 when the server had none yet. */
  readonly zxid: Zxid
  readonly version: number
  /** Signed 64-bit value. */
  readonly digest: bigint
  /** The digest as it was written before version 2: hexadecimal text, or null. */
  readonly text?: string | null
}

export interface SnapshotTrailers {
  readonly digest?: SnapshotDigest
  readonly lastProcessedZxid?: Zxid
}

/**
 * Decodes what follows the first seal: nothing (to 3.5, or features off), a digest and its seal, the last processed zxid and its seal,
 * or both in that order. Nothing names them; the seals, whose sum runs on over everything before, tell which is there.
 * @param adler sum of everything before `start`.
 * @returns the trailers and where they end; undefined when the bytes are something else.
 */
export function decodeTrailers(
  bytes: Uint8Array,
  start: number,
  end: number,
  adler: number,
): (SnapshotTrailers & { end: number }) | undefined {
  if (start === end) return { end }
  const digest = decodeDigest(bytes, start, end)
  if (digest !== undefined && isSeal(bytes, start, digest.end, end, adler)) {
    const sealEnd = digest.end + sealLength
    const zxidEnd = sealEnd + lastZxidTrailerLength
    if (sealEnd === end) return { digest: digest.value, end }
    if (!isSeal(bytes, start, zxidEnd, end, adler)) return undefined
    return { digest: digest.value, lastProcessedZxid: toZxid(longAt(bytes, sealEnd)), end: zxidEnd + sealLength }
  }
  const zxidEnd = start + lastZxidTrailerLength
  if (!isSeal(bytes, start, zxidEnd, end, adler)) return undefined
  return { lastProcessedZxid: toZxid(longAt(bytes, start)), end: zxidEnd + sealLength }
}

/** Whether a seal stands at `at` that holds the sum of everything before it. */
function isSeal(bytes: Uint8Array, start: number, at: number, end: number, adler: number): boolean {
  if (end - at < sealLength || at < start) return false
  return sealFault(bytes, at, adler32(bytes, start, at, adler)) === undefined
}

/** What is wrong with the seal at `at`, of which all bytes are there. @param adler sum of everything before. */
export function sealFault(bytes: Uint8Array, at: number, adler: number): string | undefined {
  if (int32At(bytes, at) !== 0 || int32At(bytes, at + 4) >>> 0 !== adler) return 'the checksum does not match'
  if (int32At(bytes, at + 8) !== 1 || bytes[at + 12] !== 0x2f) return 'the seal does not end with /'
  return undefined
}

function decodeDigest(bytes: Uint8Array, start: number, end: number): { value: SnapshotDigest; end: number } | undefined {
  if (end - start < digestTrailerLength - 4) return undefined
  const zxid = toZxid(longAt(bytes, start))
  const version = int32At(bytes, start + 8)
  if (version >= digestVersionOfLong) {
    if (end - start < digestTrailerLength) return undefined
    return { value: { zxid, version, digest: longAt(bytes, start + 12) }, end: start + digestTrailerLength }
  }
  const length = int32At(bytes, start + 12)
  if (length === -1) return { value: { zxid, version, digest: 0n, text: null }, end: start + 16 }
  if (length < 1 || length > 17 || length > end - start - 16) return undefined
  const text = String.fromCharCode(...bytes.subarray(start + 16, start + 16 + length))
  if (!/^-?[0-9a-f]{1,16}$/i.test(text)) return undefined
  const magnitude = BigInt(`0x${text.replace('-', '')}`)
  return { value: { zxid, version, digest: text.startsWith('-') ? -magnitude : magnitude, text }, end: start + 16 + length }
}

/** The bytes of a digest trailer, without its seal. */
export function encodeDigest(value: SnapshotDigest): Uint8Array {
  const writer = new JuteWriter()
  writer.writeLong(value.zxid)
  writer.writeInt(value.version)
  if (value.version >= digestVersionOfLong) writer.writeLong(value.digest)
  else writer.writeBuffer(value.text === null ? null : new TextEncoder().encode(value.text ?? value.digest.toString(16)))
  return writer.toBytes()
}

/** The bytes of a last-processed-zxid trailer, without its seal. */
export function encodeLastZxid(zxid: Zxid): Uint8Array {
  const writer = new JuteWriter()
  writer.writeLong(zxid)
  return writer.toBytes()
}

/** The bytes of a seal. @param adler sum of everything before it. */
export function encodeSeal(adler: number): Uint8Array {
  const writer = new JuteWriter()
  writer.writeInt(0)
  writer.writeInt(adler)
  writer.writeBuffer(Uint8Array.of(0x2f))
  return writer.toBytes()
}
