import { ZooArkError } from '../base/errors.ts'
import { encodePath, formatPath } from '../model/znode-path.ts'
import { formatZxid, parseZxid, type Zxid } from '../model/zxid.ts'

/** What a person asks for, parsed; see `resolvePoint` for what it comes to. */
export type PointForm =
  | { readonly form: 'latest' }
  | { readonly form: 'zxid'; readonly zxid: Zxid }
  /** The longest prefix of the timeline in which no txn is stamped later. */
  | { readonly form: 'time'; readonly timeMs: number }
  | { readonly form: 'ago'; readonly amount: number; readonly unit: AgoUnit }
  | { readonly form: 'name'; readonly name: string }
  /** The state that this txn found. */
  | { readonly form: 'before-zxid'; readonly zxid: Zxid }
  /** The state that the latest deletion of exactly this znode found. */
  | { readonly form: 'before-delete'; readonly path: Uint8Array }

export type Point = PointForm & {
  /** Null: as the form says, mostly the newest timeline. */
  readonly timeline: string | null
}

export type AgoUnit = 's' | 'm' | 'h' | 'd'

const unitMs: Record<AgoUnit, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Names of points: what needs no quoting in a shell or an URL and cannot be mistaken for anything else. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const isoPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/

/**
 * Reads POINT: `latest`, `0x…`, an ISO 8601 time with its zone, `-15m`, `name:…`, `before:0x…`, `before:delete:/a/b`, each with an
 * optional `@timeline`. An `@` followed by digits at the end is the timeline; a path that itself ends so needs one.
 * @throws BAD_POINT naming what is wrong
 */
export function parsePoint(text: string): Point {
  const suffix = /@([^@/]*)$/.exec(text)
  const isTimeline = suffix !== null && /^[1-9]\d{0,8}$/.test(suffix[1])
  if (suffix !== null && !isTimeline && !text.startsWith('before:delete:'))
    throw bad(text, `'${suffix[1]}' is not the number of a timeline`)
  const body = isTimeline ? text.slice(0, suffix.index) : text
  return { ...parseForm(body, text), timeline: isTimeline ? suffix[1] : null }
}

/** The text that `parsePoint` reads. */
export function formatPoint(point: Point): string {
  return point.timeline === null ? formatForm(point) : `${formatForm(point)}@${point.timeline}`
}

/** How long ago, in ms. */
export function agoMs(point: Extract<PointForm, { form: 'ago' }>): number {
  return point.amount * unitMs[point.unit]
}

/** @throws BAD_POINT for a name that a POINT could not say */
export function checkPointName(name: string): void {
  if (!namePattern.test(name))
    throw new ZooArkError(
      'BAD_POINT',
      `'${name}' cannot name a point: letters, digits, '.', '_' and '-', at most 100, the first a letter or digit`,
    )
}

function parseForm(body: string, text: string): PointForm {
  if (body === 'latest') return { form: 'latest' }
  if (body.startsWith('0x') || body.startsWith('0X')) return { form: 'zxid', zxid: parseZxidOf(body, text) }
  if (body.startsWith('-')) return parseAgo(body, text)
  if (body.startsWith('name:')) return { form: 'name', name: parseName(body.slice('name:'.length), text) }
  if (body.startsWith('before:delete:')) return { form: 'before-delete', path: parsePathOf(body.slice('before:delete:'.length), text) }
  if (body.startsWith('before:')) {
    const rest = body.slice('before:'.length)
    if (!/^0x/i.test(rest)) throw bad(text, 'before: needs a zxid, or delete: and a path')
    return { form: 'before-zxid', zxid: parseZxidOf(rest, text) }
  }
  if (/^\d{4}-/.test(body)) return { form: 'time', timeMs: parseTime(body, text) }
  throw bad(text, body === '' ? 'it is empty' : 'it has none of the known forms')
}

function parseZxidOf(part: string, text: string): Zxid {
  try {
    return parseZxid(part)
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    throw bad(text, error.message)
  }
}

function parseAgo(body: string, text: string): PointForm {
  const match = /^-(\d{1,9})([smhd])$/.exec(body)
  if (match === null) throw bad(text, 'a time ago is a whole number and one of s, m, h and d, such as -15m')
  return { form: 'ago', amount: Number(match[1]), unit: match[2] as AgoUnit }
}

function parseName(name: string, text: string): string {
  if (!namePattern.test(name)) throw bad(text, `'${name}' is no name of a point`)
  return name
}

function parsePathOf(path: string, text: string): Uint8Array {
  try {
    return encodePath(path)
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    throw bad(text, error.message)
  }
}

function parseTime(body: string, text: string): number {
  const match = isoPattern.exec(body)
  if (match === null) throw bad(text, 'a time is written as 2026-11-20T03:00:00Z')
  if (match[3] === undefined) throw bad(text, 'the time has no zone: end it with Z or an offset such as +01:00')
  const timeMs = Date.parse(body)
  if (Number.isNaN(timeMs) || !isRealDate(body)) throw bad(text, 'there is no such time')
  return timeMs
}

/** Date.parse takes 31 February for a day of March. */
function isRealDate(body: string): boolean {
  const [year, month, day] = body.slice(0, 10).split('-').map(Number)
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function formatForm(point: PointForm): string {
  switch (point.form) {
    case 'latest':
      return 'latest'
    case 'zxid':
      return formatZxid(point.zxid)
    case 'time':
      return new Date(point.timeMs).toISOString()
    case 'ago':
      return `-${point.amount}${point.unit}`
    case 'name':
      return `name:${point.name}`
    case 'before-zxid':
      return `before:${formatZxid(point.zxid)}`
    case 'before-delete':
      return `before:delete:${formatPath(point.path)}`
  }
}

function bad(text: string, reason: string): ZooArkError {
  return new ZooArkError('BAD_POINT', `'${text}' is not a point: ${reason}`)
}
