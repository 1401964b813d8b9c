import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareTreeOrder, encodePath, formatPath, isValidPathBytes, parentEnd, pathFault } from './znode-path.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('compareTreeOrder', () => {
  it('puts a znode before its subtree, and its subtree before siblings whose names go on', () => {
    const ordered = ['', '/a', '/a/b', '/a/b/c', '/a/z', '/a!', '/a-b', '/a-b/c', '/aa', '/b', '/é']
    const shuffled = ordered.toReversed().map(utf8)
    expect(shuffled.toSorted(compareTreeOrder).map((bytes) => new TextDecoder().decode(bytes))).toEqual(ordered)
  })

  it('equals the order of the lists of names, compared name by name', () => {
    const name = fc.stringMatching(/^[!a-c.-]{1,3}$/)
    const path = fc.array(name, { maxLength: 4 }).map((names) => names.map((each) => `/${each}`).join(''))
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(Math.sign(compareTreeOrder(utf8(a), utf8(b)))).toBe(Math.sign(compareNames(a, b)))
      }),
    )
  })
})

function compareNames(a: string, b: string): number {
  const left = a.split('/')
  const right = b.split('/')
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1
  }
  return left.length - right.length
}

describe('pathFault', () => {
  it.each(['/', '/a', '/a/b', '/a.b', '/...', '/.a', '/a..', '/中文', '/a b', '/\u00a0', '/\ud7ff', '/\uf900', '/\uffef'])(
    'accepts %j',
    (path) => {
      expect(pathFault(path)).toBeUndefined()
    },
  )

  it.each([
    '',
    'a',
    '//',
    '/a/',
    '/a//b',
    '/.',
    '/..',
    '/a/./b',
    '/a/../b',
    '/a/..',
    '/\u0000',
    '/\u0001',
    '/\u001f',
    '/\u007f',
    '/\u009f',
    '/\ud83d\ude00',
    '/\ue000',
    '/\uf8ff',
    '/\ufff0',
    '/\uffff',
  ])('refuses %j as ZooKeeper does', (path) => {
    expect(pathFault(path)).toBeDefined()
  })
})

describe('paths as bytes', () => {
  it('are empty for the root, and UTF-8 for the others', () => {
    expect(encodePath('/')).toEqual(new Uint8Array(0))
    expect(encodePath('/é')).toEqual(Uint8Array.of(0x2f, 0xc3, 0xa9))
    expect(formatPath(new Uint8Array(0))).toBe('/')
    expect(formatPath(encodePath('/a/中'))).toBe('/a/中')
    expect(() => encodePath('/a/')).toThrow(expect.objectContaining({ code: 'BAD_PATH' }))
  })

  it('that are not UTF-8 are shown byte by byte, and are no valid path', () => {
    const bytes = Uint8Array.of(0x2f, 0x61, 0xff)
    expect(formatPath(bytes)).toBe('/a\\xff')
    expect(isValidPathBytes(bytes)).toBe(false)
    expect(isValidPathBytes(utf8('/a'))).toBe(true)
    expect(isValidPathBytes(utf8('/a/'))).toBe(false)
  })

  it('end their parent at the last slash', () => {
    const bytes = utf8('xx/a/bc')
    expect(parentEnd(bytes, 2, bytes.length)).toBe(4)
    expect(parentEnd(bytes, 2, 4)).toBe(2)
    expect(parentEnd(bytes, 2, 2)).toBe(-1)
  })
})
