import { exitCodes } from '../../base/errors.ts'
import { type DifferenceCounts, countSessionDifferences, diffPlaces, openBoth } from '../../engine/look/diff-places.ts'
import { parseIgnored } from '../../engine/look/ignored-aspects.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { countsDocument, countsLine, differenceDocument, differenceLines, isEqual } from '../render/difference.ts'
import { optional } from '../render/optional.ts'
import { noticeIfFuzzy } from '../render/znode.ts'

/** `zooark diff` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const ignored = parseIgnored(options.ignore)
  const places = await openBoth(args[0], args[1], { ...optional('repo', options.repo), ...optional('path', options.path) }, context)
  noticeIfFuzzy(output, places.a.view)
  noticeIfFuzzy(output, places.b.view)
  const counts: DifferenceCounts = { created: 0, deleted: 0, changed: 0, sessions: 0 }
  const limit = options.limit ?? Infinity
  let printed = 0
  for await (const difference of diffPlaces(places, ignored)) {
    context.signal.throwIfAborted()
    counts[difference.change]++
    if (printed >= limit) continue
    printed++
    if (output.format === 'text') for (const line of differenceLines(difference)) output.line(line)
    else output.item('change', differenceDocument(difference))
    await output.ready()
  }
  counts.sessions = await countSessionDifferences(places, ignored)
  output.line(countsLine(places, counts))
  output.summary(countsDocument(places, counts))
  return isEqual(counts) ? exitCodes.clean : exitCodes.incompleteOrDifferent
}
