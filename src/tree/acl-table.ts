import { int32At, joinLong } from '../jute/long.ts'

/**
 * ACL lists by key, as jute vectors, verbatim (ZooKeeper: `ReferenceCountedACLCache`).
 *
 * Usage is not counted: lists that nothing refers to stay until the tree is gone, as they do in a server's snapshot between two loads.
 * A new list gets a key above every key of the table *and of the znodes*: a fuzzy snapshot may hold znodes whose key is not in its
 * table, and such a znode must never come to mean a list that it never had.
 */
export class AclTable {
  readonly #lists: Uint8Array[] = []
  readonly #keyHi: number[] = []
  readonly #keyLo: number[] = []
  /** Next entry with the same hash, or with the same low half of the key; -1 ends. */
  readonly #nextOfHash: number[] = []
  readonly #nextOfKey: number[] = []
  readonly #byHash = new Map<number, number>()
  readonly #byKey = new Map<number, number>()
  #last = -1
  #topHi = 0
  #topLo = 0

  /** The key that the last `intern` gave. */
  keyHi = 0
  keyLo = 0

  get count(): number {
    return this.#lists.length
  }

  /** Takes over a list with its key. A key that is there already gets the new list, as in the server's map. */
  add(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.#append(keyHi, keyLo, bytes.slice(start, end))
    this.noteKey(keyHi, keyLo)
  }

  /** Makes sure that no new list gets this key. */
  noteKey(keyHi: number, keyLo: number): void {
    if (keyHi > this.#topHi || (keyHi === this.#topHi && keyLo >>> 0 > this.#topLo >>> 0)) {
      this.#topHi = keyHi
      this.#topLo = keyLo
    }
  }

  /** Finds or adds the list bytes[start..end); `keyHi` and `keyLo` tell its key. A null vector is the open ACL, key -1. */
  intern(bytes: Uint8Array, start: number, end: number): void {
    let entry = this.#last
    if (entry < 0 || !this.#equals(entry, bytes, start, end)) {
      if (int32At(bytes, start) === -1) {
        this.keyHi = -1
        this.keyLo = -1
        return
      }
      entry = this.#find(bytes, start, end)
      if (entry < 0) entry = this.#create(bytes.slice(start, end))
      this.#last = entry
    }
    this.keyHi = this.#keyHi[entry]
    this.keyLo = this.#keyLo[entry]
  }

  /** The list of a key; undefined when the key is dangling. */
  get(keyHi: number, keyLo: number): Uint8Array | undefined {
    if (keyHi === -1 && keyLo === -1) return openAclVector
    const entry = this.#entryOf(keyHi, keyLo)
    return entry < 0 ? undefined : this.#lists[entry]
  }

  /** Finds out which lists are in use: mark every key until all are marked, then ask for the entries. */
  marks(): AclMarks {
    const used = new Uint8Array(this.#lists.length)
    let left = used.length
    let lastHi = -1
    let lastLo = -1
    const mark = (keyHi: number, keyLo: number): boolean => {
      // Neighbours mostly have the same list.
      if (keyHi === lastHi && keyLo === lastLo) return left > 0
      lastHi = keyHi
      lastLo = keyLo
      const entry = this.#entryOf(keyHi, keyLo)
      if (entry >= 0 && used[entry] === 0) {
        used[entry] = 1
        left--
      }
      return left > 0
    }
    const entries = (): { readonly key: bigint; readonly bytes: Uint8Array }[] =>
      this.#lists
        .map((bytes, entry) => ({ key: joinLong(this.#keyHi[entry], this.#keyLo[entry]), bytes }))
        .filter((_, entry) => used[entry] === 1)
        .sort((a, b) => (a.key < b.key ? -1 : 1))
    return { mark, entries }
  }

  #entryOf(keyHi: number, keyLo: number): number {
    if (keyHi === -1 && keyLo === -1) return -1
    let entry = this.#byKey.get(keyLo) ?? -1
    while (entry >= 0 && this.#keyHi[entry] !== keyHi) entry = this.#nextOfKey[entry]
    return entry
  }

  #create(list: Uint8Array): number {
    this.#topLo = (this.#topLo + 1) | 0
    if (this.#topLo === 0) this.#topHi = (this.#topHi + 1) | 0
    return this.#append(this.#topHi, this.#topLo, list)
  }

  #append(keyHi: number, keyLo: number, list: Uint8Array): number {
    const entry = this.#lists.length
    const hash = hashBytes(list, 0, list.length)
    this.#lists.push(list)
    this.#keyHi.push(keyHi)
    this.#keyLo.push(keyLo)
    this.#nextOfHash.push(this.#byHash.get(hash) ?? -1)
    this.#nextOfKey.push(this.#byKey.get(keyLo) ?? -1)
    this.#byHash.set(hash, entry)
    this.#byKey.set(keyLo, entry)
    return entry
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    let entry = this.#byHash.get(hashBytes(bytes, start, end)) ?? -1
    while (entry >= 0 && !this.#equals(entry, bytes, start, end)) entry = this.#nextOfHash[entry]
    return entry
  }

  #equals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const list = this.#lists[entry]
    if (list.length !== end - start) return false
    for (let i = 0; i < list.length; i++) if (list[i] !== bytes[start + i]) return false
    return true
  }
}

export interface AclMarks {
  /** @returns false once every list is marked, so that no further key can matter */
  mark(keyHi: number, keyLo: number): boolean
  /** The marked lists, by rising key. */
  entries(): { readonly key: bigint; readonly bytes: Uint8Array }[]
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  return hash
}

/** One entry: these perms for world:anyone, as a jute vector. */
export function worldAclVector(perms: number): Uint8Array {
  const world = new TextEncoder().encode('world')
  const anyone = new TextEncoder().encode('anyone')
  const vector = new Uint8Array(27)
  vector[3] = 1
  vector[7] = perms
  vector[11] = world.length
  vector.set(world, 12)
  vector[20] = anyone.length
  vector.set(anyone, 21)
  return vector
}

/** What the key -1 stands for: world:anyone:cdrwa. */
export const openAclVector = worldAclVector(31)
/** What a server puts on /zookeeper/config: world:anyone:r. */
export const readAclVector = worldAclVector(1)
