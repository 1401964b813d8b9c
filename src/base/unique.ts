import { randomBytes } from 'node:crypto'

/** A name that no other process has: 24 lower-case hex digits from the system's generator. For temporary files and new ids, never for secrets. */
export function uniqueName(): string {
  return randomBytes(12).toString('hex')
}
