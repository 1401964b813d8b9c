import type { Clock } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import type { CommandName } from '../config/commands.ts'
import type { ProgressEvent } from '../engine/run-context.ts'
import { formatFields, formatTable, printable } from './format-text.ts'
import type { Column } from './format-text.ts'
import { ProgressLine } from './progress-line.ts'

/** A stream as Node's stdout and stderr are. */
export interface TextStream {
  write(chunk: string | Uint8Array, callback?: (error?: Error | null) => void): boolean
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The version of the JSON contract; it changes only when the promise "additive only" is broken. */
const jsonSchema = 1

/** Lines are handed to the stream in pieces of this size: one system call for hundreds of lines. */
const bufferedCharsMax = 64 * 1024

const columnsUnknown = 80

export interface OutputOptions {
  readonly command: CommandName
  readonly format: 'text' | 'json'
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly clock: Clock
}

/**
 * Where a command speaks. Text calls do nothing with --json and JSON calls do nothing without it, so that a command says both one
 * after the other and needs no branch.
 */
export class Output {
  readonly format: 'text' | 'json'
  readonly #options: OutputOptions
  readonly #progress: ProgressLine
  #pending = ''
  #congested: Promise<void> | undefined

  constructor(options: OutputOptions) {
    this.#options = options
    this.format = options.format
    const { stderr, clock } = options
    this.#progress = new ProgressLine({
      mode: options.format === 'json' ? 'json' : stderr.isTTY === true ? 'terminal' : 'silent',
      clock,
      write: (text) => stderr.write(text),
      // Terminals that do not know their width say 0.
      columns: () => stderr.columns || columnsUnknown,
    })
  }

  /** Text only: one line. Control characters are made visible; the text comes from files that nobody vetted. */
  line(text = ''): void {
    if (this.format === 'text') this.#put(`${printable(text)}\n`)
  }

  /** Text only: a table. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    if (this.format === 'text') this.#put(`${formatTable(columns, rows).join('\n')}\n`)
  }

  /** Text only: labels and values. */
  fields(fields: readonly (readonly [string, string])[]): void {
    if (this.format === 'text') this.#put(`${formatFields(fields).join('\n')}\n`)
  }

  /** JSON only: the one document of a command of shape `object`; its fields stand in config/json-output.ts. */
  result(document: JsonObject): void {
    if (this.format === 'json') this.#put(`${JSON.stringify({ command: this.#options.command, schema: jsonSchema, ...document })}\n`)
  }

  /** JSON only: one line of a command of shape `lines`. After many, await `ready`. */
  item(type: string, document: JsonObject): void {
    if (this.format === 'json') this.#put(`${JSON.stringify({ type, ...document })}\n`)
  }

  /** JSON only: the last line of a command of shape `lines`. */
  summary(document: JsonObject): void {
    this.item('summary', { command: this.#options.command, schema: jsonSchema, ...document })
  }

  /** Bytes to stdout as they are, whatever the format; for `cat`. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await this.flush()
    await new Promise<void>((resolve) => {
      this.#options.stdout.write(bytes, () => resolve())
    })
  }

  /** Something to know, on stderr, in either format. */
  notice(text: string): void {
    this.#progress.clear()
    this.#options.stderr.write(this.format === 'json' ? `${JSON.stringify({ event: 'notice', text })}\n` : `note: ${printable(text)}\n`)
  }

  progress(event: ProgressEvent): void {
    this.#progress.show(event)
  }

  clearProgress(): void {
    this.#progress.clear()
  }

  /** Resolves when the reader of stdout keeps up; await it every few hundred lines of a long listing. */
  async ready(): Promise<void> {
    if (this.#congested !== undefined) await this.#congested
  }

  /** Resolves when everything said has been handed to the operating system. */
  async flush(): Promise<void> {
    this.#progress.clear()
    this.#send()
    await this.ready()
  }

  #put(text: string): void {
    this.#pending += text
    if (this.#pending.length >= bufferedCharsMax) this.#send()
  }

  #send(): void {
    if (this.#pending === '') return
    const text = this.#pending
    this.#pending = ''
    const written = new Promise<void>((resolve) => {
      // An error (EPIPE) is the stream's 'error' event, which main.ts handles; here it only ends the wait.
      this.#options.stdout.write(text, () => resolve())
    })
    const congested = Promise.all([this.#congested, written]).then(() => {
      if (this.#congested === congested) this.#congested = undefined
    })
    this.#congested = congested
  }
}
