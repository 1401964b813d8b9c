/**
 * Names of znodes against a pattern: `*` stands for any number of characters, `?` for one. Works on UTF-8 bytes without making a string
 * per znode. A pattern that begins with `/` is held against the whole path, where `*` crosses `/`.
 */
export class NamePattern {
  readonly matchesPath: boolean
  readonly #pattern: Uint8Array

  constructor(pattern: string) {
    this.matchesPath = pattern.startsWith('/')
    this.#pattern = new TextEncoder().encode(pattern)
  }

  /** Whether all of bytes[start..end) fits. Time is at most the product of both lengths. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const pattern = this.#pattern
    let at = start
    let p = 0
    let starP = -1
    let starAt = start
    while (at < end) {
      if (p < pattern.length && pattern[p] === star) {
        starP = p++
        starAt = at
      } else if (p < pattern.length && pattern[p] === question) {
        at = nextCharacter(bytes, at, end)
        p++
      } else if (p < pattern.length && pattern[p] === bytes[at]) {
        at++
        p++
      } else if (starP >= 0) {
        // The last star takes one more byte and the rest is tried again.
        starAt++
        at = starAt
        p = starP + 1
      } else {
        return false
      }
    }
    while (p < pattern.length && pattern[p] === star) p++
    return p === pattern.length
  }
}

const star = 0x2a
const question = 0x3f

function nextCharacter(bytes: Uint8Array, at: number, end: number): number {
  let next = at + 1
  while (next < end && (bytes[next] & 0xc0) === 0x80) next++
  return next
}
