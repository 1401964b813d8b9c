import { describe, expect, it } from 'vitest'
import type { ZooArkError } from '../base/errors.ts'
import { formatPlaceText, parsePlace, splitPath } from './place.ts'

const repository = (rest: object) => ({ kind: 'repository', repository: '/r', point: 'latest', znode: '/', ...rest })

describe('parsePlace', () => {
  it.each([
    ['/var/lib/zookeeper', { kind: 'file', path: '/var/lib/zookeeper' }],
    ['data', { kind: 'file', path: 'data' }],
    ['file:/d', { kind: 'file', path: '/d' }],
    ['FILE:/d', { kind: 'file', path: '/d' }],
    ['file:rel/d', { kind: 'file', path: 'rel/d' }],
    ['file:///d', { kind: 'file', path: '/d' }],
    ['file://localhost/d', { kind: 'file', path: '/d' }],
    ['file:/d?log=/l', { kind: 'file', path: '/d', logDir: '/l' }],
    ['file:/d?log=/l=m', { kind: 'file', path: '/d', logDir: '/l=m' }],
    ['/d?log=/l', { kind: 'file', path: '/d', logDir: '/l' }],
    ['/what?', { kind: 'file', path: '/what?' }],
    ['./a:b', { kind: 'file', path: './a:b' }],
    ['repo:/r', repository({})],
    ['repo:/r@latest', repository({})],
    ['repo:/r@latest/a/b', repository({ znode: '/a/b' })],
    ['repo:/r@latest/a/b/', repository({ znode: '/a/b' })],
    ['repo:/r@latest/', repository({})],
    ['repo:/r@0x1400000003@main/a', repository({ point: '0x1400000003', timeline: 'main', znode: '/a' })],
    ['repo:/r@2026-11-20T03:00:00Z', repository({ point: '2026-11-20T03:00:00Z' })],
    ['repo:/r@-15m/a@b', repository({ point: '-15m', znode: '/a@b' })],
    ['repo:/r@name:before-upgrade/x', repository({ point: 'name:before-upgrade', znode: '/x' })],
    ['repo:/r@before:0x5/x', repository({ point: 'before:0x5', znode: '/x' })],
    ['repo:/r@before:delete:/a/b', repository({ point: 'before:delete:/a/b' })],
    ['repo:/r@before:delete:/a/b@/c', repository({ point: 'before:delete:/a/b', znode: '/c' })],
    ['repo:/r@before:delete:/a/b@t2/c', repository({ point: 'before:delete:/a/b', timeline: 't2', znode: '/c' })],
    ['repo:/home/me@work/r@latest', repository({ repository: '/home/me@work/r' })],
    ['repo:/home/me@latests/r', repository({ repository: '/home/me@latests/r' })],
  ])('reads %s', (text, place) => {
    expect(parsePlace(text)).toEqual(place)
  })

  it.each([
    ['', 'BAD_PLACE'],
    ['file:', 'BAD_PLACE'],
    ['file://host/d', 'BAD_PLACE'],
    ['file://', 'BAD_PLACE'],
    ['file:/d?log=', 'BAD_PLACE'],
    ['file:/d?logs=/x', 'BAD_PLACE'],
    ['repo:', 'BAD_PLACE'],
    ['repo:@latest', 'BAD_PLACE'],
    ['repo:/r@', 'BAD_PLACE'],
    ['ftp:x', 'BAD_PLACE'],
    ['/a\0b', 'BAD_PLACE'],
    ['x'.repeat(20_000), 'BAD_PLACE'],
    ['zk://h1:2181/chroot', 'NOT_SUPPORTED'],
    ['observer://h1:2888', 'NOT_SUPPORTED'],
    ['s3://bucket/prefix', 'NOT_SUPPORTED'],
  ])('refuses %j with %s', (text, code) => {
    expect(() => parsePlace(text)).toThrow(expect.objectContaining({ name: 'ZooArkError', code }) as ZooArkError)
  })

  it.each(['file:/d', 'file:/d?log=/l', 'repo:/r@latest', 'repo:/r@0x1@t/a', 'repo:/r@before:delete:/a@/b', 'repo:/r@before:delete:/a@t'])(
    'writes %s back as it was',
    (text) => {
      expect(formatPlaceText(parsePlace(text))).toBe(text)
    },
  )
})

describe('splitPath', () => {
  const split = async (path: string, existing: readonly string[]) => {
    const asked: string[] = []
    const exists = (part: string) => {
      asked.push(part)
      return Promise.resolve(existing.includes(part))
    }
    const result = await splitPath({ kind: 'file', path }, exists)
    return { path: result.place.path, znode: result.znode, asked: asked.length }
  }

  it.each([
    ['/var/zk', ['/var/zk', '/var'], '/var/zk', '/'],
    ['/var/zk/', ['/var/zk', '/var'], '/var/zk', '/'],
    ['/var/zk/a/b', ['/var/zk', '/var'], '/var/zk', '/a/b'],
    ['/var/zk//a', ['/var/zk', '/var'], '/var/zk', '/a'],
    ['/zk/version-2/snapshot.5/a', ['/zk', '/zk/version-2', '/zk/version-2/snapshot.5'], '/zk/version-2/snapshot.5', '/a'],
    ['zk/a', ['zk'], 'zk', '/a'],
    ['./zk', ['./zk', '.'], './zk', '/'],
  ])('divides %s', async (path, existing, place, znode) => {
    expect(await split(path, existing)).toMatchObject({ path: place, znode })
  })

  it('asks once for each part', async () => {
    expect((await split('/a/b/c/d', ['/a'])).asked).toBe(4)
  })

  it.each(['/none/at/all', 'none', '/', 'none/a'])('refuses %s where nothing of it exists', async (path) => {
    await expect(split(path, [])).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND', place: { file: path } })
  })
})
