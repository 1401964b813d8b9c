import { ZooArkError } from '../../base/errors.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'

/** `zooark blame` */
export function run(context: CommandContext): Promise<ExitCode> {
  return Promise.reject(new ZooArkError('NOT_SUPPORTED', `${context.command} is not built yet`))
}
