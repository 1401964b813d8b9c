import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { backUp } from '../../src/engine/backup.ts'
import { openToWrite } from '../../src/engine/repository-place.ts'
import { verifyRepository } from '../../src/engine/verify.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import { quietContext } from './stored-history.ts'

const vectors = fileURLToPath(new URL('../vectors/zookeeper', import.meta.url))
const names: string[] = []
for (const version of (await readdir(vectors)).sort())
  for (const kind of (await readdir(join(vectors, version))).sort()) names.push(`${version}/${kind}`)

/** Servers that write a digest with every txn; the others are proved by their roots alone. */
const hasDigests = (name: string): boolean => /^3\.[6-9]\./.test(name) && !name.endsWith('/no-digest')

test.each(names)('what a real server left is whole at level replay once it is backed up: %s', async (name) => {
  const store = memoryStore()
  const backup = await backUp({ dataDir: join(vectors, name), store }, quietContext())
  const report = await verifyRepository(await openToWrite(store, quietContext()), { level: 'replay' }, quietContext())
  expect(report.findings).toEqual([])
  expect(report).toMatchObject({ ok: true, txns: backup.txns })
  if (hasDigests(name)) expect(report.digestsChecked ?? 0).toBeGreaterThan(backup.txns * 0.8)
  else expect(report.digestsChecked).toBe(0)
})
