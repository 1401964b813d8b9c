import { highOf, lowOf } from '../jute/long.ts'
import { toSessionId, type SessionId } from './session-id.ts'

/**
 * What the field `ephemeralOwner` of a stat means (ZooKeeper: `EphemeralType`, `EphemeralTypeEmulate353`).
 *
 * | Value | Meaning |
 * |---|---|
 * | 0 | persistent |
 * | 0x8000000000000000 | container |
 * | 0xff, two bytes 0, five bytes ms | TTL, where extended types are on |
 * | any other negative value | TTL of 3.5.3, where that is emulated |
 * | else | session id of an ephemeral |
 */

/**
 * How the server was configured; the bytes do not say.
 * `plain`: `zookeeper.extendedTypesEnabled` off; `extended`: on; `emulate353`: on with `zookeeper.emulate353TTLNodes`.
 */
export type OwnerRules = 'plain' | 'extended' | 'emulate353'

/** `reserved`: an extended type that no server up to 3.9 knows; a server refuses it. */
export type OwnerKind = 'persistent' | 'session' | 'container' | 'ttl' | 'reserved'

export type EphemeralOwner =
  | { readonly kind: 'persistent' }
  | { readonly kind: 'container' }
  | { readonly kind: 'session'; readonly sessionId: SessionId }
  | { readonly kind: 'ttl'; readonly ttlMs: bigint }
  | { readonly kind: 'reserved'; readonly owner: bigint }

/** The owner of a container, in halves. */
export const containerOwnerHi = -0x80000000
export const containerOwnerLo = 0
export const containerOwner = -(1n << 63n)

const ttlMask = -(1n << 56n)
const ttlMsMax = (1n << 40n) - 1n
const ttl353Mask = -(1n << 63n)
const ttl353MsMax = (1n << 60n) - 1n

/** The kind of an owner in halves; makes nothing, for bulk paths. */
export function ownerKindOf(hi: number, lo: number, rules: OwnerRules): OwnerKind {
  if (hi === 0 && lo === 0) return 'persistent'
  if (hi >= 0) return 'session'
  if (hi === containerOwnerHi && lo === containerOwnerLo) return 'container'
  if (rules === 'plain') return 'session'
  if (rules === 'emulate353') return 'ttl'
  if (hi >>> 24 !== 0xff) return 'session'
  return ((hi >>> 8) & 0xffff) === 0 ? 'ttl' : 'reserved'
}

/** The meaning of an owner, for people. */
export function interpretOwner(owner: bigint, rules: OwnerRules): EphemeralOwner {
  const value = BigInt.asIntN(64, owner)
  const kind = ownerKindOf(highOf(value), lowOf(value), rules)
  switch (kind) {
    case 'session':
      return { kind, sessionId: toSessionId(value) }
    case 'ttl':
      return { kind, ttlMs: BigInt.asUintN(64, value) >> 56n === 0xffn ? value & ttlMsMax : value & ttl353MsMax }
    case 'reserved':
      return { kind, owner: value }
    default:
      return { kind }
  }
}

/** Whether a server takes this TTL; it must be more than 0 and fit its field. */
export function isValidTtl(ttlMs: bigint, rules: Exclude<OwnerRules, 'plain'>): boolean {
  return ttlMs > 0n && ttlMs <= (rules === 'extended' ? ttlMsMax : ttl353MsMax)
}

/** The owner value of a TTL node, signed. The caller has checked the TTL with `isValidTtl`. */
export function ttlOwner(ttlMs: bigint, rules: Exclude<OwnerRules, 'plain'>): bigint {
  return (rules === 'extended' ? ttlMask : ttl353Mask) | ttlMs
}
