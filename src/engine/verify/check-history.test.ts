import { beforeEach, describe, expect, test } from 'vitest'
import { sampleHistory } from '../../../test/engine/stored-history.ts'
import type { Timeline } from '../../archive/history.ts'
import type { StoredSegment } from '../../archive/segment-writer.ts'
import { checkHistory } from './check-history.ts'
import { Findings } from './findings.ts'
import { readSoundHistory, type SoundHistory } from './sound-history.ts'

describe('what commits say of themselves', () => {
  let sound: SoundHistory
  let timeline: Timeline
  beforeEach(async () => {
    const server = await sampleHistory()
    sound = await readSoundHistory(server.repository, new Findings())
    timeline = sound.history.timelines[0]
  })

  const messages = (changed: Timeline, from: SoundHistory = sound): string[] => {
    const findings = new Findings()
    checkHistory(from, changed, findings)
    return findings.list.map(({ message }) => message)
  }
  const withSegment = (change: Partial<StoredSegment>): Timeline => {
    const [first, second] = timeline.segments
    return { ...timeline, segments: [first, { ...second, ...change }] }
  }

  test('holds for what was written', () => {
    expect(timeline.segments[1].previous).not.toBeNull()
    expect(messages(timeline)).toEqual([])
  })

  test('fails where a segment follows one that is not there', () => {
    expect(messages(withSegment({ previous: 'f'.repeat(64) }))).toEqual(['the segment that this one follows is not there'])
  })

  test('fails where a segment begins before the one it follows ends', () => {
    const { after } = timeline.segments[1]
    expect(messages(withSegment({ after: (after - 1n) as typeof after }))).toEqual(['the segment that this one follows ends elsewhere'])
  })

  test('fails where the digests between two segments differ, and holds where one is unknown', () => {
    const first = { ...timeline.segments[0], digestAfter: '0x1' }
    const second = { ...timeline.segments[1], digestBefore: '0x2' }
    expect(messages({ ...timeline, segments: [first, second] })).toEqual([expect.stringContaining('0x1')])
    expect(messages({ ...timeline, segments: [first, { ...second, digestBefore: null }] })).toEqual([])
  })

  test('fails where a segment is not among the objects of its commit', () => {
    const commits = (sound.commits.get('1') ?? []).map((read) => ({ ...read, commit: { ...read.commit, blobs: [] } }))
    const expected = timeline.segments.map(() => expect.stringContaining('is not among the objects of its commit'))
    expect(messages(timeline, { ...sound, commits: new Map([['1', commits]]) })).toEqual(expected)
  })

  test('fails where a point is in no interval, and where its roots do not belong together', () => {
    expect(messages({ ...timeline, intervals: [] })).toHaveLength(timeline.points.length)
    const [point] = timeline.points
    const wrong = { ...point, state: { ...point.state, sessionsRoot: new Uint8Array(32) } }
    expect(messages({ ...timeline, points: [wrong] })).toEqual([expect.stringContaining('the state root does not follow')])
  })
})
