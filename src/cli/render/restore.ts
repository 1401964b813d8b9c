import type { RestorePlan } from '../../engine/plan-restore.ts'
import type { RestoreReport } from '../../engine/restore.ts'
import { formatCount, formatSize } from '../format-text.ts'
import type { Output } from '../output.ts'

export function renderPlan(output: Output, plan: RestorePlan, options: { readonly savedTo?: string | undefined }): void {
  const { point, base, target } = plan
  output.line(`Plan: restore ${plan.repository} as it was at ${point.zxid} of timeline ${point.timeline} (asked for: ${point.asked})`)
  output.fields([
    ['load', `recovery point ${base.zxid}, ${formatCount(base.znodes)} znodes, ${base.consistency}`],
    ['apply', plan.segments.length === 0 ? 'no transactions' : `transactions through ${point.zxid} from ${plan.segments.length} segments`],
    ['write', target.servers === null ? target.directory : `${target.directory}/server-{${target.servers.join(',')}}`],
    ['servers start from', `${plan.snapshotZxid}, epoch ${plan.epoch}`],
    ['sessions, ephemerals', plan.mode === 'exact' ? 'kept as they were (--exact)' : 'dropped; clients open new sessions'],
  ])
  if (options.savedTo !== undefined) output.line(`Saved to ${options.savedTo}; run it with: zooark restore --plan ${options.savedTo}`)
  output.result({
    plan: { ...plan, target: { ...target, servers: target.servers === null ? null : [...target.servers] }, segments: [...plan.segments] },
    done: false,
  })
}

export function renderRestored(output: Output, report: RestoreReport): void {
  const { plan, dropped } = report
  output.line(`Restored ${formatCount(report.znodes)} znodes as of ${plan.point.zxid}, read back and proved.`)
  output.fields([
    ['written', `${report.directories.join(', ')} (${formatSize(report.bytes)})`],
    [
      'proof',
      `${formatCount(report.txnsApplied)} transactions applied, ${formatCount(report.digestsChecked)} of ZooKeeper's digests equal`,
    ],
    ['state root at the point', report.pointRoot],
    ['state root written', report.root],
    ['digest written', report.digest],
    ...(plan.mode === 'exact'
      ? []
      : [['dropped', `${formatCount(dropped.sessions)} sessions, ${formatCount(dropped.ephemerals)} ephemerals`] as const]),
  ])
  output.line('Next:')
  for (const [i, step] of report.steps.entries()) output.line(`  ${i + 1}. ${step}`)
  const { target } = plan
  output.result({
    plan: { ...plan, target: { ...target, servers: target.servers === null ? null : [...target.servers] }, segments: [...plan.segments] },
    done: true,
    root: report.root,
    pointRoot: report.pointRoot,
    digest: report.digest,
    znodes: report.znodes,
    sessions: report.sessions,
    droppedSessions: dropped.sessions,
    droppedEphemerals: dropped.ephemerals,
    txnsApplied: report.txnsApplied,
    digestsChecked: report.digestsChecked,
    directories: [...report.directories],
    steps: [...report.steps],
  })
}
