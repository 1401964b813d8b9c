import type { Zxid } from '../../model/zxid.ts'
import { type FilePoint, parseFilePoint } from './file-point.ts'

/** From where to where a history is wanted: by zxid or by the time that each transaction carries. */
export interface HistoryBounds {
  readonly zxids: { readonly after?: Zxid; readonly through?: Zxid }
  includes(zxid: Zxid, timeMs: bigint): boolean
}

/**
 * @param since exclusive, @param until inclusive: a zxid, a time, or `-15m`
 * @throws BAD_POINT
 */
export function parseHistoryBounds(since: string | undefined, until: string | undefined, nowMs: number): HistoryBounds {
  const from = since === undefined ? undefined : parseFilePoint(since, nowMs)
  const to = until === undefined ? undefined : parseFilePoint(until, nowMs)
  const after = zxidOf(from)
  const through = zxidOf(to)
  const afterMs = from?.kind === 'time' ? BigInt(Math.floor(from.timeMs)) : undefined
  const throughMs = to?.kind === 'time' ? BigInt(Math.floor(to.timeMs)) : undefined
  return {
    zxids: { ...(after === undefined ? {} : { after }), ...(through === undefined ? {} : { through }) },
    includes: (zxid, timeMs) =>
      (after === undefined || zxid > after) &&
      (through === undefined || zxid <= through) &&
      (afterMs === undefined || timeMs > afterMs) &&
      (throughMs === undefined || timeMs <= throughMs),
  }
}

function zxidOf(point: FilePoint | undefined): Zxid | undefined {
  if (point?.kind === 'zxid') return point.zxid
  return point?.kind === 'before' ? ((point.zxid - 1n) as Zxid) : undefined
}
