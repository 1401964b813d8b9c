import { toHex } from '../../base/hex.ts'
import type { JsonObject } from '../../base/json.ts'
import type { RecoveryPoint } from '../../archive/commit-body.ts'
import type { History, Timeline } from '../../archive/history.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatTime } from '../format-text.ts'
import type { Output } from '../output.ts'

/** A time that may be unknown. */
export const timeOrDash = (ms: number | null): string => (ms === null ? '-' : formatTime(ms))

/** A field for a time, left out when it is unknown. */
export function timeField(name: string, ms: number | null): JsonObject {
  return ms === null ? {} : { [name]: formatTime(ms) }
}

const right = { align: 'right' } as const

export function renderPoints(output: Output, repository: string, timelines: readonly Timeline[]): void {
  const points = timelines.flatMap((timeline) => timeline.points.map((point) => ({ timeline: timeline.id, point })))
  if (points.length === 0) output.line(`There is no recovery point in ${repository} yet.`)
  else {
    output.table(
      [
        { title: 'TIMELINE' },
        { title: 'ZXID' },
        { title: 'TIME' },
        { title: 'CLASS' },
        { title: 'ZNODES', ...right },
        { title: 'SESSIONS', ...right },
        { title: 'NAME' },
      ],
      points.map(({ timeline, point }) => [
        timeline,
        formatZxid(point.zxid),
        timeOrDash(point.timeMs),
        point.consistency,
        formatCount(point.state.znodes),
        formatCount(point.state.sessions),
        point.name ?? '-',
      ]),
    )
  }
  output.result({ repository, points: points.map(({ timeline, point }) => pointDocument(timeline, point)) })
}

function pointDocument(timeline: string, point: RecoveryPoint): JsonObject {
  const { zxid, timeMs, name, consistency, state, digest } = point
  return {
    timeline,
    zxid: formatZxid(zxid),
    ...timeField('time', timeMs),
    ...(name === null ? {} : { name }),
    class: consistency,
    znodes: state.znodes,
    sessions: state.sessions,
    root: toHex(state.stateRoot),
    ...(digest === null ? {} : { digest }),
  }
}

export function renderTimelines(output: Output, repository: string, { timelines }: History): void {
  if (timelines.length === 0) output.line(`There is no timeline in ${repository} yet.`)
  else {
    output.table(
      [{ title: 'TIMELINE' }, { title: 'FROM' }, { title: 'THROUGH' }, { title: 'COMMITS', ...right }, { title: 'REASON' }],
      timelines.map((timeline) => [
        timeline.id,
        timeline.parent === null ? '-' : `${timeline.parent} at ${zxidOrDash(timeline.forkZxid)}`,
        zxidOrDash(timeline.intervals.at(-1)?.through ?? null),
        formatCount(timeline.head.seq),
        timeline.reason,
      ]),
    )
  }
  output.result({ repository, timelines: timelines.map(timelineDocument) })
}

const zxidOrDash = (zxid: Timeline['forkZxid']): string => (zxid === null ? '-' : formatZxid(zxid))

function timelineDocument({ id, parent, forkZxid, reason, head, intervals }: Timeline): JsonObject {
  const last = intervals.at(-1)
  return {
    name: id,
    ...(parent === null ? {} : { parent }),
    ...(forkZxid === null ? {} : { parentZxid: formatZxid(forkZxid) }),
    reason,
    commits: head.seq,
    ...(last === undefined ? {} : { last: formatZxid(last.through) }),
  }
}
