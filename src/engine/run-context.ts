import type { Clock } from '../base/clock.ts'

/** What a flow tells while it works. `done` and `total` count the unit named; total is absent where nobody knows it. */
export interface ProgressEvent {
  readonly step: string
  readonly unit: 'bytes' | 'znodes' | 'txns' | 'objects'
  readonly done: number
  readonly total?: number
}

/** Everything from outside that a flow may use; handed in by the CLI, the daemon or a test. */
export interface RunContext {
  readonly clock: Clock
  /** Aborted by Ctrl-C: flows stop at the next safe place with INTERRUPTED; what was committed stands. */
  readonly signal: AbortSignal
  readonly onProgress: (event: ProgressEvent) => void
  /** Something a person must know that does not stop the flow; it is in the report as well. */
  readonly onNotice: (text: string) => void
}
