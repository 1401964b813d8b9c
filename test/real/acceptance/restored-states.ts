/** What ZooKeeper's own classes load from restored directories: the same dumps as the oracle's, many directories in one JVM. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureZooKeeper } from '../testbed/jars.ts'
import { runCommand } from '../testbed/run-command.ts'

const program = fileURLToPath(new URL('java/RestoredStates.java', import.meta.url))
const emptySnapshot = fileURLToPath(new URL('java/EmptySnapshot.java', import.meta.url))
const TIMEOUT_MS = 300_000
const OUTPUT_BYTES_MAX = 1024 * 1024

/**
 * Writes `<out>/<name>.ndjson` for every directory and returns the paths in the same order.
 * @throws when a directory does not load, or when ZooKeeper says anything at level WARN or above
 */
export async function dumpRestored(
  version: string,
  directories: readonly { readonly name: string; readonly directory: string }[],
  out: string,
): Promise<string[]> {
  const jars = await ensureZooKeeper(version)
  if ('missing' in jars) throw new Error(jars.missing)
  const properties = ['-Dzooark.log.level=WARN', '-Dzookeeper.extendedTypesEnabled=true', '-Djava.awt.headless=true']
  const places = directories.map(({ name, directory }) => `${name}=${directory}`)
  const args = ['-Xmx256m', ...properties, '-cp', jars.classPath.join(':'), program, out, ...places]
  const outcome = await runCommand('java', args, { timeoutMs: TIMEOUT_MS, outputBytesMax: OUTPUT_BYTES_MAX })
  if (outcome.code !== 0) throw new Error(`ZooKeeper does not load the restored directories:\n${outcome.tail.slice(-8000)}`)
  const complaint = outcome.tail.split('\n').find((line) => /\b(WARN|ERROR|FATAL)\b/.test(line) && !/^(log4j|SLF4J):/.test(line))
  if (complaint !== undefined) throw new Error(`ZooKeeper complains about a restored directory: ${complaint}`)
  return directories.map(({ name }) => join(out, `${name}.ndjson`))
}

/** Writes the snapshot of an empty tree, for releases (3.4) whose servers do not begin with one. */
export async function writeEmptySnapshot(version: string, path: string): Promise<void> {
  const jars = await ensureZooKeeper(version)
  if ('missing' in jars) throw new Error(jars.missing)
  const outcome = await runCommand('java', ['-Xmx128m', '-cp', jars.classPath.join(':'), emptySnapshot, path], { timeoutMs: TIMEOUT_MS })
  if (outcome.code !== 0) throw new Error(`no empty snapshot: ${outcome.tail}`)
}
