/** Numbers and tables for people. Pure. */

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes with three significant digits: `0 B`, `999 B`, `1.00 KiB`, `311 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < binaryUnits.length - 1) {
    value /= 1024
    unit++
  }
  if (unit === 0) return `${bytes} B`
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${binaryUnits[unit]}`
}

/** Thousands separated by a comma, which no shell and no eye takes for a decimal point here. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `850 ms`, `3.2 s`, `4 min 05 s`, `3 h 20 min`, `5 d 3 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
  const hours = Math.floor(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The largest time that a Date can hold, in milliseconds. */
const dateMsMax = 8.64e15

/** ISO 8601 in UTC with milliseconds; times that no Date can hold (they stand in damaged files) as their number. */
export function formatTime(ms: number): string {
  return Math.abs(ms) <= dateMsMax ? new Date(ms).toISOString() : `${ms} ms`
}

/** Text that cannot move the cursor of a terminal: control characters stand as `\xNN` or `\u{…}`. Paths come from files that nobody vetted. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const unit = character.charCodeAt(0)
    return unit <= 0xff ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u{${unit.toString(16)}}`
  })
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Lines of a table, two spaces between the columns, none at the end of a line. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map((row) => row.map(printable))
  const widths = columns.map((column, i) => clean.reduce((width, row) => Math.max(width, row[i].length), column.title.length))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (columns[i].align === 'right' ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [line(columns.map((column) => column.title)), ...clean.map(line)]
}

/** Lines `label  value`, values aligned. */
export function formatFields(fields: readonly (readonly [string, string])[]): string[] {
  const width = fields.reduce((widest, [label]) => Math.max(widest, label.length), 0)
  return fields.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}`.trimEnd())
}
