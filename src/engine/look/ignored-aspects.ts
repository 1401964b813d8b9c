import { ZooArkError } from '../../base/errors.ts'
import type { Aspect, ComparedZnode, Difference } from './difference.ts'
import { znodeKindOf } from './state-view.ts'

/** What a comparison leaves out of account, because a person said so. */
export interface IgnoredAspects {
  readonly aspects: ReadonlySet<Aspect>
  readonly sessions: 'count' | 'ignore'
  /** Znodes that are ephemeral on a side where they exist. */
  readonly ephemerals: 'count' | 'ignore'
}

const aspectNames: readonly Aspect[] = ['data', 'acl', 'kind', 'owner', 'counters']

/** @throws USAGE naming a word that is none */
export function parseIgnored(list: string | undefined): IgnoredAspects {
  const words = list === undefined ? [] : list.split(',').map((word) => word.trim())
  for (const word of words) {
    if (word !== 'sessions' && word !== 'ephemerals' && !aspectNames.some((name) => name === word)) {
      throw new ZooArkError('USAGE', `--ignore: '${word}' is none of ${aspectNames.join(', ')}, sessions, ephemerals`)
    }
  }
  return {
    aspects: new Set(aspectNames.filter((name) => words.includes(name))),
    sessions: words.includes('sessions') ? 'ignore' : 'count',
    ephemerals: words.includes('ephemerals') ? 'ignore' : 'count',
  }
}

/** The difference as far as it counts; undefined when nothing of it does. */
export function countedDifference(difference: Difference, ignored: IgnoredAspects): Difference | undefined {
  const { before, after, aspects, counters, change } = difference
  if (ignored.ephemerals === 'ignore' && isEphemeral(before) && isEphemeral(after)) return undefined
  if (change !== 'changed' || ignored.aspects.size === 0) return difference
  const left = aspects.filter((aspect) => !ignored.aspects.has(aspect))
  if (left.length === 0) return undefined
  return { ...difference, aspects: left, counters: left.includes('counters') ? counters : [] }
}

/** A side where the znode does not exist does not decide. */
function isEphemeral(znode: ComparedZnode | undefined): boolean {
  return znode === undefined || znodeKindOf(znode.stat.ephemeralOwner) === 'ephemeral'
}
