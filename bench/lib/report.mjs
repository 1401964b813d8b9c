/** Lines as a table for people: on stdout, and in RESULTS.md. */
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'

const side = (sample) =>
  sample === undefined ? '–' : `${seconds(sample.wallMs)}, CPU ${seconds(sample.cpuMs)}, ${sample.peakMb.toFixed(0)} MB`

function seconds(ms) {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`
}

export function formatValue(value, unit) {
  if (Number.isNaN(value)) return 'not measured'
  const digits = unit === 'ms' || unit === 'B' || unit === 'MB' ? 0 : value < 1 ? 2 : 1
  return `${value.toFixed(digits)}${unit === 'x' ? 'x' : unit === '%' ? '%' : ` ${unit}`}`
}

/** Against must and goal, in plain words. */
export function verdict({ value, better, must, goal }) {
  if (Number.isNaN(value)) return 'not measured'
  const reaches = (target) => (better === 'more' ? value >= target : value <= target)
  if (must === undefined) return 'beside it'
  if (!reaches(must)) return 'MISSED'
  return goal !== undefined && reaches(goal) ? 'met, goal met' : 'met'
}

const bound = (line, limit) => (limit === undefined ? '–' : formatValue(limit, line.unit).replace(/\.0+(?=\D|$)/, ''))

export function formatLine(line) {
  const cells = [
    line.job,
    line.peer,
    side(line.ours),
    side(line.theirs),
    formatValue(line.value, line.unit),
    `${bound(line, line.must)} / ${bound(line, line.goal)}`,
    verdict(line),
  ]
  return `| ${cells.join(' | ')} |${line.note === undefined ? '' : ` ${line.note}`}`
}

export const tableHead = [
  '| Job | Peer | Ours: wall, CPU, peak memory | Peer: wall, CPU, peak memory | Figure | must / goal | |',
  '|---|---|---|---|---|---|---|',
]

/** A table row, its note in the last cell. */
export function markdownLine(line) {
  const text = formatLine({ ...line, note: undefined })
  return line.note === undefined ? text : text.replace(/ \|$/, `; ${line.note} |`)
}

export function describeMachine() {
  const [first] = cpus()
  const java = execFileSync('bash', ['-c', 'java -version 2>&1'], { encoding: 'utf8' }).split('\n')[0]
  let system = `${process.platform} ${release()}`
  try {
    system = `${/PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))[1]}, ${system}`
  } catch {
    // No such file outside Linux: the platform stands alone.
  }
  return `${cpus().length} x ${first.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${system}; ${java}`
}
