import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ErrorCode, type Place, ZooArkError } from '../../base/errors.ts'
import { logsCovering } from '../../formats/data-dir.ts'
import { type FileInput, type OpenFile, withFile } from '../../formats/file-input.ts'
import { parseFileName } from '../../formats/file-name.ts'
import { type Zxid, formatZxid } from '../../model/zxid.ts'
import { type ObjectFacts, inspectObject } from './inspect-object.ts'
import { recogniseFile } from './recognise-file.ts'
import { type SnapshotFacts, summariseSnapshot } from './summarise-snapshot.ts'
import { type TxnLogFacts, summariseTxnLog } from './summarise-txn-log.ts'

/**
 * Something that a person should know about a file. `damage`: bytes are not what was written. `incomplete`: something is missing or left over.
 * `notice`: nothing is wrong.
 */
export interface FileFinding {
  readonly severity: 'damage' | 'incomplete' | 'notice'
  readonly code: ErrorCode
  readonly message: string
  readonly place: Place
  /** The next step, where there is one. */
  readonly hint?: string
}

interface Inspected {
  readonly file: string
  readonly fileBytes: number
  /** Damage first. */
  readonly findings: readonly FileFinding[]
}

/**
 * How far the snapshot is from being a state: the server changed the tree while it wrote, and what it shows reaches from the zxid of
 * its name to the newest zxid in it. The logs in between make a state of it.
 */
export interface FuzzyRange {
  readonly from: Zxid
  readonly through: Zxid
  /** Logs that lie in the same directory and can hold this range; file names. */
  readonly logsBeside: readonly string[]
}

export type FileReport =
  | (Inspected & { readonly kind: 'snapshot'; readonly facts: SnapshotFacts; readonly fuzzy?: FuzzyRange })
  | (Inspected & { readonly kind: 'txn-log'; readonly facts: TxnLogFacts })
  | (Inspected & { readonly kind: 'repository-object'; readonly facts: ObjectFacts })

/**
 * Reads a file to its end, checks every checksum in it, and counts. Damage is reported with what stands before it, not thrown.
 * @throws SOURCE_NOT_ZOOKEEPER when the file is none of ours, and what opening and reading throw
 */
export async function inspectFile(file: FileInput): Promise<FileReport> {
  return await withFile(file, async (opened) => {
    const { kind, fileBytes } = await recogniseFile(opened)
    const common = { file: opened.path, fileBytes }
    switch (kind) {
      case 'snapshot': {
        const facts = await summariseSnapshot(opened)
        const fuzzy = await fuzzyRange(opened, facts)
        return { ...common, kind, facts, findings: snapshotFindings(opened.path, facts), ...(fuzzy === undefined ? {} : { fuzzy }) }
      }
      case 'txn-log': {
        const facts = await summariseTxnLog(opened)
        return { ...common, kind, facts, findings: logFindings(opened.path, facts) }
      }
      case 'repository-object': {
        const facts = await inspectObject(opened, fileBytes)
        return { ...common, kind, facts, findings: facts.fault === undefined ? [] : [damage(facts.fault)] }
      }
      case 'unknown':
        throw new ZooArkError('SOURCE_NOT_ZOOKEEPER', 'the file is no snapshot, no txn log and no object of a repository', {
          place: { file: opened.path },
          hint: 'Name a snapshot.*, a log.*, or an object of a repository.',
        })
    }
  })
}

async function fuzzyRange(file: OpenFile, { summary }: SnapshotFacts): Promise<FuzzyRange | undefined> {
  const from = summary?.zxidOfName
  if (summary === undefined || from === undefined) return undefined
  const through = summary.maxZxidSeen > from ? summary.maxZxidSeen : from
  return { from, through, logsBeside: await logsBeside(file.path, from, through) }
}

async function logsBeside(path: string, from: Zxid, through: Zxid): Promise<string[]> {
  const directory = dirname(path)
  let names: string[]
  try {
    names = await readdir(directory)
  } catch {
    // The directory may be closed to us although the file is open: then nothing is known of its neighbours.
    return []
  }
  const logs = names.flatMap((name) => {
    const parsed = parseFileName(name)
    return parsed?.kind === 'log' ? [{ path: join(directory, name), name, zxid: parsed.zxid }] : []
  })
  return logsCovering(logs, from)
    .filter((log) => log.zxid <= through + 1n)
    .map((log) => log.name)
}

function damage(error: ZooArkError): FileFinding {
  return { severity: 'damage', code: error.code, message: error.message, place: error.place, hint: error.hint }
}

function snapshotFindings(file: string, facts: SnapshotFacts): FileFinding[] {
  const findings: FileFinding[] = []
  const note = (message: string, offset?: number): void => {
    findings.push({ severity: 'incomplete', code: 'SNAPSHOT_DAMAGED', message, place: offset === undefined ? { file } : { file, offset } })
  }
  const { summary, fault } = facts
  if (fault !== undefined) findings.push(damage(fault))
  if (summary?.compressionOfName !== undefined) {
    note(
      `the content is ${compressionText(summary.compression)}, the name says ${compressionText(summary.compressionOfName)}: a server would not read it`,
    )
  }
  if (summary !== undefined && summary.trailingBytes > 0) {
    note(`${summary.trailingBytes} bytes follow the last seal, which no server writes`, summary.bytes - summary.trailingBytes)
  }
  if (facts.danglingAcls > 0) {
    const message = `${facts.danglingAcls} znodes have an ACL that the file does not define, as a fuzzy snapshot may (ZOOKEEPER-4689); the logs bring it`
    findings.push({ severity: 'notice', code: 'SNAPSHOT_DAMAGED', message, place: { file } })
  }
  return findings
}

const compressionText = (compression: string): string => (compression === 'none' ? 'not compressed' : compression)

function logFindings(file: string, facts: TxnLogFacts): FileFinding[] {
  const findings: FileFinding[] = []
  const note = (message: string, place: Place = {}): void => {
    findings.push({ severity: 'incomplete', code: 'TXN_LOG_DAMAGED', message, place: { file, ...place } })
  }
  const { summary, fault } = facts
  if (fault !== undefined) findings.push(damage(fault))
  if (summary?.end === 'torn') {
    const what = tornTexts[summary.tornReason ?? 'short']
    note(
      `the last record is torn (${what}): a server takes this as the end of the log`,
      summary.tornAt === undefined ? {} : { offset: summary.tornAt },
    )
  }
  if (summary?.dirtyPaddingAt !== undefined)
    note('the padding is not all zeros; a server does not read it', { offset: summary.dirtyPaddingAt })
  if (summary !== undefined && !summary.ascending) note('zxids do not ascend')
  for (const hole of facts.holes)
    note(`nothing stands between ${formatZxid(hole.after)} and ${formatZxid(hole.before)}`, { zxid: formatZxid(hole.after) })
  if (facts.unknownTypes > 0) {
    findings.push({
      severity: 'incomplete',
      code: 'TXN_TYPE_UNKNOWN',
      message: `${facts.unknownTypes} transactions have a type that this version does not know`,
      place: { file },
    })
  }
  return findings
}

const tornTexts: Readonly<Record<'short' | 'no-end-mark' | 'partial-length', string>> = {
  short: 'the file ends within it',
  'no-end-mark': 'its end mark is missing',
  'partial-length': 'its length is not written',
}
