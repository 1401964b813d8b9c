import { ZooArkError } from '../base/errors.ts'

/**
 * Transaction ids. This is the only file that knows how a zxid divides into epoch and counter
 * (ZooKeeper's `ZxidUtils`; ZOOKEEPER-2789 plans another split).
 */

declare const zxidBrand: unique symbol

/** A transaction id: a signed 64-bit value as in the files, ordered as a signed number, as ZooKeeper does. */
export type Zxid = bigint & { readonly [zxidBrand]: true }

const counterBits = 32n
const counterMask = (1n << counterBits) - 1n
const epochMax = (1n << (63n - counterBits)) - 1n
const zxidMax = (1n << 63n) - 1n

/** Zero: the state before the first transaction. */
export const zeroZxid = 0n as Zxid

/** Brands a signed 64-bit value read from a file. */
export function toZxid(value: bigint): Zxid {
  return BigInt.asIntN(64, value) as Zxid
}

/** Reads `0x` followed by 1 to 16 hexadecimal digits. @throws BAD_POINT for anything else, also above 0x7fffffffffffffff. */
export function parseZxid(text: string): Zxid {
  const value = /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : undefined
  if (value === undefined || value > zxidMax) throw new ZooArkError('BAD_POINT', `'${text}' is not a zxid`)
  return value as Zxid
}

/** `0x` and lower-case hexadecimal digits without leading zeros. */
export function formatZxid(zxid: Zxid): string {
  return `0x${BigInt.asUintN(64, zxid).toString(16)}`
}

export function epochOf(zxid: Zxid): bigint {
  return zxid >> counterBits
}

export function counterOf(zxid: Zxid): bigint {
  return zxid & counterMask
}

/** @throws USAGE when a part does not fit. */
export function makeZxid(epoch: bigint, counter: bigint): Zxid {
  if (epoch < 0n || epoch > epochMax || counter < 0n || counter > counterMask) {
    throw new ZooArkError('USAGE', `epoch ${epoch} and counter ${counter} do not fit in a zxid`)
  }
  return ((epoch << counterBits) | counter) as Zxid
}

/** The zxid with counter 0, which a new leader starts from; no transaction of the epoch has it. */
export function firstZxidOfEpoch(epoch: bigint): Zxid {
  return makeZxid(epoch, 0n)
}

/**
 * Whether `next` may come directly after `previous` in a complete log: the next counter, or the first transaction of a later epoch.
 * Counter 0 is accepted there, because a counter that runs over makes one.
 */
export function follows(previous: Zxid, next: Zxid): boolean {
  if (next === previous + 1n) return true
  return epochOf(next) > epochOf(previous) && counterOf(next) <= 1n
}
