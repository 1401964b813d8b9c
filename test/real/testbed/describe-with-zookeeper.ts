/** Test suites that need a real ZooKeeper: where it cannot be had they are skipped loudly, with the reason in the title. */
import { describe, it } from 'vitest'
import { ensureZooKeeper } from './jars.ts'

/** Use with `await` at the top level of a test file: `await describeWithZooKeeper('3.8.4', 'a restored directory', () => { ... })`. */
export async function describeWithZooKeeper(version: string, name: string, body: () => void): Promise<void> {
  const jars = await ensureZooKeeper(version)
  if ('missing' in jars) {
    console.warn(`SKIPPED: ${name} (ZooKeeper ${version}): ${jars.missing}`)
    // One test, skipped with a note, stands for the suite: the note is what the report at the end of a run shows.
    describe(name, () => it(`SKIPPED, needs ZooKeeper ${version}: ${jars.missing}`, (context) => context.skip(jars.missing)))
    return
  }
  describe(`${name} (ZooKeeper ${version})`, body)
}
