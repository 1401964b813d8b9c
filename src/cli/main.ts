/** Starts the command line; the frame follows. */
export function main(args: readonly string[]): Promise<void> {
  process.stderr.write(`zooark: ${args[0] ?? 'help'} is not built yet\n`)
  process.exitCode = 2
  return Promise.resolve()
}
