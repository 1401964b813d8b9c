import type { JsonObject } from '../../base/json.ts'
import { formatPlace } from '../../base/errors.ts'
import type { FileFinding, FileReport } from '../../engine/look/inspect-file.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatSize, formatTime } from '../format-text.ts'
import type { Output } from '../output.ts'

/** What `inspect` says about a file without --records. */
export function renderInspection(output: Output, report: FileReport): void {
  output.fields([...headFields(report), ...factFields(report)])
  for (const finding of report.findings) {
    const place = formatPlace(finding.place.offset === undefined ? {} : { offset: finding.place.offset })
    output.line(`${labels[finding.severity]}: ${finding.message}${place === '' ? '' : ` (${place})`}`)
    output.item('finding', { ...findingDocument(finding) })
  }
  output.summary(summaryDocument(report))
}

const labels = { damage: 'DAMAGED', incomplete: 'INCOMPLETE', notice: 'note' } as const

export function findingDocument(finding: FileFinding): JsonObject {
  const { severity, code, message, place, hint } = finding
  return { severity, code, message, place: { ...place }, ...(hint === undefined ? {} : { hint }) }
}

const isOk = (report: FileReport): boolean => report.findings.every((finding) => finding.severity !== 'damage')

function headFields(report: FileReport): [string, string][] {
  const verdict = !isOk(report)
    ? 'DAMAGED'
    : report.findings.some((finding) => finding.severity === 'incomplete')
      ? 'every checksum is right, but see below'
      : 'whole: every checksum was verified'
  return [
    ['file', report.file],
    ['kind', report.kind],
    ['verdict', verdict],
    ['size', `${formatSize(report.fileBytes)} (${formatCount(report.fileBytes)} bytes)`],
  ]
}

function factFields(report: FileReport): [string, string][] {
  switch (report.kind) {
    case 'snapshot':
      return snapshotFields(report)
    case 'txn-log':
      return logFields(report)
    case 'repository-object':
      return objectFields(report)
  }
}

function snapshotFields(report: FileReport & { kind: 'snapshot' }): [string, string][] {
  const { facts, fuzzy } = report
  const { summary, kinds } = facts
  const special = (['ephemeral', 'container', 'ttl', 'reserved'] as const).filter((kind) => kinds[kind] > 0)
  const kindText = special.map((kind) => `${formatCount(kinds[kind])} ${kind}`).join(', ')
  const fields: [string, string][] = [
    ['znodes', `${formatCount(facts.znodes)}${kindText === '' ? '' : `, of them ${kindText}`}`],
    ['data', `${formatSize(facts.dataBytes)}, largest ${formatSize(facts.largestDataBytes)}`],
    ['sessions', formatCount(facts.sessions)],
    ['ACLs', formatCount(facts.acls)],
  ]
  if (summary !== undefined) fields.push(['compression', summary.compression])
  if (summary?.digest !== undefined) {
    const { zxid, version, digest } = summary.digest
    fields.push(['digest', `${hex64(digest)} at ${formatZxid(zxid)} (version ${version})`])
  }
  if (summary?.lastProcessedZxid !== undefined) fields.push(['last zxid', `${formatZxid(summary.lastProcessedZxid)} (trailer)`])
  if (fuzzy !== undefined) fields.push(['fuzzy', fuzzyText(fuzzy)])
  return fields
}

function fuzzyText({ from, through, logsBeside }: NonNullable<(FileReport & { kind: 'snapshot' })['fuzzy']>): string {
  const range =
    from === through ? `begun at ${formatZxid(from)}` : `begun at ${formatZxid(from)}, shows changes up to ${formatZxid(through)}`
  if (logsBeside.length === 0) return `${range}; a state only with the logs from ${formatZxid(from)} on, which do not lie beside it`
  return `${range}; a state only with ${logsBeside.join(', ')}, beside it`
}

function logFields({ facts }: FileReport & { kind: 'txn-log' }): [string, string][] {
  const { summary } = facts
  const fields: [string, string][] = [['txns', formatCount(facts.txns)]]
  if (facts.first !== undefined && facts.last !== undefined)
    fields.push(['zxids', `${formatZxid(facts.first)} to ${formatZxid(facts.last)}`])
  if (facts.firstTimeMs !== undefined && facts.lastTimeMs !== undefined) {
    fields.push(['time', `${formatTime(Number(facts.firstTimeMs))} to ${formatTime(Number(facts.lastTimeMs))}`])
  }
  if (facts.stepsBack > 0)
    fields.push(['clock', `stepped back ${formatCount(facts.stepsBack)} times, at most ${facts.largestStepBackMs} ms`])
  fields.push(['types', facts.types.map(({ type, count }) => `${type} ${formatCount(count)}`).join(', ') || 'none'])
  fields.push(['epochs', facts.epochs.map(({ epoch, txns }) => `${epoch} (${formatCount(txns)} txns)`).join(', ') || 'none'])
  if (summary !== undefined) fields.push(['end', endText(summary.end)], ['valid bytes', formatCount(summary.validBytes)])
  return fields
}

