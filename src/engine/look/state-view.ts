import { highOf, lowOf } from '../../jute/long.ts'
import type { Acl } from '../../model/acl.ts'
import type { OwnerKind } from '../../model/ephemeral-owner.ts'
import { ownerKindOf } from '../../model/ephemeral-owner.ts'
import type { SessionId } from '../../model/session-id.ts'
import type { Stat } from '../../model/stat.ts'
import type { Zxid } from '../../model/zxid.ts'

/**
 * What is known about the state that is looked at. `exact`: proved by the server's digest; `contiguous`: no transaction is missing,
 * nothing to prove it by; `settled` and `per-node`: a walk by a client, see archive/commit-body.ts; `fuzzy`: a snapshot file alone, which a server wrote while it went on changing.
 */
export type Consistency =
  | { readonly class: 'exact' | 'contiguous' | 'settled' | 'per-node' }
  | { readonly class: 'fuzzy' /** From here on it would be a state, were the logs there. */; readonly settledZxid: Zxid }

/** One whole state to look into, of a file or of a repository. Paths are bytes as in snapshots: the root is the empty path. */
export interface StateView {
  /** For messages: what is looked at. */
  readonly description: string
  readonly zxid: Zxid
  readonly consistency: Consistency
  readonly znodeCount: number
  lookup(path: Uint8Array): Promise<ZnodeView | undefined>
  /**
   * Hands out the znode at `path` and what is below it, in tree order, down to `depthMax` levels below it (all when absent).
   * Nothing when there is no such znode.
   */
  walk(path: Uint8Array, options: WalkOptions, visit: ZnodeVisitor): Promise<void>
  sessions(): Promise<readonly SessionView[]>
}

export interface WalkOptions {
  readonly depthMax?: number
}

/** `stop` ends the walk; a promise holds it up until it is done. */
export type ZnodeVisitor = (znode: WalkedZnode) => 'stop' | undefined | Promise<void>

/** The znode that a walk is at: one object that is filled again for each, valid during the call only. */
export interface WalkedZnode {
  /** The path is bytes[pathStart..pathEnd). */
  readonly bytes: Uint8Array
  readonly pathStart: number
  readonly pathEnd: number
  /** -1 for null. */
  readonly dataLength: number
  readonly ownerHi: number
  readonly ownerLo: number
  /** Children it has; -1 where only a walk through them would tell. */
  readonly childCount: number
  /** Makes an object: for what is printed, not for what is counted. */
  stat(): Stat
}

export interface SessionView {
  readonly id: SessionId
  readonly timeoutMs: number
}

/** `dangling`: the state does not define the ACL key, as snapshots of old servers may. */
export type AclView = readonly Acl[] | null | 'dangling'

/** One znode as an object, with copies of its bytes. */
export interface ZnodeView {
  readonly path: Uint8Array
  readonly data: Uint8Array | null
  readonly stat: Stat
  readonly acl: AclView
  readonly childCount: number
}

/** The kind as people and options name it: an ephemeral is one, whatever its session. */
export type ZnodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl' | 'reserved'

const kindNames: Readonly<Record<OwnerKind, ZnodeKind>> = {
  persistent: 'persistent',
  session: 'ephemeral',
  container: 'container',
  ttl: 'ttl',
  reserved: 'reserved',
}

/** The kind by the owner in halves, as a server with extended types reads it. */
export function znodeKind(ownerHi: number, ownerLo: number): ZnodeKind {
  return kindNames[ownerKindOf(ownerHi, ownerLo, 'extended')]
}

export function znodeKindOf(owner: bigint): ZnodeKind {
  return znodeKind(highOf(owner), lowOf(owner))
}

/** `Stat.cversion` as a client sees it (ZooKeeper: `DataNode.copyStat`): each creation counts twice, less the children that are there. */
export function clientCversion(cversion: number, childCount: number): number {
  return (Math.imul(cversion, 2) - childCount) | 0
}

const slash = 0x2f

/** Levels of a path: 0 for the root. */
export function pathDepth(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0
  for (let i = start; i < end; i++) if (bytes[i] === slash) depth++
  return depth
}

/** The last part of a path. */
export function nameStart(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) if (bytes[i] === slash) return i + 1
  return start
}

/** Whether bytes[start..end) is `path` itself or below it. */
export function isWithin(bytes: Uint8Array, start: number, end: number, path: Uint8Array): boolean {
  const length = path.length
  if (end - start < length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== path[i]) return false
  return length === 0 || end - start === length || bytes[start + length] === slash
}
