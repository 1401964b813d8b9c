import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatZxid, parseZxid, type Zxid } from '../model/zxid.ts'
import { openDataDirectory } from './data-directory.ts'
import { replayFiles, type ReplayOptions } from './replay-files.ts'

const vectors = fileURLToPath(new URL('../../test/vectors/zookeeper', import.meta.url))

let work = ''
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'zooark-replay-'))
})
afterEach(() => {
  rmSync(work, { recursive: true, force: true })
})

/** A copy of a vector without the files that `drop` names. */
function copyWithout(vector: string, drop: (name: string) => boolean): string {
  const to = join(work, 'data')
  cpSync(join(vectors, vector, 'version-2'), join(to, 'version-2'), { recursive: true })
  for (const name of readdirSync(join(to, 'version-2'))) if (drop(name)) rmSync(join(to, 'version-2', name))
  return to
}

async function replay(directory: string, target: Zxid | 'latest', options?: ReplayOptions) {
  const opened = await openDataDirectory(directory)
  try {
    return await replayFiles(opened, target, options)
  } finally {
    await opened.close()
  }
}

const isLaterSnapshot = (name: string): boolean => name.startsWith('snapshot.') && name !== 'snapshot.0'

describe('the state of a data directory', () => {
  it('begins with the newest snapshot that is settled by then', async () => {
    const directory = join(vectors, '3.8.4/mixed')
    expect((await replay(directory, 'latest')).snapshot.zxid).toBeGreaterThan(parseZxid('0x16c'))
    const { snapshot, settledZxid, consistency } = await replay(directory, parseZxid('0xc0'))
    expect([formatZxid(snapshot.zxid), consistency]).toEqual(['0xa9', 'exact'])
    // The digest that the server wrote behind it is that of 0xad, and the znodes in it reach to 0xac.
    expect(['0xac', '0xad']).toContain(formatZxid(settledZxid))
    // Within what snapshot.a9 mixes, only the one before it leads to a state.
    expect(formatZxid((await replay(directory, parseZxid('0xab'))).snapshot.zxid)).toBe('0x0')
  })

  it('is the same from whichever snapshot it is reached', async () => {
    const first = await replay(copyWithout('3.8.4/mixed', isLaterSnapshot), 'latest')
    const newest = await replay(join(vectors, '3.8.4/mixed'), 'latest')
    expect(formatZxid(first.zxid)).toBe(formatZxid(newest.zxid))
    expect(first.tree.digest()).toBe(newest.tree.digest())
    expect(first.txns).toBeGreaterThan(newest.txns)
  })

  it('is contiguous where the server writes no digests', async () => {
    expect((await replay(join(vectors, '3.4.14/mixed'), 'latest')).consistency).toBe('contiguous')
  })

  it('is refused behind a log that is gone, with the gap and what can be reached', async () => {
    const directory = copyWithout('3.8.4/mixed', (name) => isLaterSnapshot(name) || name === 'log.ad')
    const gap = { code: 'POINT_IN_GAP', message: 'the logs leave out what stands between 0xac and 0x172' }
    await expect(replay(directory, parseZxid('0x180'))).rejects.toMatchObject(gap)
    await expect(replay(directory, 'latest')).rejects.toMatchObject(gap)
    expect(formatZxid((await replay(directory, parseZxid('0xac'))).zxid)).toBe('0xac')
  })

  it('is refused before the oldest snapshot and behind the end of the logs', async () => {
    const directory = copyWithout('3.8.4/mixed', (name) => name === 'snapshot.0')
    await expect(replay(directory, parseZxid('0x5'))).rejects.toMatchObject({
      code: 'POINT_NOT_REACHABLE',
      message: 'the oldest snapshot begins at 0xa9',
    })
    await expect(replay(directory, parseZxid('0x9999'))).rejects.toMatchObject({ code: 'POINT_NOT_REACHABLE' })
    // The oldest one left is fuzzy there, and nothing older could make it true.
    await expect(replay(directory, parseZxid('0xaa'))).rejects.toMatchObject({ code: 'POINT_NOT_SETTLED' })
  })

  it('needs a snapshot', async () => {
    const directory = copyWithout('3.8.4/mixed', (name) => name.startsWith('snapshot.'))
    await expect(replay(directory, 'latest')).rejects.toMatchObject({ code: 'SOURCE_NO_SNAPSHOT' })
  })

  it('has a zxid that a transaction has, unless the one before it will do', async () => {
    const directory = join(vectors, '3.8.4/ensemble')
    const between = parseZxid('0x50')
    await expect(replay(directory, between)).rejects.toMatchObject({
      code: 'POINT_NOT_REACHABLE',
      message: expect.stringContaining('the one before it has 0x0'),
    })
    expect(formatZxid((await replay(directory, between, { match: 'at-or-before' })).zxid)).toBe('0x0')
  })
})
