import type { Clock } from '../base/clock.ts'
import type { ProgressEvent } from '../engine/run-context.ts'
import { formatCount, formatDuration, formatSize, printable } from './format-text.ts'

/** Often enough to look alive, seldom enough to cost nothing and to keep a log readable. */
const terminalIntervalMs = 100
const jsonIntervalMs = 1000
/** No estimate from less than this: it would jump. */
const estimateAfterMs = 2000

const amount = (event: ProgressEvent, value: number): string =>
  event.unit === 'bytes' ? formatSize(Math.round(value)) : `${formatCount(Math.round(value))} ${event.unit}`

/** The one line that a person watches: step, done of total, rate, time remaining. */
export function formatProgress(event: ProgressEvent, elapsedMs: number): string {
  const parts = [`${printable(event.step)}: ${amount(event, event.done)}`]
  if (event.total !== undefined && event.total > 0) {
    parts[0] += ` of ${amount(event, event.total)} (${Math.min(100, Math.floor((100 * event.done) / event.total))}%)`
  }
  if (elapsedMs > 0 && event.done > 0) {
    parts.push(`${amount(event, (event.done * 1000) / elapsedMs)}/s`)
    if (event.total !== undefined && event.total > event.done && elapsedMs >= estimateAfterMs) {
      parts.push(`${formatDuration((elapsedMs * (event.total - event.done)) / event.done)} left`)
    }
  }
  return parts.join(', ')
}

export type ProgressMode = 'terminal' | 'json' | 'silent'

/** Shows progress events on stderr: rewrites one line on a terminal, writes JSON lines with --json, else says nothing. */
export class ProgressLine {
  readonly #mode: ProgressMode
  readonly #clock: Clock
  readonly #write: (text: string) => void
  readonly #columns: () => number
  #step = ''
  #stepStartedMs = 0
  #shownMs = Number.NEGATIVE_INFINITY
  #visible = false

  constructor(options: { mode: ProgressMode; clock: Clock; write: (text: string) => void; columns: () => number }) {
    this.#mode = options.mode
    this.#clock = options.clock
    this.#write = options.write
    this.#columns = options.columns
  }

  show(event: ProgressEvent): void {
    if (this.#mode === 'silent') return
    const nowMs = this.#clock.nowMs()
    const isNewStep = event.step !== this.#step
    if (isNewStep) {
      this.#step = event.step
      this.#stepStartedMs = nowMs
    }
    if (!isNewStep && nowMs - this.#shownMs < (this.#mode === 'json' ? jsonIntervalMs : terminalIntervalMs)) return
    this.#shownMs = nowMs
    if (this.#mode === 'json') {
      this.#write(`${JSON.stringify({ event: 'progress', ...event })}\n`)
      return
    }
    const text = formatProgress(event, nowMs - this.#stepStartedMs)
    this.#write(`\r\u001b[2K${text.slice(0, Math.max(1, this.#columns() - 1))}`)
    this.#visible = true
  }

  /** Takes the line away, so that other text can stand there. */
  clear(): void {
    if (!this.#visible) return
    this.#write('\r\u001b[2K')
    this.#visible = false
  }
}
