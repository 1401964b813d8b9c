import { formatPlace } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { BootResult } from '../../engine/verify/boot-states.ts'
import type { VerifyLevel, VerifyReport } from '../../engine/verify.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount, formatSize } from '../format-text.ts'
import type { Output } from '../output.ts'

/** What each level has shown when it found nothing. */
const shown: Readonly<Record<VerifyLevel, string>> = {
  chain: 'every commit is linked and every object is there with its size (no byte of them was read)',
  hash: 'every byte is as it was written',
  parse: 'every byte is as it was written, and every recovery point and every txn can be decoded',
  replay: 'every state can be reached: every txn fits the one before it, every digest of ZooKeeper and every root is equal',
  boot: 'every state can be reached, with every digest and root equal, and Apache ZooKeeper starts on it',
}

export function renderVerify(output: Output, report: VerifyReport): void {
  output.line(headline(report))
  for (const { code, message, place } of report.findings) {
    const where = formatPlace(place)
    output.line(`  ${where === '' ? '' : `${where}: `}${message} (${code})`)
  }
  if (report.findingsLeftOut > 0) output.line(`  and ${formatCount(report.findingsLeftOut)} findings more`)
  for (const timeline of report.unread) output.line(`  timeline ${timeline}: not looked at any deeper, since its commits cannot be read`)
  output.fields(fieldsOf(report))
  output.result(verifyDocument(report))
}

function headline({ ok, findings, findingsLeftOut, level, repository, boot }: VerifyReport): string {
  if (findings.length > 0) {
    const n = findings.length + findingsLeftOut
    return `DAMAGED: ${formatCount(n)} ${n === 1 ? 'finding' : 'findings'} at level ${level} in ${repository}.`
  }
  if (!ok) return `NOT PROVED: nothing is damaged in ${repository}, but ZooKeeper did not start on a restored copy.`
  if (boot?.skipped !== undefined) return `Whole, but not started: ${shown.replay}; no server was started, because ${boot.skipped}.`
  return `Whole: ${shown[level]}.`
}

function fieldsOf(report: VerifyReport): (readonly [string, string])[] {
  const { boot, txns, digestsChecked } = report
  const objects = `${formatCount(report.objects)} objects, ${formatSize(report.bytes)}`
  const history = `${count(report.commits, 'commit')}, ${count(report.points, 'recovery point')}, ${count(report.segments, 'segment')} of txns`
  const fields: (readonly [string, string])[] = [['checked', `${objects}; ${history} on ${count(report.timelines, 'timeline')}`]]
  if (txns !== undefined) {
    const digests = digestsChecked === undefined ? 'decoded' : `replayed, ${formatCount(digestsChecked)} digests of ZooKeeper compared`
    fields.push(['txns', `${formatCount(txns)} ${digests}`])
  }
  if (boot !== undefined) for (const text of bootTexts(boot)) fields.push(['server', text])
  if (report.unreferenced.length > 0) {
    const isHarmless = report.findings.length === 0
    const why = isHarmless ? 'left by interrupted backups; harmless' : 'of commits that cannot be read, or left by interrupted backups'
    fields.push(['left over', `${count(report.unreferenced.length, 'object')} that no commit refers to, ${why}`])
  }
  return fields
}

function bootTexts({ version, states, skipped, failed }: BootResult): string[] {
  const texts = states.map(({ timeline, zxid, name, znodes, digest }) => {
    const what = `${formatZxid(zxid)} of timeline ${timeline}${name === null ? '' : ` (${name})`}`
    const proof = digest === 'match' ? 'its digest is equal' : 'it has no digest to compare'
    return `ZooKeeper ${version} started on ${what}: zxid and ${formatCount(znodes)} znodes are equal, ${proof}`
  })
  if (skipped !== undefined) texts.push(`not started: ${skipped}`)
  if (failed !== undefined) texts.push(failed.message)
  return texts
}

const count = (n: number, what: string): string => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`

function verifyDocument(report: VerifyReport): JsonObject {
  const { txns, digestsChecked, boot } = report
  return {
    repository: report.repository,
    level: report.level,
    ok: report.ok,
    timelines: report.timelines,
    commits: report.commits,
    points: report.points,
    segments: report.segments,
    objects: report.objects,
    bytes: report.bytes,
    ...(txns === undefined ? {} : { txns }),
    ...(digestsChecked === undefined ? {} : { digestsChecked }),
    ...(boot === undefined ? {} : { boot: bootDocument(boot) }),
    findings: report.findings.map(({ code, message, place }) => ({ code, message, place: { ...place } })),
    findingsLeftOut: report.findingsLeftOut,
    unreferenced: [...report.unreferenced],
    unread: [...report.unread],
  }
}

function bootDocument({ version, states, skipped, failed }: BootResult): JsonObject {
  return {
    ...(version === undefined ? {} : { version }),
    ...(states.length === 0 ? {} : { znodes: states[0].znodes }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(failed === undefined ? {} : { failed: failed.message }),
    states: states.map(({ timeline, zxid, name, znodes, digest }) => ({
      timeline,
      zxid: formatZxid(zxid),
      ...(name === null ? {} : { name }),
      znodes,
      digest,
    })),
  }
}
