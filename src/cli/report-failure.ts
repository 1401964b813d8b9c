import { ZooArkError, errorTable, formatPlace } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { printable } from './format-text.ts'

/** Causes behind an error that are shown; deeper chains repeat themselves. */
const causesMax = 5

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'

/** Anything thrown, as an error of the table: what no flow has named is the operating system's refusal or our bug. */
export function toZooArkError(error: unknown): ZooArkError {
  if (error instanceof ZooArkError) return error
  if (isSystemError(error)) {
    const code =
      error.code === 'EACCES' || error.code === 'EPERM' ? 'STORE_UNREADABLE' : error.code === 'ENOSPC' ? 'STORE_FULL' : 'IO_FAILED'
    return new ZooArkError(code, error.message, {
      cause: error,
      ...(error.path === undefined ? {} : { place: { file: error.path } }),
      ...(code === 'STORE_UNREADABLE' ? { hint: 'Run as a user who may use this file.' } : {}),
    })
  }
  return new ZooArkError('BUG', error instanceof Error ? error.message : String(error), { cause: error })
}

function causesOf(error: ZooArkError): string[] {
  const causes: string[] = []
  let cause: unknown = error.cause
  while (cause instanceof Error && causes.length < causesMax) {
    if (cause.message !== error.message) causes.push(cause instanceof ZooArkError ? `${cause.message} (${cause.code})` : cause.message)
    cause = cause.cause
  }
  return causes
}

/** The lines on stderr: what, where, because, next. */
export function formatFailure(error: ZooArkError): string {
  const lines = [`error: ${error.message} (${error.code})`]
  const place = formatPlace(error.place)
  if (place !== '') lines.push(`where: ${place}`)
  for (const cause of causesOf(error)) lines.push(`cause: ${cause}`)
  lines.push(`next:  ${error.hint}`)
  const text = lines.map(printable).join('\n')
  const stack = error.code === 'BUG' ? (error.cause instanceof Error ? error.cause.stack : error.stack) : undefined
  return `${text}\n${stack === undefined ? '' : `${stack}\n`}`
}

/** The same for --json; config/json-output.ts documents it as `jsonError`. */
export function failureDocument(error: ZooArkError, exitCode: number): JsonObject {
  return {
    error: {
      code: error.code,
      message: error.message,
      place: { ...error.place },
      hint: error.hint,
      exitCode,
      retryable: errorTable[error.code].retryable,
    },
  }
}
