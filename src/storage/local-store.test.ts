import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeError } from './local-files.ts'
import { type LocalStep, localStore } from './local-store.ts'
import type { ObjectStore } from './object-store.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zooark-local-'))
})
afterEach(async () => {
  await chmod(root, 0o755)
  await rm(root, { recursive: true })
})

const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at)
const keysOf = async (store: ObjectStore) => {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}
const stopAt = (stop: LocalStep) => (step: LocalStep) => {
  if (step === stop) throw new Error(`killed after ${stop}`)
}

describe('a writer killed after a step', () => {
  it.each<[LocalStep, boolean]>([
    ['created', false],
    ['written', false],
    ['synced', false],
    ['named', true],
    ['unlinked', true],
    ['durable', true],
  ])('%s: the object is there whole (%s) or not at all, and the next writer succeeds', async (step, there) => {
    await expect(localStore(root, { onStep: stopAt(step) }).put('pack/a', bytes)).rejects.toThrow('killed')
    const store = localStore(root)
    expect(await keysOf(store)).toEqual(there ? ['pack/a'] : [])
    if (there) expect(Buffer.compare(await store.get('pack/a'), bytes)).toBe(0)
    expect(await store.putIfAbsent('pack/a', bytes)).toBe(!there)
    await store.put('pack/a', bytes)
    expect(Buffer.compare(await store.get('pack/a'), bytes)).toBe(0)
  })

  it.each<LocalStep>(['created', 'named', 'written', 'synced'])(
    '%s, without hard links: put of the same bytes completes what is torn',
    async (step) => {
      await expect(localStore(root, { naming: 'exclusive', onStep: stopAt(step) }).put('pack/a', bytes)).rejects.toThrow('killed')
      const store = localStore(root, { naming: 'exclusive' })
      await store.put('pack/a', bytes)
      expect(Buffer.compare(await store.get('pack/a'), bytes)).toBe(0)
    },
  )
})

it('a finished write leaves nothing in tmp, and a lost race neither', async () => {
  const store = localStore(root)
  await store.put('a', bytes)
  expect(await store.putIfAbsent('a', bytes)).toBe(false)
  expect(await readdir(join(root, 'tmp'))).toEqual([])
})

it('the first write removes leftovers of yesterday from tmp, not those of a living writer', async () => {
  await mkdir(join(root, 'tmp'))
  await writeFile(join(root, 'tmp/old'), 'x')
  await writeFile(join(root, 'tmp/young'), 'x')
  const dayAndHourAgo = Date.now() / 1000 - 25 * 3600
  await utimes(join(root, 'tmp/old'), dayAndHourAgo, dayAndHourAgo)
  const store = localStore(root)
  await store.put('a', bytes)
  expect(await readdir(join(root, 'tmp'))).toEqual(['young'])
  expect(await keysOf(store)).toEqual(['a'])
})

it('files that are no objects are not listed', async () => {
  await writeFile(join(root, '.DS_Store'), 'x')
  await writeFile(join(root, 'README'), 'x')
  await symlink('/nowhere', join(root, 'dangling'))
  const store = localStore(root)
  await store.put('a', bytes)
  expect(await keysOf(store)).toEqual(['a'])
})

it('keys in tmp are refused: they would mix with objects under work', async () => {
  await expect(localStore(root).put('tmp/a', bytes)).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
})

it('what the operating system answers becomes a coded error with file and object', () => {
  const answered = (code: string, intent: 'read' | 'write') => {
    const error = Object.assign(new Error(code), { code })
    return storeError(error, intent, 'pack/a', '/r/pack/a')
  }
  const place = { file: '/r/pack/a', object: 'pack/a' }
  for (const [code, intent, expected] of [
    ['ENOSPC', 'write', 'STORE_FULL'],
    ['EDQUOT', 'write', 'STORE_FULL'],
    ['EACCES', 'read', 'STORE_UNREADABLE'],
    ['EROFS', 'write', 'STORE_UNREADABLE'],
    ['EIO', 'read', 'STORE_FAILED'],
    ['ENOENT', 'read', 'OBJECT_NOT_FOUND'],
    ['ENOENT', 'write', 'STORE_FAILED'],
    ['EMFILE', 'read', 'STORE_FAILED'],
  ] as const) {
    expect(answered(code, intent), `${code} ${intent}`).toMatchObject({ code: expected, place })
  }
})

it('a root that is a file is a coded error, and the file stays', async () => {
  await writeFile(join(root, 'file'), 'x')
  await expect(localStore(join(root, 'file')).put('a', bytes)).rejects.toThrow(expect.objectContaining({ code: 'REPOSITORY_PLACE_TAKEN' }))
  await expect(localStore(join(root, 'file')).get('a')).rejects.toThrow(expect.objectContaining({ code: 'OBJECT_NOT_FOUND' }))
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('x')
})
