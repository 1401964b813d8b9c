import { tmpdir } from 'node:os'
import { exitCodes, ZooArkError } from '../../base/errors.ts'
import { openToRead } from '../../engine/repository-place.ts'
import { type VerifyReport, verifyRepository } from '../../engine/verify.ts'
import type { BootTools } from '../../engine/verify/boot-states.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { optional } from '../render/optional.ts'
import { renderVerify } from '../render/verify.ts'

/** `zooark verify` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, output } = context
  const repository = await openToRead(options.repo ?? '', context)
  const tools = toolsOf(options.zookeeperJars, process.env)
  const request = { level: options.level ?? 'hash', tools, ...optional('timeline', options.timeline) }
  const report = await verifyRepository(repository, request, context)
  renderVerify(output, report)
  throwUnlessProved(report)
  return exitCodes.clean
}

function toolsOf(jars: string | undefined, environment: NodeJS.ProcessEnv): BootTools {
  return {
    temporaryDirectory: tmpdir(),
    ...optional('jars', jars),
    ...optional('zookeeperHome', environment.ZOOKEEPER_HOME),
    ...optional('javaHome', environment.JAVA_HOME),
    ...optional('searchPath', environment.PATH),
  }
}

/** The report stands; the failure says the exit code and the next step. */
function throwUnlessProved({ findings, boot, repository }: VerifyReport): void {
  if (findings.length > 0) throw new ZooArkError('VERIFY_FAILED', `${repository} is not whole`)
  if (boot?.failed !== undefined) throw boot.failed
  if (boot?.skipped !== undefined) throw new ZooArkError('JAVA_NOT_FOUND', `no server was started: ${boot.skipped}`)
}
