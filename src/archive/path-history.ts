import { equalBytes } from '../base/bytes.ts'
import { highOf, lowOf, putInt32 } from '../jute/long.ts'
import { interpretOwner, type OwnerRules } from '../model/ephemeral-owner.ts'
import { txnLayout } from '../model/txn-layout.ts'
import type { SimpleTxn, UnknownTxn } from '../model/txn-multi.ts'
import { decodeTxn, type Txn } from '../model/txn.ts'
import type { Zxid } from '../model/zxid.ts'
import { hashPath } from './path-hash.ts'
import { mayTouch } from './segment-format.ts'
import { openSegment, type BlobSource, type OpenSegment } from './segment-reader.ts'
import type { StoredSegment } from './segment-writer.ts'

/** What one txn did to one znode. */
export interface PathChange {
  readonly zxid: Zxid
  readonly timeMs: bigint
  readonly sessionId: bigint
  readonly effect: 'created' | 'deleted' | 'deleted-with-session' | 'data-set' | 'acl-set'
  /** The txn, decoded; views on the block that holds it. */
  readonly txn: Txn
  /** The part of a multi, or the record of the txn itself. */
  readonly record: SimpleTxn | UnknownTxn
}

/** What is known of a znode before the first txn: 0 for no session, undefined when there is no such znode. */
export type ZnodeOwner = bigint | undefined

/**
 * Every change of exactly one znode by the txns in (after, through] of a chain of segments, in order. Decodes only blocks whose filter
 * says that they may touch it, or may end the session that owns it.
 * @param ownerBefore `ephemeralOwner` of the znode in the state at `after`
 */
export async function* readPathChanges(
  source: BlobSource,
  segments: readonly StoredSegment[],
  range: { readonly after: Zxid; readonly through: Zxid },
  path: Uint8Array,
  ownerBefore: ZnodeOwner,
): AsyncIterable<PathChange> {
  const follower = new PathFollower(path, ownerBefore)
  for (const segment of segments) {
    if (segment.last <= range.after || segment.first > range.through) continue
    const open = await openSegment(source, segment)
    for (let block = 0; block < open.metas.length; block++) {
      const meta = open.metas[block]
      if (meta.last <= range.after || meta.first > range.through) continue
      if (mayTouch(meta, follower.pathHash) || (follower.sessionHash !== undefined && mayTouch(meta, follower.sessionHash))) {
        yield* await changesOfBlock(open, block, range, follower)
      }
    }
  }
}

async function changesOfBlock(
  open: OpenSegment,
  block: number,
  range: { after: Zxid; through: Zxid },
  follower: PathFollower,
): Promise<PathChange[]> {
  const changes: PathChange[] = []
  await open.read(block, block + 1, range, {
    txns(window, starts, ends, count) {
      for (let i = 0; i < count; i++) {
        // Most txns of a block touch something else: only what names the path or ends its session is decoded.
        if (follower.mayConcern(window, starts[i], ends[i])) follower.follow(decodeTxn(window, starts[i], ends[i]), changes)
      }
    },
  })
  return changes
}

/** Follows one znode through txns: who owns it now, and what becomes of it. */
class PathFollower {
  readonly pathHash: number
  /** Of the session that owns the znode; undefined when none does. */
  sessionHash: number | undefined
  /** As transactions write it: `/` for the root. */
  readonly #path: Uint8Array
  #owner: ZnodeOwner
  readonly #ownerBytes = new Uint8Array(8)

  constructor(path: Uint8Array, owner: ZnodeOwner) {
    this.#path = path.length === 0 ? Uint8Array.of(0x2f) : path
    this.pathHash = hashPath(path)
    this.#own(owner)
  }

  mayConcern(window: Uint8Array, start: number, end: number): boolean {
    if (this.#owner !== undefined && this.#owner !== 0n && includes(window, start, start + 8, this.#ownerBytes)) return true
    return includes(window, start + txnLayout.body, end, this.#path)
  }

  follow(txn: Txn, changes: PathChange[]): void {
    const { record } = txn
    if (record.kind === 'multi') {
      const parts = record.parts ?? []
      // A multi with an error among its parts did nothing.
      if (parts.some((part) => part.record.kind === 'error')) return
      for (const part of parts) this.#followRecord(txn, part.record, changes)
    } else this.#followRecord(txn, record, changes)
  }

  #followRecord(txn: Txn, record: SimpleTxn | UnknownTxn, changes: PathChange[]): void {
    const effect = this.#effectOf(txn, record)
    if (effect === undefined) return
    if (effect === 'created')
      this.#own(record.kind === 'create' || record.kind === 'create2' ? (record.ephemeral ? txn.header.clientId : 0n) : 0n)
    if (effect === 'deleted' || effect === 'deleted-with-session') this.#own(undefined)
    changes.push({ zxid: txn.header.zxid, timeMs: txn.header.time, sessionId: txn.header.clientId, effect, txn, record })
  }

  #effectOf(txn: Txn, record: SimpleTxn | UnknownTxn): PathChange['effect'] | undefined {
    if (record.kind === 'closeSession') {
      const isNamed = (record.paths ?? []).some((path) => equalBytes(path, this.#path))
      return this.#owner !== undefined && (isNamed || this.#owner === txn.header.clientId) ? 'deleted-with-session' : undefined
    }
    if (!('path' in record) || !equalBytes(record.path, this.#path)) return undefined
    switch (record.kind) {
      case 'delete':
      case 'deleteContainer':
        return 'deleted'
      case 'setData':
      case 'reconfig':
        return 'data-set'
      case 'setACL':
        return 'acl-set'
      case 'check':
        return undefined
      default:
        return 'created'
    }
  }

  #own(owner: ZnodeOwner): void {
    this.#owner = owner
    this.sessionHash = undefined
    if (owner === undefined || owner === 0n) return
    putInt32(this.#ownerBytes, 0, highOf(owner))
    putInt32(this.#ownerBytes, 4, lowOf(owner))
    this.sessionHash = hashPath(this.#ownerBytes)
  }
}

/** The session that owns a znode with this `ephemeralOwner`, 0 for none. */
export function sessionOfOwner(ephemeralOwner: bigint, rules: OwnerRules): bigint {
  const owner = interpretOwner(ephemeralOwner, rules)
  return owner.kind === 'session' ? owner.sessionId : 0n
}

function includes(window: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const at = Buffer.from(window.buffer, window.byteOffset + start, end - start).indexOf(wanted)
  return at >= 0
}
