/**
 * The one error class and the one error table.
 *
 * Every failure that a person or a script can meet has a row here: its exit code (PRODUCT contract), whether trying again
 * unchanged can help, and the next step. `docs/reference/errors.md` is generated from this table.
 */

/** What the exit codes mean. The numbers are a contract. */
export const exitCodes = {
  clean: 0,
  otherFailure: 1,
  usage: 2,
  incompleteOrDifferent: 3,
  noRepository: 10,
  lockedOrFenced: 11,
  wrongKey: 12,
  formatTooNew: 13,
  repositoryDamaged: 20,
  sourceDamaged: 21,
  pointNotReachable: 22,
  unreachable: 30,
  notAuthorised: 31,
  targetRefused: 32,
  ourBug: 70,
  interrupted: 130,
  terminated: 143,
} as const

interface ErrorRow {
  readonly exitCode: number
  readonly httpStatus: number
  readonly retryable: boolean
  /** The next step, a sentence with a full stop. */
  readonly hint: string
}

const row = (exitCode: number, httpStatus: number, retryable: boolean, hint: string): ErrorRow => ({
  exitCode,
  httpStatus,
  retryable,
  hint,
})

export const errorTable = {
  // usage and configuration
  USAGE: row(2, 400, false, 'See `zooark help` for the commands and their options.'),
  BAD_PLACE: row(2, 400, false, 'Write the place as file:/data/dir, repo:REPO@POINT, or the path of a file.'),
  BAD_POINT: row(2, 400, false, 'Write the point as latest, 0x<zxid>, a time, -15m, name:<name> or before:<what>.'),
  BAD_PATH: row(2, 400, false, 'A znode path starts with / and does not end with it.'),
  NOT_SUPPORTED: row(2, 501, false, 'This version of ZooArk cannot do this; see the guide for what it can do.'),
  CONFIRMATION_NEEDED: row(2, 400, false, 'Pass --yes, or a plan saved with --dry-run --plan FILE, to act without a terminal.'),
  // source
  SOURCE_NOT_FOUND: row(21, 404, false, 'Check the path; it must be a dataDir that holds version-2.'),
  SOURCE_UNREADABLE: row(31, 403, false, 'Run as a user who may read the data directory.'),
  SOURCE_NOT_ZOOKEEPER: row(21, 422, false, 'Name the dataDir of a ZooKeeper server: the directory that holds version-2.'),
  SOURCE_EMPTY: row(21, 422, false, 'The server has written nothing yet; start it once, or name another directory.'),
  SOURCE_NO_SNAPSHOT: row(21, 422, false, 'Logs alone give no state; add the dataDir that holds the snapshots, or use salvage.'),
  SOURCE_NO_LOGS: row(21, 422, false, 'Name the log directory with ?log=/dataLogDir; a fuzzy snapshot alone is not a state.'),
  SOURCE_DAMAGED: row(21, 422, false, 'Run `zooark salvage` on the directory to see what can be saved.'),
  SOURCE_CHANGING: row(21, 503, true, 'The server purged faster than it could be read; run the backup again.'),
  SNAPSHOT_DAMAGED: row(21, 422, false, 'Use an older snapshot, or `zooark salvage` to see what can be saved.'),
  TXN_LOG_DAMAGED: row(21, 422, false, 'Run `zooark salvage` on the file to see what can be saved.'),
  RECORD_DAMAGED: row(21, 422, false, 'Run `zooark salvage` on the file to see what can be saved.'),
  TXN_TYPE_UNKNOWN: row(21, 422, false, 'The log holds a txn of a newer ZooKeeper; use a newer ZooArk.'),
  REPLAY_DIVERGED: row(21, 422, false, 'The log does not follow from the snapshot; back up another server of the ensemble.'),
  LIMIT_EXCEEDED: row(21, 422, false, 'The file claims sizes that no ZooKeeper writes; check where it comes from.'),
  // repository
  REPOSITORY_NOT_FOUND: row(10, 404, false, 'Check --repo; the first `zooark backup` to a new path creates it.'),
  REPOSITORY_PLACE_TAKEN: row(32, 409, false, 'Name a directory that is empty or does not exist; nothing was written.'),
  REPOSITORY_FENCED: row(11, 409, true, 'Another writer committed first; run the command again.'),
  REPOSITORY_FORMAT_TOO_NEW: row(13, 422, false, 'Use the newer ZooArk that wrote this repository.'),
  REPOSITORY_DAMAGED: row(20, 422, false, 'Run `zooark verify --level hash` to list what is damaged.'),
  OBJECT_NOT_FOUND: row(20, 404, false, 'Run `zooark verify --level chain` to list what is missing.'),
  WRONG_KEY: row(12, 403, false, 'Give the identity that this repository was written for.'),
  STORE_UNREADABLE: row(31, 403, false, 'Run as a user who may read and write the repository.'),
  STORE_FULL: row(1, 507, true, 'Free some space and run the command again; what was committed stands.'),
  STORE_FAILED: row(30, 503, true, 'Check the storage and run the command again; what was committed stands.'),
  // points
  POINT_NOT_REACHABLE: row(22, 404, false, 'See `zooark status` for the restorable intervals.'),
  POINT_IN_GAP: row(22, 404, false, 'See `zooark status` for the gaps and their causes; choose a point outside them.'),
  POINT_NOT_SETTLED: row(22, 404, false, 'Choose a later point: the fuzzy snapshot is settled only from the named zxid on.'),
  POINT_AMBIGUOUS: row(22, 409, false, 'Name the timeline with POINT@TIMELINE; see `zooark timelines`.'),
  ZNODE_NOT_FOUND: row(1, 404, false, 'Check the path and the point with `zooark ls`.'),
  // target
  TARGET_NOT_EMPTY: row(32, 409, false, 'Name a directory that is empty or does not exist; nothing was written.'),
  TARGET_IN_USE: row(32, 409, false, 'Stop the server that has this directory open, and name an empty directory.'),
  TARGET_UNWRITABLE: row(32, 403, false, 'Run as a user who may write the target directory.'),
  PLAN_STALE: row(32, 409, false, 'The repository or the target changed since the plan was made; make a new plan.'),
  RESTORE_UNPROVED: row(70, 500, false, 'What was staged does not equal the plan; nothing was published. Report this with the plan.'),
  // everything else
  VERIFY_FAILED: row(20, 422, false, 'The report names every object concerned.'),
  JAVA_NOT_FOUND: row(3, 424, false, 'Install Java and name the ZooKeeper jars with --zookeeper-jars.'),
  BOOT_FAILED: row(3, 422, false, 'The server log named in the report says why it did not start.'),
  IO_FAILED: row(1, 500, true, 'The operating system refused; its own message is above.'),
  INTERRUPTED: row(130, 499, true, 'Run the command again; it takes up where it was.'),
  BUG: row(70, 500, false, 'This is a defect of ZooArk; report it with the command and the message.'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable

/** Where it happened. Every field is optional; give all that are known. zxid in text form (0x…), offset in bytes. */
export interface Place {
  readonly file?: string
  readonly offset?: number
  readonly zxid?: string
  readonly path?: string
  readonly server?: string
  readonly object?: string
}

export interface ErrorDetails {
  readonly place?: Place
  /** Replaces the table's next step where a better one is known. */
  readonly hint?: string
  readonly cause?: unknown
}

export class ZooArkError extends Error {
  override readonly name = 'ZooArkError'
  readonly code: ErrorCode
  readonly place: Place
  readonly hint: string

  /** @param message lower case, no full stop, without the place: `placeText` adds that. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.place = details.place ?? {}
    this.hint = details.hint ?? errorTable[code].hint
  }

  get exitCode(): number {
    return errorTable[this.code].exitCode
  }
}

/** The place as one phrase, for example `/d/version-2/log.1 at byte 16, zxid 0x1`; empty when nothing is known. */
export function formatPlace(place: Place): string {
  const parts: string[] = []
  if (place.file !== undefined) parts.push(place.offset === undefined ? place.file : `${place.file} at byte ${place.offset}`)
  else if (place.offset !== undefined) parts.push(`byte ${place.offset}`)
  if (place.object !== undefined) parts.push(`object ${place.object}`)
  if (place.zxid !== undefined) parts.push(`zxid ${place.zxid}`)
  if (place.path !== undefined) parts.push(`znode ${place.path}`)
  if (place.server !== undefined) parts.push(`server ${place.server}`)
  return parts.join(', ')
}

/** An internal claim that must hold; its failure is our bug, never the user's. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new ZooArkError('BUG', message)
}
