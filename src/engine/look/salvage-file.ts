import { ZooArkError } from '../../base/errors.ts'
import { type FileInput, withFile } from '../../formats/file-input.ts'
import { type LogSalvage, prefixOf, salvageTxnLog } from '../../formats/salvage-log.ts'
import { type SnapshotSalvage, salvageSnapshot } from '../../formats/salvage-snapshot.ts'
import { formatPath } from '../../model/znode-path.ts'
import { type Zxid, formatZxid } from '../../model/zxid.ts'
import { recogniseFile } from './recognise-file.ts'

/** Something that is lost, as far as anybody can tell. */
export interface LostThing {
  readonly file: string
  readonly offset?: number
  /** Of one transaction that is lost. */
  readonly zxid?: Zxid
  /** A stretch of transactions; both ends exclusive, absent where the file does not tell. */
  readonly after?: Zxid
  readonly before?: Zxid
  readonly path?: Uint8Array
  readonly why: string
}

interface SalvagedFile {
  readonly file: string
  readonly fileBytes: number
  /** Whether every byte of it is what was written. */
  readonly ok: boolean
  /** Length of the longest valid prefix. */
  readonly savedBytes: number
  readonly lostBytes: number
  readonly lost: readonly LostThing[]
}

export type FileSalvage =
  | (SalvagedFile & { readonly kind: 'txn-log'; readonly report: LogSalvage; readonly savedThrough?: Zxid })
  | (SalvagedFile & { readonly kind: 'snapshot'; readonly report: SnapshotSalvage })

/** Paths that are named for one damaged record; a multi of a hostile file names no more. */
const pathsNamedMax = 1000

/**
 * Says what of a snapshot or log is valid and what is lost. Changes nothing.
 * @throws SOURCE_NOT_ZOOKEEPER when the file is neither, and what reading throws
 */
export async function salvageFile(file: FileInput): Promise<FileSalvage> {
  return await withFile(file, async (opened) => {
    const { kind, fileBytes } = await recogniseFile(opened)
    if (kind === 'txn-log') return logSalvage(opened.path, await salvageTxnLog(opened))
    if (kind === 'snapshot') return snapshotSalvage(opened.path, fileBytes, await salvageSnapshot(opened))
    throw new ZooArkError('SOURCE_NOT_ZOOKEEPER', 'the file is neither a snapshot nor a txn log', {
      place: { file: opened.path },
      hint: 'A file whose first bytes are damaged is taken for what its name says: give it back its name, snapshot.* or log.*.',
    })
  })
}

/** The report on one log. */
export function logSalvage(file: string, report: LogSalvage): FileSalvage {
  const { fileBytes, damages } = report
  const prefix = prefixOf(report).at(-1)
  const ok = damages.length === 0 && report.header !== 'damaged'
  const savedBytes = ok ? fileBytes : (prefix?.endOffset ?? 0)
  const lost = damages
    .filter((damage) => damage.losesTxns)
    .flatMap((damage): LostThing[] => {
      const { after, before } = damage.lost
      const range = { file, offset: damage.offset, ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) }
      const { suspect } = damage
      if (suspect === undefined) return [{ ...range, why: lostText(damage.reason) }]
      const named = suspect.paths.slice(0, pathsNamedMax)
      const why = `its checksum is wrong; it seems to be a ${suspect.type}`
      if (named.length === 0) return [{ ...range, zxid: suspect.zxid, why }]
      return named.map((path) => ({ ...range, zxid: suspect.zxid, path, why }))
    })
  const end = prefix === undefined ? {} : { savedThrough: prefix.last }
  return { kind: 'txn-log', file, fileBytes, ok, savedBytes, lostBytes: fileBytes - savedBytes, lost, report, ...end }
}

function lostText(reason: LogSalvage['damages'][number]['reason']): string {
  switch (reason) {
    case 'header':
      return 'the beginning of the file is damaged'
    case 'torn':
      return 'the file ends within a record'
    case 'hole':
      return 'zeros stand where records were'
    case 'checksum':
      return 'the checksum of a record is wrong'
    case 'no-end-mark':
      return 'a record has no end mark: it was not written to its end, or its length is wrong'
    case 'length':
      return 'the length of a record is impossible'
    case 'partial-length':
      return 'the length of a record is not written'
    case 'short-payload':
      return 'a record is too short to be a transaction'
  }
}

/** The report on one snapshot. */
export function snapshotSalvage(file: string, fileBytes: number, report: SnapshotSalvage): FileSalvage {
  const { damage, verdict, lastPath } = report
  const ok = verdict === 'whole'
  // Offsets in compressed files count in their content, which says nothing of the length of the file.
  const savedBytes = damage === undefined ? fileBytes : report.compression === 'none' ? damage.offset : 0
  const common = { kind: 'snapshot' as const, file, fileBytes, ok, savedBytes, lostBytes: fileBytes - savedBytes, report }
  if (damage === undefined) return { ...common, lost: [] }
  const lost: LostThing = { file, offset: damage.offset, why: snapshotLossText(report) }
  return { ...common, lost: [lastPath === undefined ? lost : { ...lost, path: lastPath }] }
}

function snapshotLossText({ verdict, nodes, damage, lastPath }: SnapshotSalvage): string {
  const what = damage?.what ?? 'it is damaged'
  switch (verdict) {
    case 'broken-off':
      return `${what}; ${nodes} znodes can be read, the last is ${formatPath(lastPath ?? new Uint8Array(0))}, and all that come after it in the file are lost`
    case 'checksum-mismatch':
      return `${what}; all ${nodes} znodes can be read, but nobody knows which of them are wrong`
    case 'unsealed-end':
      return `${what}; all ${nodes} znodes are verified, what follows them is not`
    case 'nothing':
      return `${what}; no znode can be read`
    case 'whole':
      return what
  }
}

/** A stretch of lost transactions as text. */
export function lostRangeText({ after, before }: Pick<LostThing, 'after' | 'before'>): string {
  if (after !== undefined && before !== undefined) return `what stood between ${formatZxid(after)} and ${formatZxid(before)}`
  if (after !== undefined) return `everything after ${formatZxid(after)}`
  return before === undefined ? 'everything' : `everything before ${formatZxid(before)}`
}
