import type { JsonObject } from '../../base/json.ts'
import type { StatusGap, StatusInterval, StatusReport } from '../../engine/status.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatDuration, formatSize, formatTime } from '../format-text.ts'
import type { Output } from '../output.ts'
import { timeField, timeOrDash } from './history.ts'

/** The first line answers what can be restored right now; what is missing comes next, and then the details. */
export function renderStatus(output: Output, report: StatusReport): void {
  output.line(headline(report))
  for (const { object, message } of report.problems) output.line(`DAMAGED ${object}: ${message}`)
  for (const gap of report.gaps) output.line(gapLine(gap))
  if (report.intervals.length > 0) {
    output.line()
    output.table(
      [{ title: 'TIMELINE' }, { title: 'FROM' }, { title: 'TIME' }, { title: 'THROUGH' }, { title: 'TIME' }],
      report.intervals.map((interval) => [
        interval.timeline,
        formatZxid(interval.from),
        timeOrDash(interval.fromTimeMs),
        formatZxid(interval.through),
        timeOrDash(interval.throughTimeMs),
      ]),
    )
  }
  output.line()
  output.fields(fieldsOf(report))
  output.result(statusDocument(report))
}

function headline({ repository, intervals, newest, gaps, problems }: StatusReport): string {
  if (newest === null) return `Nothing can be restored yet: ${repository} holds no recovery point.`
  const last = intervals.findLast(({ timeline, through }) => timeline === newest.timeline && through === newest.zxid)
  if (last === undefined) return `Nothing can be restored from timeline ${newest.timeline} of ${repository}.`
  const times = timesText(last.fromTimeMs, last.throughTimeMs)
  const others = intervals.length - 1
  const rest = others === 0 ? '' : `, and ${others} other ${others === 1 ? 'interval' : 'intervals'} below`
  const missing = gaps.length === 0 ? '' : `; ${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}`
  const doubt = problems.length === 0 ? '' : ', AS FAR AS THE DAMAGE BELOW ALLOWS'
  return `Restorable now: every txn from ${formatZxid(last.from)} to ${formatZxid(last.through)}${times}${rest}${missing}${doubt}.`
}

/** A state before the first txn has no time. */
function timesText(fromMs: number | null, throughMs: number | null): string {
  if (fromMs === null && throughMs === null) return ''
  if (fromMs === null || throughMs === null) return fromMs === null ? ` (up to ${timeOrDash(throughMs)})` : ` (from ${timeOrDash(fromMs)})`
  return ` (${formatTime(fromMs)} to ${formatTime(throughMs)})`
}

function gapLine({ timeline, after, before, afterTimeMs, beforeTimeMs, cause }: StatusGap): string {
  const times = timesText(afterTimeMs, beforeTimeMs)
  return `GAP on timeline ${timeline}: nothing after ${formatZxid(after)} and before ${formatZxid(before)}${times}: ${cause}`
}

function fieldsOf(report: StatusReport): (readonly [string, string])[] {
  const { newest, restore } = report
  const fields: (readonly [string, string])[] = []
  if (newest !== null) {
    const age = formatDuration(newest.ageMs)
    fields.push(['newest', `${formatZxid(newest.zxid)} of timeline ${newest.timeline}, ${timeOrDash(newest.timeMs)}`])
    fields.push(['lost if it burns now', `what was committed in the last ${age}, since the source was last looked at`])
  }
  if (restore !== null) {
    const work = `${formatCount(restore.znodes)} znodes, up to ${formatCount(restore.txns)} txns to replay`
    fields.push([
      'a restore takes',
      `about ${formatDuration(restore.estimateMs)} at most (an estimate: ${work}); the start of the servers comes on top`,
    ])
  }
  const left = report.unreferenced === 0 ? '' : `; ${formatCount(report.unreferenced)} more of interrupted backups, which are harmless`
  fields.push([
    'holds',
    `${count(report.points, 'recovery point')} on ${count(report.timelines, 'timeline')}, ${count(report.objects, 'object')}, ${formatSize(report.bytes)}${left}`,
  ])
  fields.push(['repository', report.repository])
  return fields
}

const count = (n: number, what: string): string => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`

function statusDocument(report: StatusReport): JsonObject {
  const { repository, timelines, points, objects, bytes, unreferenced, newest, restore } = report
  return {
    repository,
    timelines,
    points,
    objects,
    bytes,
    unreferenced,
    intervals: report.intervals.map(intervalDocument),
    gaps: report.gaps.map(gapDocument),
    ...(newest === null
      ? {}
      : {
          last: formatZxid(newest.zxid),
          ...timeField('lastTime', newest.timeMs),
          lookedAtTime: formatTime(newest.capturedAtMs),
          ageMs: newest.ageMs,
        }),
    ...(restore === null ? {} : { restore: { ...restore } }),
    findings: report.problems.map(({ object, problem, message }) => ({
      code: { missing: 'OBJECT_NOT_FOUND', damaged: 'REPOSITORY_DAMAGED', 'too-new': 'REPOSITORY_FORMAT_TOO_NEW' }[problem],
      message,
      place: { object },
    })),
  }
}

function intervalDocument({ timeline, from, through, fromTimeMs, throughTimeMs }: StatusInterval): JsonObject {
  return {
    timeline,
    first: formatZxid(from),
    last: formatZxid(through),
    ...timeField('firstTime', fromTimeMs),
    ...timeField('lastTime', throughTimeMs),
  }
}

function gapDocument({ timeline, after, before, afterTimeMs, beforeTimeMs, cause }: StatusGap): JsonObject {
  return {
    timeline,
    after: formatZxid(after),
    before: formatZxid(before),
    ...timeField('afterTime', afterTimeMs),
    ...timeField('beforeTime', beforeTimeMs),
    cause,
  }
}
