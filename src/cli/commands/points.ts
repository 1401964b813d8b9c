import { readHistory, timelineOf } from '../../archive/history.ts'
import { exitCodes } from '../../base/errors.ts'
import { openToRead } from '../../engine/repository-place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderPoints } from '../render/history.ts'

/** `zooark points` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, output } = context
  const repository = await openToRead(options.repo ?? '', context)
  const history = await readHistory(repository)
  const { timeline } = options
  renderPoints(output, repository.description, timeline === undefined ? history.timelines : [timelineOf(history, timeline)])
  return exitCodes.clean
}
