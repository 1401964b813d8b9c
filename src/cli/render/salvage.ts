import { basename, dirname } from 'node:path'
import type { JsonObject } from '../../base/json.ts'
import type { DirectorySalvage } from '../../engine/look/salvage-directory.ts'
import { type FileSalvage, type LostThing, lostRangeText } from '../../engine/look/salvage-file.ts'
import type { WrittenFiles } from '../../engine/look/write-salvaged.ts'
import { formatPath } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatSize } from '../format-text.ts'
import type { Output } from '../output.ts'
import { pathDocument } from './znode.ts'

/** Lost things that the text lists; JSON has all of them. */
const lostShownMax = 50

export interface SalvageToRender {
  readonly files: readonly FileSalvage[]
  readonly lost: readonly LostThing[]
  /** Of a whole directory. */
  readonly directory?: DirectorySalvage
  readonly written: WrittenFiles
}

export function renderSalvage(output: Output, salvage: SalvageToRender): void {
  output.table(
    [{ title: 'STATE' }, { title: 'VALID', align: 'right' }, { title: 'LOST', align: 'right' }, { title: 'CONTENT' }, { title: 'FILE' }],
    salvage.files.map((file) => [
      file.ok ? 'whole' : 'DAMAGED',
      formatSize(file.savedBytes),
      isOpenEnded(file) ? 'the rest' : formatSize(file.lostBytes),
      contentText(file),
      file.file,
    ]),
  )
  for (const lost of salvage.lost.slice(0, lostShownMax)) output.line(lostLine(lost))
  if (salvage.lost.length > lostShownMax) output.line(`… and ${formatCount(salvage.lost.length - lostShownMax)} more; --json lists all`)
  if (salvage.directory !== undefined) for (const line of reachLines(salvage.directory)) output.line(line)
  for (const line of writtenLines(salvage.written)) output.line(line)
  output.result(salvageDocument(salvage))
}

function contentText(file: FileSalvage): string {
  if (file.kind === 'snapshot') return `${formatCount(file.report.nodes)} znodes`
  const { stretches } = file.report
  const txns = stretches.reduce((sum, { count }) => sum + count, 0)
  const last = stretches.at(-1)
  if (last === undefined) return 'no transaction'
  return `${formatCount(txns)} txns, ${formatZxid(stretches[0].first)} to ${formatZxid(last.last)}`
}

function lostLine(lost: LostThing): string {
  const parts = [
    ...(lost.zxid === undefined ? [] : [`txn ${formatZxid(lost.zxid)}`]),
    ...(lost.path === undefined ? [] : [`znode ${formatPath(lost.path)}`]),
    ...(lost.after === undefined && lost.before === undefined ? [] : [lostRangeText(lost)]),
  ]
  const where = lost.file === '' ? '' : ` (${lost.file}${lost.offset === undefined ? '' : ` at byte ${lost.offset}`})`
  return `lost: ${parts.length === 0 ? '' : `${parts.join(', ')}: `}${lost.why}${where}`
}

function reachLines({ reachable, missing }: DirectorySalvage): string[] {
  const gaps = missing.map(({ after, before }) => `missing: every transaction between ${formatZxid(after)} and ${formatZxid(before)}`)
  if (reachable.length === 0) return [...gaps, 'reachable: nothing; no whole snapshot with the logs that make a state of it']
  const ends = [...new Set(reachable.map(({ through }) => through))]
  return [
    ...gaps,
    ...ends.map((end) => {
      const leading = reachable.filter(({ through }) => through === end)
      const from = leading.reduce((least, stretch) => (stretch.from < least ? stretch.from : least), leading[0].from)
      const others = leading.length === 1 ? '' : ` and ${formatCount(leading.length - 1)} later snapshots`
      return `reachable: every point from ${formatZxid(from)} to ${formatZxid(end)}, by ${basename(leading[0].snapshot)}${others}`
    }),
  ]
}

/** How much is missing of a snapshot that breaks off, nobody can say. */
function isOpenEnded(file: FileSalvage): boolean {
  return file.kind === 'snapshot' && (file.report.verdict === 'broken-off' || file.report.verdict === 'nothing')
}

function writtenLines(written: WrittenFiles): string[] {
  const counts = new Map<string, number>()
  for (const out of written.values()) counts.set(dirname(out), (counts.get(dirname(out)) ?? 0) + 1)
  if (written.size === 1) return [`wrote ${[...written.values()][0]}`]
  return [...counts].map(([directory, count]) => `wrote ${formatCount(count)} files to ${directory}`)
}

function salvageDocument({ files, lost, directory, written }: SalvageToRender): JsonObject {
  return {
    files: files.map((file) => ({ ...fileDocument(file), ...(written.has(file.file) ? { out: written.get(file.file) ?? '' } : {}) })),
    lost: lost.map(lostDocument),
    ...(directory === undefined
      ? {}
      : {
          missing: directory.missing.map(({ after, before }) => ({ after: formatZxid(after), before: formatZxid(before) })),
          reachable: directory.reachable.map(({ snapshot, from, through }) => ({
            snapshot,
            from: formatZxid(from),
            through: formatZxid(through),
          })),
        }),
  }
}

function fileDocument(file: FileSalvage): JsonObject {
  const { kind, ok, fileBytes, savedBytes, lostBytes } = file
  const common = { file: file.file, kind, ok, fileBytes, savedBytes, lostBytes }
  if (file.kind === 'snapshot') {
    const { verdict, compression, sessions, acls, nodes } = file.report
    return { ...common, verdict, compression, znodes: nodes, sessions, acls }
  }
  return {
    ...common,
    ...(file.savedThrough === undefined ? {} : { savedThrough: formatZxid(file.savedThrough) }),
    stretches: file.report.stretches.map((stretch) => ({
      first: formatZxid(stretch.first),
      last: formatZxid(stretch.last),
      txns: stretch.count,
      startOffset: stretch.startOffset,
      endOffset: stretch.endOffset,
    })),
    searchComplete: file.report.search === 'complete',
  }
}

function lostDocument(lost: LostThing): JsonObject {
  return {
    ...(lost.file === '' ? {} : { file: lost.file }),
    ...(lost.offset === undefined ? {} : { offset: lost.offset }),
    ...(lost.zxid === undefined ? {} : { zxid: formatZxid(lost.zxid) }),
    ...(lost.after === undefined ? {} : { after: formatZxid(lost.after) }),
    ...(lost.before === undefined ? {} : { before: formatZxid(lost.before) }),
    ...(lost.path === undefined ? {} : pathDocument(lost.path)),
    why: lost.why,
  }
}
