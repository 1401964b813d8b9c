import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toZxid, type Zxid } from '../model/zxid.ts'
import type { RecoveryPoint } from './commit-body.ts'
import { planHistory, type History, type OwnPart } from './history.ts'
import { planPath } from './plan-path.ts'
import type { StoredSegment } from './segment-writer.ts'

const end = 40

/** Runs of txns as [after, last] and points, on two timelines of which the second forks from the first. */
const arbitraryHistory = fc.record({
  points: fc.array(fc.nat(end), { maxLength: 4 }),
  runs: fc.array(fc.tuple(fc.nat(end), fc.integer({ min: 1, max: 12 })), { maxLength: 8 }),
  fork: fc.nat(end),
  childPoints: fc.array(fc.nat(end), { maxLength: 2 }),
  childRuns: fc.array(fc.tuple(fc.nat(end), fc.integer({ min: 1, max: 12 })), { maxLength: 4 }),
})

type PlainHistory = typeof arbitraryHistory extends fc.Arbitrary<infer T> ? T : never

function point(zxid: number): RecoveryPoint {
  return { zxid: toZxid(BigInt(zxid)), timeMs: null } as RecoveryPoint
}

function segment([after, length]: [number, number], timeline: string): StoredSegment {
  const [start, last] = [toZxid(BigInt(after)), toZxid(BigInt(after + length))]
  return { timeline, after: start, first: toZxid(start + 1n), last, lastTimeMs: 0 } as StoredSegment
}

function part(id: string, parent: string | null, fork: Zxid | null, points: number[], runs: [number, number][]): OwnPart {
  const byNumber = (a: number, b: number) => a - b
  return {
    start: { id, parent, forkZxid: fork, reason: '' },
    points: points.toSorted(byNumber).map(point),
    segments: runs.toSorted((a, b) => a[0] - b[0]).map((run) => segment(run, id)),
    recordedGaps: [],
    capturedAtMs: 0,
    head: undefined as never,
  }
}

function historyOf({ points, runs, fork, childPoints, childRuns }: PlainHistory): History {
  return planHistory([part('1', null, null, points, runs), part('2', '1', toZxid(BigInt(fork)), childPoints, childRuns)])
}

/** Every zxid that can be reached, found by following single txns. */
function reachable(points: number[], txns: ReadonlySet<string>): boolean[] {
  return Array.from({ length: end + 20 }, (_, zxid) => points.some((from) => from <= zxid && leads(from, zxid, txns)))
}

function leads(from: number, to: number, txns: ReadonlySet<string>): boolean {
  for (let at = from; at < to; at++) if (!txns.has(String(at + 1))) return false
  return true
}

function txnsOf(runs: [number, number][], through = Infinity): string[] {
  return runs.flatMap(([after, length]) =>
    Array.from({ length }, (_, i) => after + 1 + i)
      .filter((zxid) => zxid <= through)
      .map(String),
  )
}

test('intervals hold exactly the zxids that points and txns lead to, also through a fork', () => {
  fc.assert(
    fc.property(arbitraryHistory, (plain) => {
      const { timelines } = historyOf(plain)
      const { points, runs, fork, childPoints, childRuns } = plain
      const parent = reachable(points, new Set(txnsOf(runs)))
      const shared = points.filter((zxid) => zxid <= fork)
      const child = reachable([...shared, ...childPoints], new Set([...txnsOf(runs, fork), ...txnsOf(childRuns)]))
      for (const [i, expected] of [parent, child].entries()) {
        const found = expected.map((_, zxid) => timelines[i].intervals.some(({ from, through }) => from <= zxid && zxid <= through))
        expect(found).toEqual(expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('a path starts at a point and its segments leave no txn out', () => {
  fc.assert(
    fc.property(arbitraryHistory, (plain) => {
      const history = historyOf(plain)
      for (const { id, intervals } of history.timelines) {
        for (const { from, through } of intervals) {
          for (let zxid = from; zxid <= through; zxid = toZxid(zxid + 1n)) {
            const path = planPath(history, id, zxid)
            let reached = path.point.zxid
            expect(reached <= zxid).toBe(true)
            for (const { after, last, usable, timeline } of path.segments) {
              expect(usable?.after).toBe(reached)
              expect(after <= reached && usable !== undefined && usable.through <= last && reached < usable.through).toBe(true)
              if (timeline !== id) expect(usable?.through).toBeLessThanOrEqual(plain.fork)
              reached = usable?.through ?? last
            }
            expect(reached >= zxid).toBe(true)
          }
        }
      }
    }),
    { numRuns: 200 },
  )
})
