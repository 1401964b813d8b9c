import { concatBytes, equalBytes, utf8Bytes } from '../base/bytes.ts'
import { sha256 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import { stateRootDomain } from './state-format.ts'
import type { ChunkReading } from '../repository/types.ts'

/** Names one whole state in a repository. Roots are 32 bytes; equal states have equal roots wherever they were written. */
export interface StateRef {
  readonly treeRoot: Uint8Array
  readonly sessionsRoot: Uint8Array
  /** sha256 over both: the identity of the state. */
  readonly stateRoot: Uint8Array
  readonly znodes: number
  readonly sessions: number
  readonly dataBytes: number
  readonly leaves: number
  /** mtime of `/zookeeper/config` in ms, which counts as 0 in the roots; null where that znode does not exist. */
  readonly configMtime: bigint | null
  /** Data of `/zookeeper/config` with its lines in their true order, where that is not the sorted order that counts in the roots. */
  readonly configData: Uint8Array | null
  /** The largest ACL key that the state uses without defining it, at least 0. A loader numbers ACLs from the next one on. */
  readonly aclKeyFloor: bigint
}

/** Where chunks go: a draft of the repository, or `hashOnlySink`. */
export interface ChunkSink {
  /** Stores a copy of the chunk and returns its id, the sha256 of the bytes. */
  putChunk(plain: Uint8Array, reading?: ChunkReading): Uint8Array
  /** Whether the chunk, and what was put before it together with it, need not be put again. */
  hasChunk(id: Uint8Array): boolean
  /** True when the caller must await `flush` before putting more. */
  readonly full: boolean
  flush(): Promise<void>
}

/** Where chunks come from: a repository. */
export interface ChunkSource {
  /** Verified bytes in the order of the ids. */
  chunks(ids: readonly Uint8Array[]): Promise<Uint8Array[]>
}

/** Keeps nothing: `writeState` into it computes the roots alone, to compare a state with a plan. */
export const hashOnlySink: ChunkSink = {
  putChunk: (plain) => sha256(plain),
  hasChunk: () => true,
  full: false,
  flush: () => Promise.resolve(),
}

export function stateRootOf(treeRoot: Uint8Array, sessionsRoot: Uint8Array): Uint8Array {
  return sha256(concatBytes([utf8Bytes(stateRootDomain), treeRoot, sessionsRoot]))
}

/** The state root must follow from the two roots that it names. @throws REPOSITORY_DAMAGED */
export function checkStateRef(ref: StateRef): void {
  if (!equalBytes(stateRootOf(ref.treeRoot, ref.sessionsRoot), ref.stateRoot)) {
    throw new ZooArkError('REPOSITORY_DAMAGED', 'the state root does not follow from its tree and its sessions', {
      place: { object: toHex(ref.stateRoot) },
    })
  }
}
