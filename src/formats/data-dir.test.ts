import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withDirectory } from '../../test/formats/hand-written.ts'
import { formatZxid, parseZxid } from '../model/zxid.ts'
import { listDataDir, logsCovering } from './data-dir.ts'
import { logName, parseFileName, snapshotName } from './file-name.ts'

async function lay(directory: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), text)
  }
}

describe('file names', () => {
  it.each([
    ['snapshot.0', 'snapshot', 0n, 'none'],
    ['snapshot.1a0000002b', 'snapshot', 0x1a0000002bn, 'none'],
    ['snapshot.FF.gz', 'snapshot', 255n, 'gz'],
    ['snapshot.1.snappy', 'snapshot', 1n, 'snappy'],
    ['log.7fffffffffffffff', 'log', 2n ** 63n - 1n, 'none'],
  ])('%s is understood', (name, kind, zxid, compression) => {
    expect(parseFileName(name)).toEqual({ kind, zxid, compression })
  })

  it.each([
    'snapshot',
    'snapshot.',
    'snapshot.xyz',
    'log.1.gz',
    'log.1.fixed',
    'snapshot.1.zst',
    'snapshot.8000000000000000',
    'xlog.1',
    'log.0x1',
  ])('%s is foreign', (name) => {
    expect(parseFileName(name)).toBeUndefined()
  })

  it('are written in lower-case hexadecimal digits without 0x', () => {
    expect(snapshotName(parseZxid('0x1A0000002b'))).toBe('snapshot.1a0000002b')
    expect(snapshotName(parseZxid('0xa'), 'gz')).toBe('snapshot.a.gz')
    expect(logName(parseZxid('0x100'))).toBe('log.100')
  })
})

describe('listDataDir', () => {
  it('lists what a server has, ordered by zxid as a number', async () => {
    await withDirectory(async (directory) => {
      await lay(directory, {
        myid: '3\n',
        initialize: '',
        'version-2/snapshot.ff': '12345',
        'version-2/snapshot.100.gz': '1',
        'version-2/snapshot.9': '1',
        'version-2/log.100': '123',
        'version-2/log.a': '',
        'version-2/currentEpoch': '5',
        'version-2/acceptedEpoch': '5\n',
        'version-2/acceptedEpoch.tmp': '6',
        'version-2/snapshot.1.zst': '',
        'version-2/log.1.fixed': '',
      })
      await mkdir(join(directory, 'version-2', 'log.5'))
      const found = await listDataDir(directory)
      const inside = (name: string) => join(directory, 'version-2', name)
      expect(found).toEqual({
        snapshotDir: join(directory, 'version-2'),
        logDir: join(directory, 'version-2'),
        snapshots: [
          { path: inside('snapshot.9'), zxid: 9n, sizeBytes: 1, compression: 'none' },
          { path: inside('snapshot.ff'), zxid: 255n, sizeBytes: 5, compression: 'none' },
          { path: inside('snapshot.100.gz'), zxid: 256n, sizeBytes: 1, compression: 'gz' },
        ],
        logs: [
          { path: inside('log.a'), zxid: 10n, sizeBytes: 0 },
          { path: inside('log.100'), zxid: 256n, sizeBytes: 3 },
        ],
        currentEpoch: { path: inside('currentEpoch'), text: '5', epoch: 5n },
        acceptedEpoch: { path: inside('acceptedEpoch'), text: '5\n', epoch: 5n },
        epochLeftovers: [{ path: inside('acceptedEpoch.tmp'), text: '6', epoch: 6n }],
        myid: '3',
        initialize: 'present',
        foreign: [inside('log.1.fixed'), inside('log.5'), inside('snapshot.1.zst')],
      })
      expect(await listDataDir(join(directory, 'version-2'))).toEqual(found)
    })
  })

  it('takes logs from a directory of their own, named with or without version-2', async () => {
    await withDirectory(async (directory) => {
      await lay(directory, { 'data/version-2/snapshot.0': '', 'logs/version-2/log.1': '' })
      for (const logs of ['logs', 'logs/version-2']) {
        const found = await listDataDir(join(directory, 'data'), join(directory, logs))
        expect(found.snapshots).toHaveLength(1)
        expect(found.logs).toHaveLength(1)
        expect(found.logDir).toBe(join(directory, 'logs', 'version-2'))
        expect(found.initialize).toBe('absent')
        expect(found).not.toHaveProperty('currentEpoch')
      }
    })
  })

  it('lists logs without a snapshot, and epochs that are no numbers: the caller decides', async () => {
    await withDirectory(async (directory) => {
      await lay(directory, { 'version-2/log.1': '', 'version-2/currentEpoch': 'five' })
      const found = await listDataDir(directory)
      expect(found.snapshots).toEqual([])
      expect(found.currentEpoch).toMatchObject({ text: 'five', epoch: undefined })
    })
  })

  it('refuses a directory that is missing, empty, unreadable or of something else, each in its own words', async () => {
    await withDirectory(async (directory) => {
      await lay(directory, { 'other/readme.txt': '', 'strange/version-2/readme.txt': '', 'new/version-2/acceptedEpoch': '0', file: '' })
      await mkdir(join(directory, 'empty'))
      await mkdir(join(directory, 'fresh', 'version-2'), { recursive: true })
      const codeOf = async (name: string) =>
        listDataDir(join(directory, name)).then(
          () => 'none',
          (error: unknown) => (error as { code?: string }).code,
        )
      expect(await codeOf('nowhere')).toBe('SOURCE_NOT_FOUND')
      expect(await codeOf('file')).toBe('SOURCE_NOT_FOUND')
      expect(await codeOf('empty')).toBe('SOURCE_EMPTY')
      expect(await codeOf('fresh')).toBe('SOURCE_EMPTY')
      expect(await codeOf('new')).toBe('SOURCE_EMPTY')
      expect(await codeOf('other')).toBe('SOURCE_NOT_ZOOKEEPER')
      expect(await codeOf('strange')).toBe('SOURCE_NOT_ZOOKEEPER')
      await expect(listDataDir(join(directory, 'nowhere'))).rejects.toMatchObject({ place: { file: join(directory, 'nowhere') } })
    })
  })

  it('refuses a directory that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read every directory')
    await withDirectory(async (directory) => {
      await mkdir(join(directory, 'closed'))
      await chmod(join(directory, 'closed'), 0)
      await expect(listDataDir(join(directory, 'closed'))).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' })
    })
  })
})

describe('logsCovering', () => {
  const logs = ['0x100', '0x1', '0x20', '0xff'].map((text) => ({ zxid: parseZxid(text) }))
  const names = (after: string) => logsCovering(logs, parseZxid(after)).map(({ zxid }) => formatZxid(zxid))

  it('takes every log with a greater name and the greatest that is not', () => {
    expect(names('0x0')).toEqual(['0x1', '0x20', '0xff', '0x100'])
    expect(names('0x1')).toEqual(['0x1', '0x20', '0xff', '0x100'])
    expect(names('0x1f')).toEqual(['0x1', '0x20', '0xff', '0x100'])
    expect(names('0x20')).toEqual(['0x20', '0xff', '0x100'])
    expect(names('0xff')).toEqual(['0xff', '0x100'])
    expect(names('0x100')).toEqual(['0x100'])
    expect(names('0x100000000')).toEqual(['0x100'])
    expect(logsCovering([], parseZxid('0x1'))).toEqual([])
  })
})
