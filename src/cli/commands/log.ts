import { exitCodes } from '../../base/errors.ts'
import { readChangeLog } from '../../engine/look/change-log.ts'
import { parseHistoryBounds } from '../../engine/look/history-bounds.ts'
import { withHistory } from '../../engine/look/open-history.ts'
import { ZnodeSelection } from '../../engine/look/znode-selection.ts'
import { encodePath } from '../../model/znode-path.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { formatCount } from '../format-text.ts'
import { changeDocument, changeLine, gapDocument, gapLine } from '../render/change.ts'
import { optional } from '../render/optional.ts'

/** `zooark log` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output, clock, signal } = context
  const selection = new ZnodeSelection(encodePath(args[0]), options.recursive === true ? 'subtree' : 'self')
  const bounds = parseHistoryBounds(options.since, options.until, clock.nowMs())
  const place = { ...optional('repo', options.repo), ...optional('from', options.from), ...optional('timeline', options.timeline) }
  return await withHistory(place, context, async (source) => {
    const isText = output.format === 'text'
    const onBatch = (): Promise<void> => {
      signal.throwIfAborted()
      return output.ready()
    }
    const { changes, leftOut, gaps } = await readChangeLog(
      source,
      selection,
      { bounds, ...optional('limit', options.limit), onBatch },
      (change) => {
        if (isText) output.line(changeLine(change))
        else output.item('change', changeDocument(change, source.timeline))
      },
    )
    for (const gap of gaps) if (isText) output.notice(gapLine(gap))
    if (isText && changes === 0) output.notice(`no change of ${args[0]} is in ${source.description}`)
    if (leftOut > 0) output.notice(`${formatCount(leftOut)} older changes are left out by --limit`)
    output.summary({ place: source.description, changes, leftOut, gaps: gaps.map(gapDocument) })
    return exitCodes.clean
  })
}
