import { resolve } from 'node:path'
import { ZooArkError } from '../base/errors.ts'
import { uniqueName } from '../base/unique.ts'
import { createRepository, openRepository } from '../repository/repository.ts'
import type { Repository } from '../repository/types.ts'
import { localStore } from '../storage/local-store.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { readOnlyStore } from '../storage/read-only-store.ts'
import type { RunContext } from './run-context.ts'
import { writerName } from './version.ts'

/** Schemes of REPO that a later version takes. */
const schemesToCome = /^(s3|gs|az|sftp):/

/** The store that REPO names: a path, or `file:` and a path. @throws NOT_SUPPORTED, BAD_PLACE */
export function storeOf(repo: string): ObjectStore {
  if (schemesToCome.test(repo)) {
    throw new ZooArkError('NOT_SUPPORTED', `repositories of this kind are not built yet: ${repo}`, { hint: 'Name a directory.' })
  }
  const path = repo.replace(/^(repo:)?(file:(\/\/)?)?/, '')
  if (path === '' || path.includes('\0')) throw new ZooArkError('BAD_PLACE', `no directory is named: '${repo}'`)
  return localStore(resolve(path))
}

/** Opens a repository to read it; nothing can be written through it. @throws REPOSITORY_NOT_FOUND and what opening throws */
export function openToRead(repo: string, context: Pick<RunContext, 'clock'>): Promise<Repository> {
  return openRepository(readOnlyStore(storeOf(repo)), { clock: context.clock, writer: writerName })
}

/** Opens a repository to write to it. @throws REPOSITORY_NOT_FOUND and what opening throws */
export function openToWrite(store: ObjectStore, context: Pick<RunContext, 'clock'>): Promise<Repository> {
  return openRepository(store, { clock: context.clock, writer: writerName })
}

/** Opens a repository to write to it, and creates it where there is none. */
export function openOrCreate(store: ObjectStore, context: Pick<RunContext, 'clock'>): Promise<Repository> {
  return createRepository(store, { clock: context.clock, writer: writerName, id: uniqueName() })
}
