import { exitCodes } from '../../base/errors.ts'
import { aclText } from '../../engine/look/difference.ts'
import { requireZnode } from '../../engine/look/list-children.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import { clientCversion } from '../../engine/look/state-view.ts'
import { formatZxid } from '../../model/zxid.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { formatCount } from '../format-text.ts'
import { optional } from '../render/optional.ts'
import { fullStatDocument, kindText, noticeIfFuzzy, sessionText, timeText, whereDocument } from '../render/znode.ts'

/** `zooark stat` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const { view, znode: path } = await openPlace(args[0], optional('at', options.at), context)
  const znode = await requireZnode(view, path)
  noticeIfFuzzy(output, view)
  const { stat, data, acl, childCount } = znode
  output.fields([
    ['path', path],
    ['kind', kindText(stat)],
    ['data', data === null ? 'null' : `${formatCount(data.length)} bytes`],
    ['children', formatCount(childCount)],
    ['created', `${formatZxid(stat.czxid)}  ${timeText(stat.ctime)}`],
    ['modified', `${formatZxid(stat.mzxid)}  ${timeText(stat.mtime)}  version ${stat.version}`],
    [
      'children changed',
      `${formatZxid(stat.pzxid)}  cversion ${stat.cversion} (a client sees ${clientCversion(stat.cversion, childCount)})`,
    ],
    ['next sequence', sequenceText(stat.cversion)],
    ['ACL', `${aclText(acl)}  aversion ${stat.aversion}`],
    ['owner', sessionText(stat.ephemeralOwner)],
    ['seen at', `${formatZxid(view.zxid)} in ${view.description} (${view.consistency.class})`],
  ])
  output.result({ ...whereDocument(view), ...fullStatDocument(znode) })
  return exitCodes.clean
}

/** The suffix of the next sequential child, as a server writes it. */
function sequenceText(cversion: number): string {
  return cversion < 0 ? String(cversion) : String(cversion).padStart(10, '0')
}
