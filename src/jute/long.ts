/**
 * 64-bit values as pairs of signed 32-bit numbers, for bulk paths that must not make a bigint per value.
 * Everything in ZooKeeper's files is big-endian.
 */

/** Signed 32-bit value at `offset`; the caller has checked that four bytes are there. */
export function int32At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3]
}

/** Stores the low 32 bits of `value` big-endian. */
export function putInt32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}

/** Signed 64-bit value of a pair. */
export function joinLong(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

/** High half of the low 64 bits of `value`, as a signed 32-bit number. */
export function highOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n))
}

/** Low half of `value`, as a signed 32-bit number. */
export function lowOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}

/** Signed 64-bit value at `offset`; the caller has checked that eight bytes are there. */
export function longAt(bytes: Uint8Array, offset: number): bigint {
  return joinLong(int32At(bytes, offset), int32At(bytes, offset + 4))
}

/** Stores the low 64 bits of `value` big-endian. */
export function putLong(bytes: Uint8Array, offset: number, value: bigint): void {
  putInt32(bytes, offset, highOf(value))
  putInt32(bytes, offset + 4, lowOf(value))
}

/** Order of two signed 64-bit values in halves: below, at or above zero. */
export function compareLong(aHi: number, aLo: number, bHi: number, bLo: number): number {
  if (aHi !== bHi) return aHi < bHi ? -1 : 1
  const a = aLo >>> 0
  const b = bLo >>> 0
  return a === b ? 0 : a < b ? -1 : 1
}
