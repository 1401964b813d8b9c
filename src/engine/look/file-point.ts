import { ZooArkError } from '../../base/errors.ts'
import { agoMs, parsePoint } from '../../archive/point.ts'
import type { Zxid } from '../../model/zxid.ts'

/** Which state of a data directory is asked for. */
export type FilePoint =
  | { readonly kind: 'latest' }
  | { readonly kind: 'zxid'; readonly zxid: Zxid }
  /** The state that this transaction found. */
  | { readonly kind: 'before'; readonly zxid: Zxid }
  /** The longest prefix of the logs in which no transaction is stamped later. */
  | { readonly kind: 'time'; readonly timeMs: number }

/** Reads the points that a data directory has. @throws BAD_POINT, also for points that only a repository has */
export function parseFilePoint(text: string, nowMs: number): FilePoint {
  const point = parsePoint(text)
  if (point.timeline !== null) throw onlyInRepository(text)
  switch (point.form) {
    case 'latest':
      return { kind: 'latest' }
    case 'zxid':
      return { kind: 'zxid', zxid: point.zxid }
    case 'before-zxid':
      return { kind: 'before', zxid: point.zxid }
    case 'time':
      return { kind: 'time', timeMs: point.timeMs }
    case 'ago':
      return { kind: 'time', timeMs: nowMs - agoMs(point) }
    case 'name':
    case 'before-delete':
      throw onlyInRepository(text)
  }
}

function onlyInRepository(text: string): ZooArkError {
  return new ZooArkError('BAD_POINT', `'${text}' is a point that only a repository has`, {
    hint: 'Write latest, 0x<zxid>, before:0x<zxid>, a time as 2026-11-20T03:00:00Z, or -15m.',
  })
}
