import type { JsonObject } from '../../base/json.ts'
import { type ComparedZnode, type Difference, aclText } from '../../engine/look/difference.ts'
import type { ComparedPlaces, DifferenceCounts } from '../../engine/look/diff-places.ts'
import { formatPath } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount } from '../format-text.ts'
import { previewText } from './change.ts'
import { aclDocument, base64, kindText, pathDocument, statDocument, timeText, whereDocument } from './znode.ts'

const marks = { created: '+', deleted: '-', changed: '~' } as const

export function differenceDocument(difference: Difference): JsonObject {
  const { path, change, before, after, aspects, counters } = difference
  return {
    ...pathDocument(path),
    change,
    ...(change === 'changed' ? { aspects: [...aspects], counters: [...counters] } : {}),
    ...(before === undefined ? {} : { before: comparedDocument(before) }),
    ...(after === undefined ? {} : { after: comparedDocument(after) }),
  }
}

function comparedDocument({ data, acl, stat }: ComparedZnode): JsonObject {
  return { ...statDocument(stat, data?.length ?? -1, -1), dataBase64: data === null ? null : base64(data), acl: aclDocument(acl) }
}

/** The lines of one difference: the znode, then each thing that differs. */
export function differenceLines(difference: Difference): string[] {
  const { path, change, before, after, aspects, counters } = difference
  const head = `${marks[change]} ${formatPath(path)}`
  if (before === undefined || after === undefined) return [`${head}  ${znodeText(after ?? before)}`]
  const lines = [head]
  if (aspects.includes('data')) lines.push(`    data      ${dataText(before)} -> ${dataText(after)}`)
  if (aspects.includes('acl')) lines.push(`    ACL       ${aclText(before.acl)} -> ${aclText(after.acl)}`)
  if (aspects.includes('kind') || aspects.includes('owner')) lines.push(`    kind      ${kindText(before.stat)} -> ${kindText(after.stat)}`)
  if (counters.length > 0) {
    lines.push(`    counters  ${counters.map((name) => `${name} ${counterText(before, name)} -> ${counterText(after, name)}`).join(', ')}`)
  }
  return lines
}

function counterText({ stat }: ComparedZnode, name: Difference['counters'][number]): string {
  switch (name) {
    case 'czxid':
    case 'mzxid':
    case 'pzxid':
      return formatZxid(stat[name])
    case 'ctime':
    case 'mtime':
      return timeText(stat[name])
    default:
      return String(stat[name])
  }
}

function znodeText(znode: ComparedZnode | undefined): string {
  return znode === undefined ? '' : `${kindText(znode.stat)}, ${dataText(znode)}`
}

function dataText({ data }: ComparedZnode): string {
  if (data === null) return 'null'
  return data.length === 0 ? 'empty' : `${formatCount(data.length)} B ${previewText(data)}`
}

export function countsDocument(places: ComparedPlaces, counts: DifferenceCounts): JsonObject {
  return {
    a: whereDocument(places.a.view),
    b: whereDocument(places.b.view),
    path: places.path,
    equal: isEqual(counts),
    created: counts.created,
    deleted: counts.deleted,
    changed: counts.changed,
    sessions: counts.sessions,
  }
}

export function isEqual(counts: DifferenceCounts): boolean {
  return counts.created + counts.deleted + counts.changed + counts.sessions === 0
}

/** The verdict in one line. */
export function countsLine(places: ComparedPlaces, counts: DifferenceCounts): string {
  const sides = `${places.a.view.description} and ${places.b.view.description}`
  const below = places.path === '/' ? '' : ` below ${places.path}`
  if (isEqual(counts)) return `equal${below}: ${sides}`
  const parts = [
    `${formatCount(counts.created)} created`,
    `${formatCount(counts.deleted)} deleted`,
    `${formatCount(counts.changed)} changed`,
  ]
  if (counts.sessions > 0) parts.push(`${formatCount(counts.sessions)} sessions differ`)
  return `different${below}: ${parts.join(', ')}, from ${places.a.view.description} to ${places.b.view.description}`
}
