import { ZooArkError } from '../base/errors.ts'

declare const sessionIdBrand: unique symbol

/** A client session: a signed 64-bit value as in the files. */
export type SessionId = bigint & { readonly [sessionIdBrand]: true }

/** Brands a signed 64-bit value read from a file. */
export function toSessionId(value: bigint): SessionId {
  return BigInt.asIntN(64, value) as SessionId
}

/** Reads `0x` followed by 1 to 16 hexadecimal digits. @throws USAGE for anything else. */
export function parseSessionId(text: string): SessionId {
  if (!/^0x[0-9a-f]{1,16}$/i.test(text)) throw new ZooArkError('USAGE', `'${text}' is not a session id`)
  return toSessionId(BigInt(text))
}

/** `0x` and lower-case hexadecimal digits without leading zeros, as ZooKeeper logs it. */
export function formatSessionId(id: SessionId): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}
