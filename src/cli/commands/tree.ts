import { exitCodes } from '../../base/errors.ts'
import { drawTree } from '../../engine/look/draw-tree.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { formatCount } from '../format-text.ts'
import { optional } from '../render/optional.ts'
import { treeLines } from '../render/tree.ts'
import { noticeIfFuzzy, whereDocument, znodeDocument } from '../render/znode.ts'

/** Lines that are drawn when --limit is not given: more helps nobody, and all of them are held to be drawn. */
const linesDefault = 100_000

/** `zooark tree` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const { view, znode } = await openPlace(args[0], optional('at', options.at), context)
  const { lines, leftOut } = await drawTree(view, znode, { ...optional('depth', options.depth), limit: options.limit ?? linesDefault })
  noticeIfFuzzy(output, view)
  if (output.format === 'text') for (const line of treeLines(znode, lines)) output.line(line)
  for (const line of lines)
    output.item('znode', { ...znodeDocument(line.path, line.stat, line.dataLength, line.childCount), level: line.level })
  output.summary({ ...whereDocument(view), znodes: lines.length, leftOut })
  if (leftOut > 0) output.notice(`${formatCount(leftOut)} more znodes are left out; raise --limit, or name a path further down`)
  return exitCodes.clean
}
