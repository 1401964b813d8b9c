import { exitCodes } from '../../base/errors.ts'
import { listChildren } from '../../engine/look/list-children.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import { znodeKindOf } from '../../engine/look/state-view.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { formatCount } from '../format-text.ts'
import { nameText, noticeIfFuzzy, timeText, whereDocument, znodeDocument } from '../render/znode.ts'
import { optional } from '../render/optional.ts'

/** `zooark ls` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const { view, znode } = await openPlace(args[0], optional('at', options.at), context)
  const { children, leftOut } = await listChildren(view, znode, optional('limit', options.limit))
  noticeIfFuzzy(output, view)
  const rows = children.map((child) => [
    znodeKindOf(child.stat.ephemeralOwner),
    child.dataLength < 0 ? '-' : formatCount(child.dataLength),
    formatCount(child.childCount),
    String(child.stat.version),
    timeText(child.stat.mtime),
    nameText(child.path),
  ])
  if (rows.length > 0) {
    const right = { align: 'right' } as const
    output.table(
      [
        { title: 'KIND' },
        { title: 'BYTES', ...right },
        { title: 'CHILDREN', ...right },
        { title: 'VERSION', ...right },
        { title: 'MODIFIED' },
        { title: 'NAME' },
      ],
      rows,
    )
  }
  if (leftOut > 0) output.notice(`${formatCount(leftOut)} more children are left out by --limit`)
  output.result({
    ...whereDocument(view),
    path: znode,
    children: children.map((child) => znodeDocument(child.path, child.stat, child.dataLength, child.childCount)),
    leftOut,
  })
  return exitCodes.clean
}
