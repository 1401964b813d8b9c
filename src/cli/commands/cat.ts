import { exitCodes } from '../../base/errors.ts'
import { requireZnode } from '../../engine/look/list-children.ts'
import { openPlace } from '../../engine/look/open-place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { optional } from '../render/optional.ts'
import { base64, noticeIfFuzzy, pathDocument, whereDocument } from '../render/znode.ts'

/** `zooark cat` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const { view, znode } = await openPlace(args[0], optional('at', options.at), context)
  const { path, data } = await requireZnode(view, znode)
  noticeIfFuzzy(output, view)
  if (output.format === 'text') {
    if (data !== null) await output.bytes(data)
    return exitCodes.clean
  }
  const text = data === null ? undefined : utf8Text(data)
  output.result({
    ...whereDocument(view),
    ...pathDocument(path),
    dataBase64: data === null ? null : base64(data),
    dataLength: data?.length ?? 0,
    ...optional('text', text),
  })
  return exitCodes.clean
}

/** The data as text; undefined where they are not UTF-8. */
function utf8Text(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
