import { ZooArkError } from '../../base/errors.ts'
import { openDataDirectory } from '../../source/data-directory.ts'
import { parsePlace } from '../../source/place.ts'
import type { RunContext } from '../run-context.ts'
import { FilesHistory } from './files-history.ts'
import type { HistorySource } from './history-source.ts'
import { openRepositoryToLook } from './open-repository-point.ts'
import { RepositoryHistory } from './repository-history.ts'

/** Where a history comes from: exactly one of a repository and a data directory. */
export interface HistoryPlace {
  readonly repo?: string
  readonly from?: string
  readonly timeline?: string
}

/** Opens a history, hands it to `use`, and closes what it opened. @throws USAGE, BAD_PLACE, SOURCE_…, REPOSITORY_… */
export async function withHistory<T>(place: HistoryPlace, context: RunContext, use: (source: HistorySource) => Promise<T>): Promise<T> {
  const { repo, from, timeline } = place
  if ((repo === undefined) === (from === undefined)) {
    throw new ZooArkError('USAGE', 'a history comes from one place: a repository or a data directory', {
      hint: 'Give --repo REPO or --from file:DATADIR.',
    })
  }
  if (repo !== undefined) return await use(new RepositoryHistory(await openRepositoryToLook(repo, context), repo, timeline))
  const source = parsePlace(from ?? '')
  if (source.kind === 'repository') {
    const opened = await openRepositoryToLook(source.repository, context)
    return await use(new RepositoryHistory(opened, source.repository, timeline ?? source.timeline))
  }
  const directory = await openDataDirectory(source.path, source.logDir)
  try {
    return await use(new FilesHistory(directory))
  } finally {
    await directory.close()
  }
}
