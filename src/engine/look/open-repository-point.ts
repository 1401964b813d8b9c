import { ZooArkError } from '../../base/errors.ts'
import type { RepositoryPlace } from '../../source/place.ts'
import type { RunContext } from '../run-context.ts'
import type { StateView } from './state-view.ts'

export interface OpenedRepositoryPoint {
  readonly view: StateView
}

export function openRepositoryPoint(
  _place: RepositoryPlace,
  _options: { readonly at?: string },
  _context: RunContext,
): Promise<OpenedRepositoryPoint> {
  return Promise.reject(new ZooArkError('NOT_SUPPORTED', 'being built'))
}
