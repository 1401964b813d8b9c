import { exitCodes, ZooArkError } from '../../base/errors.ts'
import { openToRead } from '../../engine/repository-place.ts'
import { readStatus } from '../../engine/status.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderStatus } from '../render/status.ts'

/** `zooark status` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, output } = context
  const repository = await openToRead(options.repo ?? '', context)
  const report = await readStatus(repository, options.timeline, context)
  renderStatus(output, report)
  if (report.problems.length > 0) {
    throw new ZooArkError('VERIFY_FAILED', `${report.repository} is not whole`, {
      hint: 'Run `zooark verify --level replay` to see which points are concerned.',
    })
  }
  return exitCodes.clean
}
