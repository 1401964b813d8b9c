import { ZooArkError } from '../../base/errors.ts'
import { type Zxid, parseZxid } from '../../model/zxid.ts'

/** Which state of a data directory is asked for. `time`: the state after the last transaction before which no later time was logged. */
export type FilePoint =
  | { readonly kind: 'latest' }
  | { readonly kind: 'zxid'; readonly zxid: Zxid }
  | { readonly kind: 'time'; readonly timeMs: number }

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * Reads the points that a data directory has: `latest`, `0x…`, `before:0x…`, a time in ISO form with its zone, `-15m`.
 * @throws BAD_POINT, also for points that only a repository has
 */
export function parseFilePoint(text: string, nowMs: number): FilePoint {
  if (text === 'latest') return { kind: 'latest' }
  if (/^0x/i.test(text)) return { kind: 'zxid', zxid: parseZxid(text) }
  if (/^before:0x/i.test(text)) return { kind: 'zxid', zxid: (parseZxid(text.slice('before:'.length)) - 1n) as Zxid }
  const ago = /^-(\d{1,9})(ms|s|m|h|d|w)$/.exec(text)
  if (ago !== null) return { kind: 'time', timeMs: nowMs - Number(ago[1]) * unitMs[ago[2]] }
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    const timeMs = Date.parse(text)
    if (!Number.isNaN(timeMs)) return { kind: 'time', timeMs }
  }
  throw new ZooArkError('BAD_POINT', `'${text}' is no point of a data directory`, {
    hint: 'Write latest, 0x<zxid>, before:0x<zxid>, a time as 2026-11-20T03:00:00Z, or -15m; other points need a repository.',
  })
}