function endText(end: 'padding' | 'end-of-file' | 'torn' | 'empty'): string {
  switch (end) {
    case 'padding':
      return 'padding, as a server leaves it'
    case 'end-of-file':
      return 'with the last record'
    case 'torn':
      return 'torn: the last record is not whole'
    case 'empty':
      return 'the file is empty: a server made it and has written nothing yet'
  }
}

function objectFields({ facts }: FileReport & { kind: 'repository-object' }): [string, string][] {
  return [
    ['object', `${facts.objectKind ?? 'unknown'}, format version ${facts.formatVersion ?? '?'}`],
    ['sha256', facts.hash],
    ['blocks', `${formatCount(facts.blocks)}: ${formatSize(facts.storedBytes)} stored, ${formatSize(facts.plainBytes)} plain`],
    ...(facts.header === undefined ? [] : [['header', JSON.stringify(facts.header)] as [string, string]]),
  ]
}

const hex64 = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`

function summaryDocument(report: FileReport): JsonObject {
  const common = { file: report.file, kind: report.kind, ok: isOk(report), bytes: report.fileBytes }
  switch (report.kind) {
    case 'snapshot':
      return { ...common, ...snapshotDocument(report) }
    case 'txn-log':
      return { ...common, ...logDocument(report) }
    case 'repository-object': {
      const { objectKind, formatVersion, header, blocks, storedBytes, plainBytes, hash } = report.facts
      return {
        ...common,
        ...(objectKind === undefined ? {} : { objectKind }),
        ...(formatVersion === undefined ? {} : { formatVersion }),
        ...(header === undefined ? {} : { header }),
        blocks,
        storedBytes,
        plainBytes,
        sha256: hash,
      }
    }
  }
}

function snapshotDocument({ facts, fuzzy }: FileReport & { kind: 'snapshot' }): JsonObject {
  const { summary } = facts
  return {
    znodes: facts.znodes,
    kinds: { ...facts.kinds },
    sessions: facts.sessions,
    acls: facts.acls,
    dataBytes: facts.dataBytes,
    danglingAcls: facts.danglingAcls,
    ...(summary === undefined
      ? {}
      : { compression: summary.compression, plainBytes: summary.bytes, maxZxid: formatZxid(summary.maxZxidSeen) }),
    ...(summary?.zxidOfName === undefined ? {} : { zxid: formatZxid(summary.zxidOfName) }),
    ...(summary?.digest === undefined
      ? {}
      : { digest: { zxid: formatZxid(summary.digest.zxid), version: summary.digest.version, digest: hex64(summary.digest.digest) } }),
    ...(summary?.lastProcessedZxid === undefined ? {} : { lastProcessedZxid: formatZxid(summary.lastProcessedZxid) }),
    ...(fuzzy === undefined
      ? {}
      : { fuzzy: { from: formatZxid(fuzzy.from), through: formatZxid(fuzzy.through), logsBeside: [...fuzzy.logsBeside] } }),
  }
}

function logDocument({ facts }: FileReport & { kind: 'txn-log' }): JsonObject {
  const { summary } = facts
  return {
    txns: facts.txns,
    ...(facts.first === undefined ? {} : { first: formatZxid(facts.first) }),
    ...(facts.last === undefined ? {} : { last: formatZxid(facts.last) }),
    ...(facts.firstTimeMs === undefined ? {} : { firstTime: formatTime(Number(facts.firstTimeMs)) }),
    ...(facts.lastTimeMs === undefined ? {} : { lastTime: formatTime(Number(facts.lastTimeMs)) }),
    ...(summary === undefined ? {} : { end: summary.end, validBytes: summary.validBytes }),
    types: Object.fromEntries(facts.types.map(({ type, count }) => [type, count])),
    epochs: facts.epochs.map((span) => ({
      epoch: span.epoch.toString(),
      first: formatZxid(span.first),
      last: formatZxid(span.last),
      txns: span.txns,
    })),
    holes: facts.holes.map((hole) => ({ after: formatZxid(hole.after), before: formatZxid(hole.before) })),
    stepsBack: facts.stepsBack,
    largestStepBackMs: facts.largestStepBackMs,
  }
}
