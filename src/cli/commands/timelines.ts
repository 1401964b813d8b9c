import { readHistory } from '../../archive/history.ts'
import { exitCodes } from '../../base/errors.ts'
import { openToRead } from '../../engine/repository-place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderTimelines } from '../render/history.ts'

/** `zooark timelines` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const repository = await openToRead(context.options.repo ?? '', context)
  renderTimelines(context.output, repository.description, await readHistory(repository))
  return exitCodes.clean
}
