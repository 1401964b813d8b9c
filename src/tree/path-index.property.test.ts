import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PathIndex, hashPath, pathHashOf } from './path-index.ts'

/** Looks a pair up by probing, as NodeStore does. */
function holds(index: PathIndex, node: number, hash: number): boolean {
  for (let at = index.home(hash), seen = 0; index.slots[2 * at] !== 0; at = at + 1 === index.size ? 0 : at + 1, seen++) {
    if (seen > index.size) throw new Error('a table without an empty slot')
    if (index.slots[2 * at] === node + 1) return index.slots[2 * at + 1] === hash
  }
  return false
}

describe('PathIndex', () => {
  it('holds exactly what was inserted and not removed, also when all hashes are near each other or wrap around the end', () => {
    const hash = fc.oneof(fc.constantFrom(-1, -2, -3, 0, 1, 0x7fffffff, -0x80000000), fc.integer())
    const step = fc.record({ kind: fc.constantFrom('insert', 'insert', 'remove'), hash, pick: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const index = new PathIndex()
        const live = new Map<number, number>()
        steps.forEach((each, node) => {
          if (each.kind === 'insert') {
            index.insert(node, each.hash)
            live.set(node, each.hash)
          } else if (live.size > 0) {
            const [gone, itsHash] = [...live][each.pick % live.size]
            index.remove(gone, itsHash)
            live.delete(gone)
            expect(holds(index, gone, itsHash)).toBe(false)
          }
        })
        expect(index.count).toBe(live.size)
        for (const [node, itsHash] of live) expect(holds(index, node, itsHash)).toBe(true)
      }),
    )
  })

  it('refuses to remove what is not there', () => {
    const index = new PathIndex()
    index.insert(1, 5)
    expect(() => index.remove(2, 5)).toThrow('missing from the path index')
  })

  it('stays below three quarters full while it grows to a hundred thousand', () => {
    const index = new PathIndex()
    for (let node = 0; node < 100_000; node++) index.insert(node, Math.imul(node, 0x9e3779b1))
    expect(index.count / index.size).toBeLessThanOrEqual(0.75)
    expect(index.count / index.size).toBeGreaterThan(0.5)
    for (let node = 0; node < 100_000; node += 997) expect(holds(index, node, Math.imul(node, 0x9e3779b1))).toBe(true)
  })
})

describe('hashPath', () => {
  const path = fc.array(
    fc.string({ minLength: 1, maxLength: 9 }).map((name) => name.replaceAll('/', '_')),
    { minLength: 1, maxLength: 5 },
  )

  it('gives a path the same hash as itself, as the parent of another, and at any place in a window', () => {
    fc.assert(
      fc.property(path, fc.string({ maxLength: 9 }), fc.nat(7), fc.integer(), (names, child, shift, seed) => {
        const parent = new TextEncoder().encode(`/${names.join('/')}`)
        const whole = new TextEncoder().encode(`/${names.join('/')}/${child.replaceAll('/', '_')}`)
        const window = new Uint8Array(shift + whole.length + 3).fill(0x2f)
        window.set(whole, shift)
        const alone = hashPath(parent, 0, parent.length, seed)
        const hash = hashPath(window, shift, shift + whole.length, seed)
        expect([pathHashOf.parent, pathHashOf.lastSlash]).toEqual([alone, shift + parent.length])
        expect(hashPath(whole, 0, whole.length, seed)).toBe(hash)
      }),
    )
  })

  it('of the root is that of the empty path, as a parent too', () => {
    const root = hashPath(new Uint8Array(0), 0, 0, 7)
    expect(pathHashOf.lastSlash).toBe(-1)
    hashPath(Uint8Array.of(0x2f, 0x61), 0, 2, 7)
    expect([pathHashOf.parent, pathHashOf.lastSlash]).toEqual([root, 0])
  })

  it('spreads a million sequential names over the table', () => {
    const buckets = new Uint32Array(1024)
    const bytes = new TextEncoder().encode('/locks/lock-0000000000')
    for (let i = 0; i < 1_000_000; i++) {
      for (let place = bytes.length - 1, rest = i; place > bytes.length - 8; place--, rest = Math.trunc(rest / 10))
        bytes[place] = 0x30 + (rest % 10)
      buckets[hashPath(bytes, 0, bytes.length, 1) >>> 22]++
    }
    expect(Math.max(...buckets)).toBeLessThan(1300)
    expect(Math.min(...buckets)).toBeGreaterThan(700)
  })
})
