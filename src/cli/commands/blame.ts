import { exitCodes } from '../../base/errors.ts'
import { type BlamedPart, blameZnode } from '../../engine/look/blame.ts'
import { requireZnode } from '../../engine/look/list-children.ts'
import { withHistory } from '../../engine/look/open-history.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import type { JsonObject } from '../../base/json.ts'
import { formatPath } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { gapDocument, gapLine } from '../render/change.ts'
import { optional } from '../render/optional.ts'
import { pathDocument, sessionText, timeText, whereDocument } from '../render/znode.ts'

/** `zooark blame` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const place = { ...optional('repo', options.repo), ...optional('from', options.from) }
  return await withHistory(place, context, async (source) => {
    const text = options.repo === undefined ? (options.from ?? '') : `repo:${options.repo}`
    const { view } = await openPlace(text, optional('at', options.at), context)
    const znode = await requireZnode(view, args[0])
    const { parts, gaps } = await blameZnode(source, znode, view.zxid)
    output.table(
      [{ title: 'PART' }, { title: 'ZXID' }, { title: 'TIME' }, { title: 'SESSION' }, { title: 'OPERATION' }],
      parts.map((part) => [
        part.part,
        part.zxid === undefined ? 'not known' : formatZxid(part.zxid),
        part.timeMs === undefined ? '-' : timeText(part.timeMs),
        part.session === undefined ? 'older than this history' : sessionText(part.session),
        part.operation === undefined ? '-' : `${part.operation}${part.path === undefined ? '' : ` of ${formatPath(part.path)}`}`,
      ]),
    )
    for (const gap of gaps) if (output.format === 'text') output.notice(gapLine(gap))
    output.result({ ...whereDocument(view), ...pathDocument(znode.path), parts: parts.map(partDocument), gaps: gaps.map(gapDocument) })
    return exitCodes.clean
  })
}

function partDocument(part: BlamedPart): JsonObject {
  return {
    part: part.part,
    ...(part.zxid === undefined ? {} : { zxid: formatZxid(part.zxid) }),
    ...(part.timeMs === undefined ? {} : { time: timeText(part.timeMs) }),
    ...(part.session === undefined ? {} : { session: sessionText(part.session) }),
    ...optional('cxid', part.cxid),
    ...optional('operation', part.operation),
    ...(part.path === undefined ? {} : pathDocument(part.path)),
  }
}
