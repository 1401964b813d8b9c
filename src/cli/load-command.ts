import { invariant } from '../base/errors.ts'
import type { CommandName } from '../config/commands.ts'
import type { RunCommand } from './command-context.ts'

/** Each command is its own import, so that a start loads only what it runs. */
const loaders: Readonly<Partial<Record<CommandName, () => Promise<{ readonly run: RunCommand }>>>> = {
  backup: () => import('./commands/backup.ts'),
  points: () => import('./commands/points.ts'),
  timelines: () => import('./commands/timelines.ts'),
  status: () => import('./commands/status.ts'),
  verify: () => import('./commands/verify.ts'),
  restore: () => import('./commands/restore.ts'),
  ls: () => import('./commands/ls.ts'),
  cat: () => import('./commands/cat.ts'),
  stat: () => import('./commands/stat.ts'),
  du: () => import('./commands/du.ts'),
  find: () => import('./commands/find.ts'),
  tree: () => import('./commands/tree.ts'),
  log: () => import('./commands/log.ts'),
  blame: () => import('./commands/blame.ts'),
  diff: () => import('./commands/diff.ts'),
  compare: () => import('./commands/compare.ts'),
  inspect: () => import('./commands/inspect.ts'),
  salvage: () => import('./commands/salvage.ts'),
}

/** Loads the command's file. `help` and `completion` have none: main.ts answers them from the tables. */
export async function loadCommand(name: CommandName): Promise<RunCommand> {
  const loader = loaders[name]
  invariant(loader !== undefined, `the command ${name} has no file in commands/`)
  return (await loader()).run
}
