import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readHistory } from '../../archive/history.ts'
import { resolvePoint } from '../../archive/resolve-point.ts'
import { exitCodes, ZooArkError } from '../../base/errors.ts'
import { parseRestorePlan, planRestore, type RestorePlan } from '../../engine/plan-restore.ts'
import { openToRead } from '../../engine/repository-place.ts'
import { checkTarget, restore } from '../../engine/restore.ts'
import type { Repository } from '../../repository/types.ts'
import { parsePlace } from '../../source/place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { renderPlan, renderRestored } from '../render/restore.ts'

/** `zooark restore` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, output } = context
  const { plan, repository, origin } = await findPlan(context)
  await checkTarget(plan)
  if (options.dryRun === true) {
    if (options.plan !== undefined) await savePlan(options.plan, plan)
    renderPlan(output, plan, { savedTo: options.plan })
    return exitCodes.clean
  }
  if (origin === 'options' && options.yes !== true) {
    renderPlan(output, plan, {})
    if (!(await context.confirm('Restore as planned?'))) {
      output.notice('nothing was written')
      return exitCodes.otherFailure
    }
  }
  renderRestored(output, await restore(plan, repository, context))
  return exitCodes.clean
}

interface FoundPlan {
  readonly plan: RestorePlan
  readonly repository: Repository
  /** A saved plan was agreed to when it was saved. */
  readonly origin: 'file' | 'options'
}

async function findPlan(context: CommandContext): Promise<FoundPlan> {
  const { options } = context
  if (options.plan !== undefined && options.dryRun !== true) {
    const given = (['repo', 'at', 'to', 'exact', 'servers', 'epoch'] as const).filter((name) => options[name] !== undefined)
    if (given.length > 0) throw new ZooArkError('USAGE', `a saved plan says everything; leave out --${given.join(', --')}`)
    const plan = parseRestorePlan(await readPlan(options.plan), options.plan)
    return { plan, repository: await openToRead(plan.repository, context), origin: 'file' }
  }
  const { repo, at, to } = options
  if (repo === undefined || at === undefined || to === undefined) {
    throw new ZooArkError('USAGE', 'restore needs --repo, --at and --to, or a saved plan with --plan', {
      hint: 'See `zooark restore --help`.',
    })
  }
  if (options.path !== undefined) {
    throw new ZooArkError('NOT_SUPPORTED', 'a data directory can only be restored whole', {
      hint: 'Leave out --path; `zooark cat` and `zooark log` show single znodes.',
    })
  }
  const target = parsePlace(to)
  if (target.kind !== 'file') throw new ZooArkError('BAD_PLACE', `a restore goes to a directory, not to ${to}`)
  const repository = await openToRead(repo, context)
  const history = await readHistory(repository)
  const point = await resolvePoint(history, repository, at, context.clock.nowMs())
  const plan = planRestore(history, repository.id, point, {
    repository: resolve(repo),
    mode: options.exact === true ? 'exact' : 'client-safe',
    target: {
      directory: resolve(target.path),
      logDirectory: target.logDir === undefined ? null : resolve(target.logDir),
      servers: options.servers === undefined ? null : options.servers.map(String),
    },
    ...(options.epoch === undefined ? {} : { epochMin: BigInt(options.epoch) }),
  })
  return { plan, repository, origin: 'options' }
}

async function readPlan(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ZooArkError('USAGE', `the plan cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      place: { file },
      cause: error,
    })
  }
}

async function savePlan(file: string, plan: RestorePlan): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(plan, null, 2)}\n`, { flag: 'wx' })
  } catch (error) {
    throw new ZooArkError('USAGE', `the plan cannot be saved: ${error instanceof Error ? error.message : String(error)}`, {
      place: { file },
      hint: 'Name a file that does not exist yet.',
      cause: error,
    })
  }
}
