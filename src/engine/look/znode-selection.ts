import { hashPath } from '../../archive/path-hash.ts'
import { type BlockMeta, mayTouch } from '../../archive/segment-format.ts'
import { int32At } from '../../jute/long.ts'
import { txnLayout, txnTypes } from '../../model/txn-layout.ts'
import type { Zxid } from '../../model/zxid.ts'
import { isWithin } from './state-view.ts'

/** `self`: the znode alone; `children`: and its children; `subtree`: and everything below. */
export type SelectionReach = 'self' | 'children' | 'subtree'

const slash = 0x2f
const typeAt = txnLayout.type

/** Which znodes a history is asked for, and the quick questions that keep it from decoding what has nothing to do with them. */
export class ZnodeSelection {
  /** As in snapshots: the root is empty. */
  readonly path: Uint8Array
  readonly reach: SelectionReach
  readonly #hash: number
  /** Transactions that are wanted whatever they touch. */
  readonly #zxids: readonly Zxid[]

  constructor(path: Uint8Array, reach: SelectionReach, options: { readonly zxids?: readonly Zxid[] } = {}) {
    this.path = path
    this.reach = reach
    this.#hash = hashPath(path)
    this.#zxids = options.zxids ?? []
  }

  includes(path: Uint8Array): boolean {
    if (!isWithin(path, 0, path.length, this.path)) return false
    if (this.reach === 'subtree' || path.length === this.path.length) return true
    return this.reach === 'children' && path.indexOf(slash, this.path.length + 1) < 0
  }

  /** Whether a stored block of transactions may tell something. @param owners sessions whose end would remove a selected znode */
  mayBeIn(meta: BlockMeta, owners: Iterable<bigint>): boolean {
    if (this.reach === 'subtree' || mayTouch(meta, this.#hash)) return true
    if (this.#zxids.some((zxid) => zxid >= meta.first && zxid <= meta.last)) return true
    for (const owner of owners) if (mayTouch(meta, hashOfSession(owner))) return true
    return false
  }

  /**
   * Hands out the transactions of a window that may tell something: those that hold the path anywhere in their bytes, and every end of a
   * session. One search through the window instead of one per transaction.
   */
  candidates(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, take: (start: number, end: number) => void): void {
    if (count === 0) return
    const needle = this.path.length === 0 ? rootInTxns : this.path
    const bytes = Buffer.from(window.buffer, window.byteOffset, window.byteLength)
    let hit = bytes.indexOf(needle, starts[0])
    for (let i = 0; i < count; i++) {
      const start = starts[i]
      const end = ends[i]
      if (hit >= 0 && hit < start) hit = bytes.indexOf(needle, start)
      const isHit = hit >= 0 && hit + needle.length <= end
      if (isHit || int32At(window, start + typeAt) === txnTypes.closeSession) take(start, end)
    }
  }
}

const rootInTxns = Uint8Array.of(slash)

function hashOfSession(id: bigint): number {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, id)
  return hashPath(bytes)
}
