import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { encodePath, formatPath } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import { backUp } from '../backup.ts'
import { storeOf } from '../repository-place.ts'
import type { RunContext } from '../run-context.ts'
import { blameZnode } from './blame.ts'
import { readChangeLog } from './change-log.ts'
import type { ZnodeChange } from './change-tracker.ts'
import { countSessionDifferences, diffPlaces, openBoth } from './diff-places.ts'
import type { Difference } from './difference.ts'
import { dumpFile } from './dump-file.ts'
import { parseHistoryBounds } from './history-bounds.ts'
import { parseIgnored } from './ignored-aspects.ts'
import { inspectFile } from './inspect-file.ts'
import { requireZnode } from './list-children.ts'
import { type HistoryPlace, withHistory } from './open-history.ts'
import { openPlace } from './open-place.ts'
import { ZnodeSelection } from './znode-selection.ts'

const vectors = fileURLToPath(new URL('../../../test/vectors/zookeeper', import.meta.url))
const folders = readdirSync(vectors).map((version) => join(vectors, version, 'mixed'))

const context: RunContext = { clock: systemClock, signal: new AbortController().signal, onProgress: () => {}, onNotice: () => {} }

let repo = ''
beforeEach(() => {
  repo = mkdtempSync(join(tmpdir(), 'zooark-look-'))
})
afterEach(() => {
  rmSync(repo, { recursive: true, force: true })
})

async function changesOf(place: HistoryPlace, path: string, reach: 'self' | 'subtree', since?: string): Promise<ZnodeChange[]> {
  const changes: ZnodeChange[] = []
  const bounds = parseHistoryBounds(since, undefined, 0)
  await withHistory(place, context, (source) =>
    readChangeLog(source, new ZnodeSelection(encodePath(path), reach), { bounds }, (change) => changes.push(change)),
  )
  return changes
}

async function differencesOf(a: string, b: string, options: { repo?: string; path?: string } = {}): Promise<Difference[]> {
  const places = await openBoth(a, b, options, context)
  const found: Difference[] = []
  for await (const difference of diffPlaces(places, parseIgnored(undefined))) found.push(difference)
  expect(await countSessionDifferences(places, parseIgnored('sessions'))).toBe(0)
  return found
}

describe.each(folders)('what a repository made from %s tells', (folder) => {
  beforeEach(async () => {
    await backUp({ dataDir: folder, store: storeOf(repo) }, context)
  })

  it('is the history that the files tell', async () => {
    // What the repository holds begins with its first point, where the files may begin earlier.
    const first = (await changesOf({ repo }, '/', 'subtree'))[0].zxid
    const since = `before:${formatZxid(first)}`
    const fromFiles = await changesOf({ from: folder }, '/', 'subtree', since)
    const fromRepository = await changesOf({ repo }, '/', 'subtree', since)
    const told = (changes: readonly ZnodeChange[]): string[] =>
      changes.map(({ zxid, operation, path, after }) => `${formatZxid(zxid)} ${operation} ${formatPath(path)} ${after?.version}`)
    expect(told(fromRepository)).toEqual(told(fromFiles))
    expect(fromRepository.length).toBeGreaterThan(100)
  })

  it('is the same for one znode by its blocks alone as among all', async () => {
    const all = await changesOf({ repo }, '/', 'subtree')
    const paths = [...new Set(all.map(({ path }) => formatPath(path)))]
    for (const path of paths.filter((_, i) => i % 17 === 0)) {
      const own = await changesOf({ repo }, path, 'self')
      expect(own).toEqual(all.filter((change) => formatPath(change.path) === path))
    }
  })

  it('is the state that the files lead to, and blames the same transactions', async () => {
    expect(await differencesOf(`repo:${repo}@latest`, folder)).toEqual([])
    const { view } = await openPlace(`repo:${repo}@latest`, {}, context)
    for (const path of ['/load', '/load/w0', '/zookeeper']) {
      const znode = await requireZnode(view, path)
      const partsOf = async (place: HistoryPlace) =>
        (await withHistory(place, context, (source) => blameZnode(source, znode, view.zxid))).parts
      const [ofRepository, ofFiles] = [await partsOf({ repo }), await partsOf({ from: folder })]
      for (const [i, part] of ofRepository.entries()) {
        expect([path, part.part, part.zxid]).toEqual([path, ofFiles[i].part, ofFiles[i].zxid ?? part.zxid])
        // The files may reach further back than the first point.
        if (part.session !== undefined) expect(part).toEqual(ofFiles[i])
      }
    }
  })

  it('differs between two points by what happened between them', async () => {
    const all = await changesOf({ repo }, '/', 'subtree')
    const last = all.at(-1)
    if (last === undefined) throw new Error('a history without changes')
    const differences = await differencesOf(`before:${formatZxid(last.zxid)}`, 'latest', { repo })
    expect(differences.map(({ path }) => formatPath(path))).toContain(formatPath(last.path))
    expect(await differencesOf('latest', 'latest', { repo })).toEqual([])
  })

  it('stands in objects that inspect verifies and whose transactions it prints', async () => {
    const objects = readdirSync(repo, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(objects.length).toBeGreaterThan(3)
    for (const { parentPath, name } of objects) {
      const file = join(parentPath, name)
      const report = await inspectFile(file)
      expect([file, report.kind, report.findings]).toEqual([file, 'repository-object', []])
      if (!parentPath.endsWith('segment')) continue
      const { records, undecodable } = await dumpFile(file, { form: 'json' }, async () => {})
      expect(undecodable).toBe(0)
      expect(records).toBeGreaterThan(100)
    }
  })
})
