/**
 * The hash of a znode path that cuts leaves and nodes of the state tree and fills the path filters of txn blocks
 * (docs/formats/archive.md, "Path hash"): FNV-1a of 32 bits over the path bytes, then the finaliser of MurmurHash3. It is part of
 * the format: another hash would move every boundary, and with it every root.
 */

const fnvOffset = 0x811c9dc5 | 0
const fnvPrime = 0x01000193

/** Mixes the bits of an FNV value so that its low bits depend on all of the path. Unsigned result. */
export function finishPathHash(fnv: number): number {
  let h = fnv
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Hash of bytes[start..end), unsigned. The root is the empty path. */
export function hashPath(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let fnv = fnvOffset
  for (let i = start; i < end; i++) fnv = Math.imul(fnv ^ bytes[i], fnvPrime)
  return finishPathHash(fnv)
}

/** Hashes of paths in tree order: only the bytes that differ from the path before are hashed again. */
export class RunningPathHash {
  /** states[i] is the FNV value of the first i bytes of the last path. */
  #states = new Int32Array(1024).fill(fnvOffset, 0, 1)

  /** Hash of the path bytes[start..end), whose first `shared` bytes equal those of the path hashed before (0 for the first). */
  next(bytes: Uint8Array, start: number, end: number, shared: number): number {
    const length = end - start
    if (length >= this.#states.length) this.#grow(length)
    const states = this.#states
    let fnv = states[shared]
    for (let i = shared; i < length; i++) {
      fnv = Math.imul(fnv ^ bytes[start + i], fnvPrime)
      states[i + 1] = fnv
    }
    return finishPathHash(fnv)
  }

  #grow(length: number): void {
    const grown = new Int32Array(length * 2)
    grown.set(this.#states)
    this.#states = grown
  }
}
