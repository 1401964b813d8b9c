import { ZooArkError } from '../base/errors.ts'

/**
 * Hash table from path to node index: open addressing with linear probing, 8 bytes a slot (node index + 1, hash).
 *
 * The place of a hash is its upper part, so that the table keeps the order of the hashes: growing copies from front to back without
 * looking at a path, and sizes need not be powers of two. Deletion shifts back, so that there are no tombstones to sweep.
 * Two paths with one hash are told apart by the caller, who owns the bytes.
 */
export class PathIndex {
  /** Pairs (node index + 1, hash); 0 is an empty slot. */
  slots: Int32Array
  /** Number of slots. */
  size: number
  #count = 0
  #scale: number

  constructor(expectedCount = 0) {
    this.size = Math.max(slotsMin, Math.ceil(expectedCount / loadMax) + 1)
    this.slots = new Int32Array(2 * this.size)
    this.#scale = this.size / hashRange
  }

  get count(): number {
    return this.#count
  }

  /** The slot where probing for `hash` begins. */
  home(hash: number): number {
    return ((hash >>> 0) * this.#scale) | 0
  }

  /** Adds a pair that is not there yet. */
  insert(node: number, hash: number): void {
    if (this.#count >= this.size * loadMax) this.#resize(Math.ceil(this.size * growth))
    this.#place(node + 1, hash)
    this.#count++
  }

  /** Makes room for so many pairs in all. */
  reserve(count: number): void {
    const wanted = Math.ceil(count / loadMax) + 1
    if (wanted > this.size) this.#resize(wanted)
  }

  /** Removes the pair of this node. @throws BUG when it is not there */
  remove(node: number, hash: number): void {
    const { slots, size } = this
    let hole = this.home(hash)
    while (slots[2 * hole] !== node + 1) {
      if (slots[2 * hole] === 0) throw new ZooArkError('BUG', 'a znode is missing from the path index')
      hole = hole + 1 === size ? 0 : hole + 1
    }
    this.#count--
    // Backward shift: pull every later pair of the run forward that may stand before its present place.
    let next = hole
    for (;;) {
      next = next + 1 === size ? 0 : next + 1
      if (slots[2 * next] === 0) break
      const home = this.home(slots[2 * next + 1])
      const stays = hole <= next ? home > hole && home <= next : home > hole || home <= next
      if (stays) continue
      slots[2 * hole] = slots[2 * next]
      slots[2 * hole + 1] = slots[2 * next + 1]
      hole = next
    }
    slots[2 * hole] = 0
  }

  #place(stored: number, hash: number): void {
    const { slots, size } = this
    let at = this.home(hash)
    while (slots[2 * at] !== 0) at = at + 1 === size ? 0 : at + 1
    slots[2 * at] = stored
    slots[2 * at + 1] = hash
  }

  #resize(size: number): void {
    const old = this.slots
    const oldSize = this.size
    this.size = size
    this.slots = new Int32Array(2 * this.size)
    this.#scale = this.size / hashRange
    for (let at = 0; at < oldSize; at++) {
      if (old[2 * at] !== 0) this.#place(old[2 * at], old[2 * at + 1])
    }
  }
}

const slotsMin = 64
const loadMax = 0.75
/** Small, since growing is one pass over memory and empty slots are most of what a znode costs. */
const growth = 1.25
const hashRange = 2 ** 32
const slash = 0x2f

/** What `hashPath` found beside the hash of the whole path; valid until its next call. */
export const pathHashOf = {
  /** Hash of the parent's path. */
  parent: 0,
  /** Offset of the last slash, where the parent's path ends; -1 when there is none. */
  lastSlash: -1,
}

/**
 * Hash of a path and of its parent in one pass: four bytes at a time as FNV-1a takes one, then mixed so that the upper bits are good.
 * The seed makes collisions hard to prepare for somebody who does not know it; it never changes a result, only the time.
 */
export function hashPath(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let lastSlash = end - 1
  while (lastSlash >= start && bytes[lastSlash] !== slash) lastSlash--
  if (lastSlash < start) lastSlash = -1
  pathHashOf.lastSlash = lastSlash
  let hash = seed
  let at = start
  if (lastSlash >= 0) {
    for (; at + 4 <= lastSlash; at += 4)
      hash = mixWord(hash, bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24))
    pathHashOf.parent = finish(hash, bytes, at, lastSlash)
  }
  for (; at + 4 <= end; at += 4) hash = mixWord(hash, bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24))
  return finish(hash, bytes, at, end)
}

function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

/** Takes in the last bytes, fewer than four, with their number. */
function finish(hash: number, bytes: Uint8Array, start: number, end: number): number {
  let word = (end - start) << 24
  for (let i = start; i < end; i++) word |= bytes[i] << ((i - start) << 3)
  let mixed = mixWord(hash, word)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
