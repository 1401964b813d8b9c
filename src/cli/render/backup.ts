import { toHex } from '../../base/hex.ts'
import type { BackupReport } from '../../engine/backup.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatSize } from '../format-text.ts'
import type { Output } from '../output.ts'

export function renderBackup(output: Output, report: BackupReport): void {
  const { point, gaps, losses } = report
  output.line(headline(report))
  output.fields([
    ['restorable now', `${formatZxid(report.first)} to ${formatZxid(report.last)} (timeline ${report.timeline})`],
    ['state', `${formatCount(point.state.znodes)} znodes, ${formatCount(point.state.sessions)} sessions, ${point.consistency}`],
    ['state root', toHex(point.state.stateRoot)],
    ['stored', `${formatSize(report.bytesStored)} in ${report.repository}`],
  ])
  for (const { after, before, cause } of gaps) output.line(`GAP after ${formatZxid(after)}, before ${formatZxid(before)}: ${cause}`)
  for (const loss of losses) output.line(`NOT TAKEN: ${loss}`)
  output.result({
    repository: report.repository,
    source: report.source,
    timeline: report.timeline,
    first: formatZxid(report.first),
    last: formatZxid(report.last),
    base: report.base,
    txns: report.txns,
    znodes: point.state.znodes,
    root: toHex(point.state.stateRoot),
    class: point.consistency,
    bytesRead: report.bytesRead,
    bytesStored: report.bytesStored,
    gaps: gaps.map(({ after, before, cause }) => ({
      timeline: report.timeline,
      after: formatZxid(after),
      before: formatZxid(before),
      cause,
    })),
    notices: [...losses],
  })
}

function headline({ base, txns, source }: BackupReport): string {
  if (base === 'unchanged') return `Nothing new in ${source}; the repository is up to date.`
  const what = `${formatCount(txns)} transactions from ${source}`
  return base === 'new' ? `Took a base and ${what}.` : `Added ${what}.`
}
