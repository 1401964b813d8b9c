/** Purges a server's files as ZooKeeper's own purge does, and keeps every file of a run for the oracle. */
import { link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

interface NamedFile {
  readonly name: string
  readonly zxid: bigint
}

/**
 * Deletes all but the newest `keep` snapshots, and the logs that none of them needs (PurgeTxnLog). What goes is linked into `kept` first:
 * only then, so that a log which the server itself takes back after an election is not kept.
 * @param through spares every log with a later txn, however many snapshots came after it
 */
export async function purge(version2: string, keep: number, kept: string, through?: bigint): Promise<number> {
  await mkdir(kept, { recursive: true })
  const names = await readdir(version2)
  const snapshots = filesOf(names, 'snapshot.')
  const oldestKept = snapshots.at(-keep)
  if (oldestKept === undefined) return 0
  const logs = filesOf(names, 'log.')
  const covering = logs.findLast(({ zxid }) => zxid <= oldestKept.zxid)
  const isSpared = (index: number): boolean => through !== undefined && (logs[index + 1]?.zxid ?? through) > through
  const old = [
    ...logs.filter(({ zxid }, index) => covering !== undefined && zxid < covering.zxid && !isSpared(index)),
    ...snapshots.filter(({ zxid }) => zxid < oldestKept.zxid),
  ]
  for (const { name } of old) {
    await linkOnce(join(version2, name), join(kept, name))
    await rm(join(version2, name))
  }
  return old.length
}

/** Links everything that is left into `kept`. To be called when the servers are stopped. */
export async function keepRest(version2: string, kept: string): Promise<void> {
  await mkdir(kept, { recursive: true })
  for (const { name } of [...filesOf(await readdir(version2), 'snapshot.'), ...filesOf(await readdir(version2), 'log.')])
    await linkOnce(join(version2, name), join(kept, name))
}

async function linkOnce(from: string, to: string): Promise<void> {
  // A snapshot that the server wrote again under the same name replaces the one kept.
  await rm(to, { force: true })
  await link(from, to)
}

/** Ascending. */
export function filesOf(names: readonly string[], prefix: 'snapshot.' | 'log.'): NamedFile[] {
  return names
    .filter((name) => name.startsWith(prefix) && /^[0-9a-f]+$/.test(name.slice(prefix.length)))
    .map((name) => ({ name, zxid: BigInt(`0x${name.slice(prefix.length)}`) }))
    .sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
}
