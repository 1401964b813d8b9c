import { exitCodes } from '../../base/errors.ts'
import { type DifferenceCounts, countSessionDifferences, diffPlaces, openBoth } from '../../engine/look/diff-places.ts'
import { parseIgnored } from '../../engine/look/ignored-aspects.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { countsDocument, countsLine, isEqual } from '../render/difference.ts'
import { optional } from '../render/optional.ts'
import { noticeIfFuzzy } from '../render/znode.ts'

/** `zooark compare` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const ignored = parseIgnored(options.ignore)
  const places = await openBoth(args[0], args[1], { ...optional('repo', options.repo), ...optional('path', options.path) }, context)
  noticeIfFuzzy(output, places.a.view)
  noticeIfFuzzy(output, places.b.view)
  const counts: DifferenceCounts = { created: 0, deleted: 0, changed: 0, sessions: 0 }
  const aspects: Record<string, number> = {}
  for await (const difference of diffPlaces(places, ignored)) {
    context.signal.throwIfAborted()
    counts[difference.change]++
    for (const aspect of difference.aspects) aspects[aspect] = (aspects[aspect] ?? 0) + 1
  }
  counts.sessions = await countSessionDifferences(places, ignored)
  output.line(countsLine(places, counts))
  if (counts.changed > 0) {
    output.line(
      `of the changed: ${Object.entries(aspects)
        .map(([aspect, count]) => `${aspect} ${count}`)
        .join(', ')}`,
    )
  }
  output.result({ ...countsDocument(places, counts), aspects })
  return isEqual(counts) ? exitCodes.clean : exitCodes.incompleteOrDifferent
}
