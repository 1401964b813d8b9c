import { exitCodes } from '../../base/errors.ts'
import { dumpFile } from '../../engine/look/dump-file.ts'
import { inspectFile } from '../../engine/look/inspect-file.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderInspection } from '../render/inspect.ts'

/** `zooark inspect` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  if (options.records === true) return await printRecords(context)
  const report = await inspectFile(args[0])
  renderInspection(output, report)
  const { facts, findings } = report
  // The report stands; the failure says the code and the next step.
  if (facts.fault !== undefined) throw facts.fault
  return findings.some((finding) => finding.severity !== 'notice') ? exitCodes.incompleteOrDifferent : exitCodes.clean
}

async function printRecords({ args, options, output, signal }: CommandContext): Promise<ExitCode> {
  const form = options.json === true ? 'json' : 'text'
  const limit = options.limit === undefined ? {} : { limit: options.limit }
  const { kind, records, undecodable } = await dumpFile(args[0], { form, ...limit }, (bytes) => {
    signal.throwIfAborted()
    return output.bytes(bytes)
  })
  output.summary({ file: args[0], kind, ok: undecodable === 0, records, undecodable })
  if (undecodable === 0) return exitCodes.clean
  output.notice(`${undecodable} transactions could not be decoded; they stand as bytes`)
  return exitCodes.incompleteOrDifferent
}
