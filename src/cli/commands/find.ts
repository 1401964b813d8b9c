import { exitCodes } from '../../base/errors.ts'
import { findZnodes } from '../../engine/look/find-znodes.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import { formatPath } from '../../model/znode-path.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { optional } from '../render/optional.ts'
import { noticeIfFuzzy, whereDocument, znodeDocument } from '../render/znode.ts'

/** Lines that are held at most while the reader of stdout does not keep up. */
const linesPerWait = 1000

/** `zooark find` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output, signal } = context
  const { view, znode } = await openPlace(args[0], optional('at', options.at), context)
  noticeIfFuzzy(output, view)
  const wanted = {
    ...optional('match', options.match),
    ...optional('kind', options.kind),
    ...optional('depth', options.depth),
    ...optional('limit', options.limit),
  }
  let printed = 0
  const isText = output.format === 'text'
  const znodes = await findZnodes(view, znode, wanted, (found) => {
    const path = found.bytes.subarray(found.pathStart, found.pathEnd)
    if (isText) output.line(formatPath(path))
    else output.item('znode', znodeDocument(path, found.stat(), found.dataLength, found.childCount))
    printed++
    signal.throwIfAborted()
    return printed % linesPerWait === 0 ? output.ready() : undefined
  })
  output.summary({ ...whereDocument(view), znodes })
  return exitCodes.clean
}
