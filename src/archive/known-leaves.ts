import type { ConfigRecord } from './config-znode.ts'
import type { ChildEntry } from './tree-nodes.ts'

/** What a tree that can tell what changed offers; see `DataTree`. */
export interface TouchNotes {
  noteTouches(): number
  readonly touchNotes: number
  isTouched(index: number): boolean
}

/** A leaf as it was written from a tree. */
export interface KnownLeaf {
  readonly entry: ChildEntry
  /** Hash of its last path. */
  readonly hash: number
  /** Whether it ends where it does whatever comes after it; else because nothing came. */
  readonly end: 'cut' | 'last'
  /** Where it holds `/zookeeper/config`. */
  readonly config: ConfigRecord | undefined
}

/**
 * The leaves that were last written from a tree. A leaf of the same znodes, none of which was touched since, has the same bytes: it need not
 * be encoded and hashed again. So a second point of a tree costs what changed, beside one look at the order of the znodes.
 */
export class KnownLeaves {
  readonly #notes: number
  /** Node indices in tree order, and in it where each leaf begins. */
  readonly #order: Uint32Array
  readonly #starts: Uint32Array
  readonly #leaves: readonly KnownLeaf[]
  /** The leaf expected next: mostly the one after the last one found. */
  #next = 0
  #leafOfFirst: Map<number, number> | undefined

  constructor(notes: number, order: Uint32Array, starts: readonly number[], leaves: readonly KnownLeaf[]) {
    this.#notes = notes
    this.#order = order
    this.#starts = Uint32Array.from([...starts, order.length])
    this.#leaves = leaves
  }

  /** Whether the notes of the tree are still those that these leaves began. */
  holdsFor(tree: TouchNotes): boolean {
    return tree.touchNotes === this.#notes
  }

  /** The leaf that stands in `order` from `at` on just as it was; `at` is where a leaf begins. */
  find(tree: TouchNotes, order: Uint32Array, at: number): KnownLeaf | undefined {
    const found = this.#beginningWith(order[at])
    if (found === undefined) return undefined
    const start = this.#starts[found]
    const length = this.#starts[found + 1] - start
    const leaf = this.#leaves[found]
    if (at + length > order.length || (leaf.end === 'last' && at + length < order.length)) return undefined
    for (let i = 0; i < length; i++) {
      const index = order[at + i]
      if (index !== this.#order[start + i] || tree.isTouched(index)) return undefined
    }
    this.#next = found + 1
    return leaf
  }

  #beginningWith(index: number): number | undefined {
    if (this.#next < this.#leaves.length && this.#order[this.#starts[this.#next]] === index) return this.#next
    this.#leafOfFirst ??= new Map(this.#leaves.map((_, leaf) => [this.#order[this.#starts[leaf]], leaf]))
    return this.#leafOfFirst.get(index)
  }
}
