import { exitCodes } from '../../base/errors.ts'
import { diskUsage } from '../../engine/look/disk-usage.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import { formatPath } from '../../model/znode-path.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { formatCount, formatSize } from '../format-text.ts'
import { optional } from '../render/optional.ts'
import { noticeIfFuzzy, pathDocument, whereDocument } from '../render/znode.ts'

/** Levels that are listed when --depth is not given: the path and its children. */
const depthDefault = 1

/** `zooark du` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const { view, znode } = await openPlace(args[0], optional('at', options.at), context)
  const entries = await diskUsage(view, znode, { depth: options.depth ?? depthDefault })
  noticeIfFuzzy(output, view)
  const right = { align: 'right' } as const
  output.table(
    [
      { title: 'ZNODES', ...right },
      { title: 'EPHEMERAL', ...right },
      { title: 'DATA', ...right },
      { title: 'RECORDS', ...right },
      { title: 'PATH' },
    ],
    entries.map((entry) => [
      formatCount(entry.znodes),
      formatCount(entry.ephemerals),
      formatSize(entry.dataBytes),
      formatSize(entry.bytes),
      formatPath(entry.path),
    ]),
  )
  output.result({
    ...whereDocument(view),
    entries: entries.map(({ path, level, znodes, ephemerals, dataBytes, bytes }) => ({
      ...pathDocument(path),
      level,
      znodes,
      ephemerals,
      dataBytes,
      bytes,
    })),
  })
  return exitCodes.clean
}
