import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adler32 } from '../../src/base/checksum.ts'
import { verifyRepository } from '../../src/engine/verify.ts'
import { formatZxid } from '../../src/model/zxid.ts'
import { SampleServer } from '../../src/source/sample-server.ts'
import { Scenario, session, startMs } from './scenario.ts'

describe('backup of a data directory', () => {
  it('takes every transaction, each a restore point', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.setData('/a', 'second', session)
    await server.close()
    const report = await scenario.backUp()
    expect(report).toMatchObject({ base: 'new', timeline: '1', txns: 5, gaps: [], losses: [], first: 0n, last: server.lastZxid })
    for (const at of ['0x0', '0x100000001', '0x100000003', '0x100000005']) {
      expect(await scenario.exactRootAt(at)).toBe(await scenario.rootOfFiles('data', at))
    }
  })

  it('adds only what came since, and nothing when nothing came', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    await scenario.backUp()
    await server.setData('/b', 'new', session)
    await server.sync()
    expect(await scenario.backUp()).toMatchObject({ base: 'continued', txns: 1, first: 0n, last: server.lastZxid })
    const again = await scenario.backUp()
    expect(again).toMatchObject({ base: 'unchanged', txns: 0, last: server.lastZxid })
    expect(again.bytesStored).toBe(0)
    await server.close()
    const { history } = await scenario.open()
    expect(history.timelines.map(({ intervals }) => intervals.length)).toEqual([1])
  })

  it('names the point at its end, also when nothing came since', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.close()
    await scenario.backUp()
    const report = await scenario.backUp('data', 'before-upgrade')
    expect(report.point.name).toBe('before-upgrade')
    expect(await scenario.exactRootAt('name:before-upgrade')).toBe(await scenario.rootOfFiles('data', 'latest'))
  })

  it('commits a long log in parts, each of which verifies', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    for (let i = 0; i < 300; i++) await server.setData('/a', `${i}`.repeat(2000), session)
    await server.close()
    const report = await scenario.backUp('data', undefined, { segmentBytesMax: 4096, segmentsPerCommit: 3 })
    const { repository } = await scenario.open()
    expect((await repository.commits('1')).length).toBeGreaterThan(3)
    expect(report).toMatchObject({ txns: 304, last: server.lastZxid })
    const verified = await verifyRepository(repository, { level: 'replay' }, scenario.context)
    expect(verified.findings).toEqual([])
  })

  it('keeps what stands before a transaction that does not fit, and that verifies', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.commit({ kind: 'delete', path: new TextEncoder().encode('/never/there') }, session)
    await server.close()
    const report = await scenario.backUp()
    expect(report).toMatchObject({ last: 0x100000004n, losses: [expect.stringContaining('does not follow') as string] })
    const { repository } = await scenario.open()
    expect((await verifyRepository(repository, { level: 'replay' }, scenario.context)).findings).toEqual([])
  })

  it('keeps what stands before a transaction that cannot be decoded', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.close()
    const file = join(scenario.path('data'), 'version-2', 'log.100000001')
    const log = await readFile(file)
    const payload = Buffer.alloc(32 + 8)
    payload.writeBigInt64BE(0x100000005n, 12)
    payload.writeInt32BE(2, 28)
    payload.writeInt32BE(0x7fffffff, 32)
    const record = Buffer.concat([Buffer.alloc(12), payload, Buffer.of(0x42)])
    record.writeUInt32BE(adler32(payload, 0, payload.length), 4)
    record.writeInt32BE(payload.length, 8)
    await scenario.write('data', 'log.100000001', Buffer.concat([log, record]))
    const report = await scenario.backUp()
    expect(report).toMatchObject({ last: 0x100000004n, losses: [expect.stringContaining('0x100000005') as string] })
    expect(await scenario.exactRootAt('latest')).toBe(await scenario.rootOfFiles('data', '0x100000004'))
  })

  it('goes on over a snapshot and the purge of everything before it', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    await scenario.backUp()
    await server.snapshot()
    await server.close()
    await scenario.remove('data', 'snapshot.0', 'log.100000001')
    const next = await SampleServer.open(scenario.path('data'), { timeMs: startMs + 1000, epoch: 'same' })
    await next.setData('/a', 'after the purge', session)
    await next.close()
    expect(await scenario.backUp()).toMatchObject({ base: 'continued', txns: 1, gaps: [], first: 0n, last: next.lastZxid })
  })

  it('records a gap where a purge was quicker, and can restore on both sides of it', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    const first = await scenario.backUp()
    await server.setData('/a', 'never backed up', session)
    await server.setData('/a', 'nor this', session)
    await server.snapshot()
    await server.close()
    await scenario.remove('data', 'snapshot.0', 'log.100000001')
    const next = await SampleServer.open(scenario.path('data'), { timeMs: startMs + 1000, epoch: 'same' })
    await next.setData('/a', 'after the gap', session)
    await next.close()
    const report = await scenario.backUp()
    expect(report).toMatchObject({ base: 'new', first: server.lastZxid, last: next.lastZxid, timeline: '1' })
    expect(report.gaps).toEqual([{ after: first.last, before: server.lastZxid, cause: expect.stringContaining('were gone') as string }])
    const { history } = await scenario.open()
    expect(history.timelines[0].gaps).toHaveLength(1)
    expect(history.timelines[0].intervals.map(({ from, through }) => [from, through])).toEqual([
      [0n, first.last],
      [server.lastZxid, next.lastZxid],
    ])
    expect(await scenario.exactRootAt('latest')).toBe(await scenario.rootOfFiles('data', 'latest'))
    await expect(scenario.exactRootAt(formatZxid((first.last + 1n) as typeof first.last))).rejects.toMatchObject({ code: 'POINT_IN_GAP' })
  })

  it('goes on in a later epoch when the state shows that nothing is missing', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.snapshot()
    await server.close()
    const first = await scenario.backUp()
    await scenario.remove('data', 'snapshot.0', 'log.100000001')
    const next = await SampleServer.open(scenario.path('data'), { timeMs: startMs + 1000, epoch: 'next' })
    await next.setData('/a', 'epoch 2', session)
    await next.close()
    expect(await scenario.backUp()).toMatchObject({ base: 'continued', gaps: [], timeline: '1', txns: 1, last: next.lastZxid })
    expect(first.last).toBeLessThan(next.lastZxid)
  })

  it('starts a new timeline when other transactions stand under the same zxids', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    await scenario.copy('data', 'other')
    await server.setData('/a', 'this history', session)
    const common = formatZxid(server.lastZxid)
    await server.close()
    await scenario.backUp()
    const other = await SampleServer.create(scenario.path('elsewhere'), { timeMs: startMs })
    await other.commit({ kind: 'createSession', timeoutMs: 10_000 }, session)
    await other.create('/a', 'first', session)
    await other.create('/a/lock', '', session, { ephemeral: 'ephemeral' })
    await other.create('/b', 'b', session)
    await other.setData('/b', 'that history', session + 7n)
    await other.close()
    const report = await scenario.backUp('elsewhere')
    expect(report).toMatchObject({ timeline: '2', base: 'new' })
    const { history } = await scenario.open()
    expect(history.timelines[1]).toMatchObject({ id: '2', parent: '1', forkZxid: 0x100000004n })
    expect(await scenario.exactRootAt(`${common}@1`)).toBe(await scenario.rootOfFiles('data', 'latest'))
    expect(await scenario.exactRootAt('latest')).toBe(await scenario.rootOfFiles('elsewhere', 'latest'))
    expect(await scenario.exactRootAt(`${common}@2`)).toBe(await scenario.rootOfFiles('elsewhere', common))
  })

  it('starts a new timeline after a restore took the source back', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.setData('/a', 'a mistake', session)
    await server.setData('/b', 'another', session)
    await server.close()
    await scenario.backUp()
    await scenario.run(await scenario.plan('0x100000004', 'restored'))
    const restored = await SampleServer.open(scenario.path('restored'), { timeMs: startMs + 9000, epoch: 'next' })
    await restored.setData('/a', 'after the restore', session)
    await restored.close()
    const report = await scenario.backUp('restored')
    expect(report).toMatchObject({ timeline: '2', base: 'new', last: restored.lastZxid })
    const { history } = await scenario.open()
    expect(history.timelines[1]).toMatchObject({
      parent: '1',
      forkZxid: 0x100000004n,
      reason: expect.stringContaining('taken back') as string,
    })
    expect(await scenario.backUp('restored')).toMatchObject({ timeline: '2', base: 'unchanged' })
  })

  it('goes on with an older timeline when its server does', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.setData('/a', 'a mistake', session)
    await server.sync()
    await scenario.backUp()
    await scenario.run(await scenario.plan('0x100000004', 'restored'))
    const restored = await SampleServer.open(scenario.path('restored'), { timeMs: startMs + 9000, epoch: 'next' })
    await restored.setData('/a', 'after the restore', session)
    await restored.close()
    expect(await scenario.backUp('restored')).toMatchObject({ timeline: '2' })
    await server.setData('/b', 'on the old server', session)
    await server.close()
    expect(await scenario.backUp()).toMatchObject({ timeline: '1', base: 'continued', txns: 1, last: server.lastZxid })
    expect(await scenario.backUp('restored')).toMatchObject({ timeline: '2', base: 'unchanged' })
    expect((await scenario.open()).history.timelines).toHaveLength(2)
  })

  it('adds nothing from a server that is behind', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    await scenario.copy('data', 'follower')
    await server.setData('/a', 'newer', session)
    await server.close()
    await scenario.backUp()
    expect(await scenario.backUp('follower')).toMatchObject({ base: 'unchanged', txns: 0, last: server.lastZxid })
    expect(scenario.context.notices.join('\n')).toContain('before what the repository holds')
  })

  it('passes over a damaged snapshot, says so, and uses the next', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.snapshot()
    await server.setData('/a', 'second', session)
    await server.close()
    await scenario.cut('data', 'snapshot.0', 60)
    const report = await scenario.backUp()
    expect(report).toMatchObject({ base: 'new', first: 0x100000004n, last: server.lastZxid })
    expect(report.losses).toEqual([expect.stringContaining('snapshot.0 was passed over') as string])
  })

  it('takes what stands before a damaged record, then a new base behind it, and names the gap', async () => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.setData('/a', 'second', session)
    await server.sync()
    const file = join(scenario.path('data'), 'version-2', 'log.100000001')
    const damagedFrom = (await readFile(file)).length
    await server.setData('/a', 'this record is damaged', session)
    await server.setData('/a', 'third', session)
    await server.snapshot()
    await server.setData('/a', 'fourth', session)
    await server.close()
    const bytes = await readFile(file)
    bytes[damagedFrom + 40] ^= 1
    await scenario.write('data', 'log.100000001', bytes)
    const report = await scenario.backUp('data', 'newest')
    const damaged = expect.stringContaining('damaged') as string
    expect(report.losses).toEqual([damaged, damaged, expect.stringContaining('name newest was not given') as string])
    expect(report.gaps).toEqual([{ after: 0x100000005n, before: 0x100000007n, cause: expect.stringContaining('at byte') as string }])
    const { history } = await scenario.open()
    expect(history.timelines[0].intervals.map(({ from, through }) => [from, through])).toEqual([
      [0n, 0x100000005n],
      [0x100000007n, 0x100000007n],
    ])
  })

  it.each([
    ['its end mark', -1],
    ['its length', 8],
  ])('does not take a damage of %s for the end of the newest log', async (_what, at) => {
    const scenario = await Scenario.create()
    const server = await scenario.server()
    await server.sync()
    const file = join(scenario.path('data'), 'version-2', 'log.100000001')
    const damagedFrom = (await readFile(file)).length
    await server.setData('/a', 'this record is damaged', session)
    await server.setData('/a', 'third', session)
    await server.close()
    const bytes = await readFile(file)
    const length = bytes.readInt32BE(damagedFrom + 8)
    if (at < 0) bytes[damagedFrom + 12 + length] = 0
    else bytes.fill(0, damagedFrom, damagedFrom + 12)
    await scenario.write('data', 'log.100000001', bytes)
    const report = await scenario.backUp()
    expect(report.last).toBe(0x100000004n)
    expect(report.losses).toEqual([expect.stringContaining('valid records go on') as string])
  })

  it.each([
    ['nothing', 'SOURCE_NOT_FOUND'],
    ['empty', 'SOURCE_EMPTY'],
    ['logs-only', 'SOURCE_NO_SNAPSHOT'],
    ['snapshots-only', 'SOURCE_NO_LOGS'],
  ])('refuses a source that is %s with %s and writes nothing', async (name, code) => {
    const scenario = await Scenario.create()
    const server = await scenario.server('logs-only')
    await server.close()
    await scenario.copy('logs-only', 'snapshots-only')
    await scenario.remove('logs-only', 'snapshot.0')
    await scenario.remove('snapshots-only', 'log.100000001')
    await scenario.copy('snapshots-only', 'empty')
    await scenario.remove('empty', 'snapshot.0')
    await expect(scenario.backUp(name)).rejects.toMatchObject({ code })
    expect(await scenario.files('.')).not.toContain('repo')
  })
})
