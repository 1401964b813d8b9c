import type { Clock } from '../base/clock.ts'
import type { CommandName } from '../config/commands.ts'
import type { OptionValues } from '../config/options.ts'
import type { RunContext } from '../engine/run-context.ts'
import type { Output } from './output.ts'

/** An exit code of PRODUCT's table; `exitCodes` of base/errors.ts names them. */
export type ExitCode = number

/** Everything that a command may use. It is a `RunContext`, so it is handed to the flows of the engine as it stands. */
export interface CommandContext extends RunContext {
  readonly command: CommandName
  /** In the order of the command table; an optional one that was not given is absent. */
  readonly args: readonly string[]
  readonly options: OptionValues
  readonly output: Output
  readonly clock: Clock
  /**
   * Asks on the terminal. @returns false for anything but yes. @throws CONFIRMATION_NEEDED where stdin or stderr is no terminal,
   * INTERRUPTED on Ctrl-C.
   */
  readonly confirm: (question: string) => Promise<boolean>
}

/** What every file in commands/ exports as `run`. Failures are thrown; the code returned is 0 or 3. */
export type RunCommand = (context: CommandContext) => Promise<ExitCode>
