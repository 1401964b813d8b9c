import { describe, expect, it } from 'vitest'
import { highOf, lowOf } from '../jute/long.ts'
import { containerOwner, interpretOwner, isValidTtl, ownerKindOf, ttlOwner } from './ephemeral-owner.ts'

// The values stand in ZooKeeper's own tests (EphemeralTypeTest, Emulate353TTLTest) and in the 3.5.3 sources.
describe('ephemeralOwner', () => {
  it.each([
    [0n, 'persistent', 'persistent', 'persistent'],
    [0x0100001abdde0006n, 'session', 'session', 'session'],
    [-(2n ** 63n), 'container', 'container', 'container'],
    [BigInt.asIntN(64, 0xff00000000000001n), 'session', 'ttl', 'ttl'],
    [BigInt.asIntN(64, 0xff000000ffffffffn), 'session', 'ttl', 'ttl'],
    [BigInt.asIntN(64, 0xff00010000000001n), 'session', 'reserved', 'ttl'],
    [BigInt.asIntN(64, 0x80000000000003e8n), 'session', 'session', 'ttl'],
    [BigInt.asIntN(64, 0xfe0000000000abcdn), 'session', 'session', 'ttl'],
  ] as const)('%s is %s, %s or %s, by how the server was configured', (owner, plain, extended, emulated) => {
    const kinds = (['plain', 'extended', 'emulate353'] as const).map((rules) => {
      expect(interpretOwner(owner, rules).kind).toBe(ownerKindOf(highOf(owner), lowOf(owner), rules))
      return interpretOwner(owner, rules).kind
    })
    expect(kinds).toEqual([plain, extended, emulated])
  })

  it('holds the TTL in ms', () => {
    expect(interpretOwner(BigInt.asIntN(64, 0xff00000000002710n), 'extended')).toEqual({ kind: 'ttl', ttlMs: 10_000n })
    expect(interpretOwner(BigInt.asIntN(64, 0x80000000000003e8n), 'emulate353')).toEqual({ kind: 'ttl', ttlMs: 1000n })
    expect(interpretOwner(BigInt.asIntN(64, 0xff00000000002710n), 'emulate353')).toEqual({ kind: 'ttl', ttlMs: 10_000n })
    expect(BigInt.asUintN(64, ttlOwner(10_000n, 'extended'))).toBe(0xff00000000002710n)
    expect(BigInt.asUintN(64, ttlOwner(1000n, 'emulate353'))).toBe(0x80000000000003e8n)
  })

  it('takes only TTLs that fit', () => {
    expect(isValidTtl(0n, 'extended')).toBe(false)
    expect(isValidTtl(2n ** 40n - 1n, 'extended')).toBe(true)
    expect(isValidTtl(2n ** 40n, 'extended')).toBe(false)
    expect(isValidTtl(2n ** 60n - 1n, 'emulate353')).toBe(true)
    expect(isValidTtl(2n ** 60n, 'emulate353')).toBe(false)
  })

  it('of a container is the smallest long', () => {
    expect(containerOwner).toBe(-(2n ** 63n))
  })
})
