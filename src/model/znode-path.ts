import { ZooArkError } from '../base/errors.ts'

/**
 * Paths of znodes. As bytes (in files and on bulk paths) the root is the empty path in snapshots and `/` in transactions;
 * as text (for people) it is always `/`.
 */

const slash = 0x2f

/**
 * Canonical order of paths: bytewise, but `/` sorts below every other byte, so that a znode comes directly before its subtree
 * and subtrees are contiguous. The root is the empty path.
 */
export function compareTreeOrder(a: Uint8Array, b: Uint8Array): number {
  return compareTreeOrderAt(a, 0, a.length, b, 0, b.length)
}

/** As `compareTreeOrder`, of spans. */
export function compareTreeOrderAt(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const common = aLength < bLength ? aLength : bLength
  for (let i = 0; i < common; i++) {
    const x = a[aStart + i]
    const y = b[bStart + i]
    if (x === y) continue
    if (x === slash) return -1
    if (y === slash) return 1
    return x < y ? -1 : 1
  }
  return aLength === bLength ? 0 : aLength < bLength ? -1 : 1
}

/** Where the path of the parent ends: the offset of the last `/`, or -1 when there is none (the root has no parent). */
export function parentEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) if (bytes[i] === slash) return i
  return -1
}

/**
 * Why ZooKeeper would refuse `path` (its `PathUtils.validatePath`), or undefined when it is valid.
 * Characters are UTF-16 units, as in Java.
 */
export function pathFault(path: string): string | undefined {
  if (path.length === 0) return 'it is empty'
  if (path.charCodeAt(0) !== slash) return 'it does not start with /'
  if (path.length === 1) return undefined
  if (path.charCodeAt(path.length - 1) === slash) return 'it ends with /'
  let nameStart = 1
  for (let i = 1; i <= path.length; i++) {
    const unit = i === path.length ? slash : path.charCodeAt(i)
    if (unit === slash) {
      const name = path.slice(nameStart, i)
      if (name === '') return `it has an empty name at ${i}`
      if (name === '.' || name === '..') return `it has a relative name at ${nameStart}`
      nameStart = i + 1
    } else if (isForbidden(unit)) {
      return `it has a forbidden character at ${i}`
    }
  }
  return undefined
}

function isForbidden(unit: number): boolean {
  if (unit <= 0x1f) return true
  return (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}

/** Bytes of a valid path as they stand in a snapshot: the root becomes the empty path. @throws BAD_PATH with the reason. */
export function encodePath(path: string): Uint8Array {
  const fault = pathFault(path)
  if (fault !== undefined) throw new ZooArkError('BAD_PATH', `'${path}' is not a znode path: ${fault}`)
  return path === '/' ? new Uint8Array(0) : new TextEncoder().encode(path)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of path bytes, for people: the root is `/`; where the bytes are not UTF-8, each byte above 0x7e stands as `\xNN`. */
export function formatPath(bytes: Uint8Array): string {
  return bytes.length === 0 ? '/' : formatText(bytes)
}

/** Text of bytes that ought to be UTF-8; where they are not, each byte above 0x7e stands as `\xNN`. */
export function formatText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return Array.from(bytes, (byte) => (byte > 0x7e ? `\\x${byte.toString(16)}` : String.fromCharCode(byte))).join('')
  }
}

/** Whether bytes are a path that ZooKeeper would accept from a client (or the empty root of a snapshot). */
export function isValidPathBytes(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true
  try {
    return pathFault(strictUtf8.decode(bytes)) === undefined
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return false
  }
}
