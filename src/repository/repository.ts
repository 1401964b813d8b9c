import type { Clock } from '../base/clock.ts'
import { ZooArkError } from '../base/errors.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Repository } from './types.ts'

export interface RepositoryOptions {
  /** Gives commits their time. */
  readonly clock: Clock
  /** Who writes, for example `zooark/0.1.0`: recorded in every commit. */
  readonly writer: string
  /** Decoded blocks kept for reuse, bytes. */
  readonly cacheBytesMax?: number
}

/** Creates the repository in an empty store; when another creator came first, opens theirs. `id`: `[a-z0-9-]+`. */
export function createRepository(_store: ObjectStore, _options: RepositoryOptions & { readonly id: string }): Promise<Repository> {
  return Promise.reject(new ZooArkError('NOT_SUPPORTED', 'being built'))
}

/** REPOSITORY_NOT_FOUND, REPOSITORY_FORMAT_TOO_NEW, REPOSITORY_DAMAGED. Reads one object. */
export function openRepository(_store: ObjectStore, _options: RepositoryOptions): Promise<Repository> {
  return Promise.reject(new ZooArkError('NOT_SUPPORTED', 'being built'))
}
