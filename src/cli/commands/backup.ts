import { exitCodes, ZooArkError } from '../../base/errors.ts'
import { backUp } from '../../engine/backup.ts'
import { storeOf } from '../../engine/repository-place.ts'
import { parsePlace } from '../../source/place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderBackup } from '../render/backup.ts'

/** `zooark backup` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, output } = context
  const source = parsePlace(options.from ?? '')
  if (source.kind !== 'file') throw new ZooArkError('NOT_SUPPORTED', `a backup is taken from a data directory, not from ${options.from}`)
  const report = await backUp(
    {
      dataDir: source.path,
      store: storeOf(options.repo ?? ''),
      ...(source.logDir === undefined ? {} : { dataLogDir: source.logDir }),
      ...(options.name === undefined ? {} : { name: options.name }),
    },
    context,
  )
  renderBackup(output, report)
  return report.gaps.length + report.losses.length > 0 ? exitCodes.incompleteOrDifferent : exitCodes.clean
}
