import { type ErrorCode, formatPlace, type Place, ZooArkError } from '../../base/errors.ts'

/** One thing that is wrong. */
export interface Finding {
  readonly code: ErrorCode
  readonly message: string
  readonly place: Place
}

/** Findings kept: more than a person reads. What comes after is counted. */
const findingsMax = 10_000

/**
 * What says something of the repository itself. Anything else that is thrown (permissions, a failing store, Ctrl-C, our own bugs) says
 * nothing of it and ends the run.
 */
const codesOfDamage: ReadonlySet<ErrorCode> = new Set([
  'REPOSITORY_DAMAGED',
  'OBJECT_NOT_FOUND',
  'REPOSITORY_FORMAT_TOO_NEW',
  'RECORD_DAMAGED',
  'TXN_TYPE_UNKNOWN',
  'LIMIT_EXCEEDED',
])

/** Collects what is wrong; the same thing seen at two levels is one finding. */
export class Findings {
  readonly list: Finding[] = []
  /** Findings that `list` has no room for. */
  leftOut = 0
  readonly #known = new Set<string>()
  readonly #damagedObjects = new Set<string>()

  add(finding: Finding): void {
    const { code, message, place } = finding
    const key = `${code} ${formatPlace(place)} ${message}`
    if (this.#known.has(key)) return
    if (place.object !== undefined) this.#damagedObjects.add(place.object)
    if (this.list.length === findingsMax) {
      this.leftOut++
      return
    }
    this.#known.add(key)
    this.list.push(finding)
  }

  /** Whether a finding names this object. */
  names(object: string): boolean {
    return this.#damagedObjects.has(object)
  }

  get isEmpty(): boolean {
    return this.list.length === 0
  }

  /** @param place what is known beside the place of the error, which wins. @throws the error itself when it is no finding */
  addError(error: unknown, place: Place = {}): void {
    if (!(error instanceof ZooArkError) || !codesOfDamage.has(error.code)) throw error
    this.add({ code: error.code, message: error.message, place: { ...place, ...error.place } })
  }

  /** Runs `act`; damage becomes a finding and undefined. */
  async note<T>(place: Place, act: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      this.addError(error, place)
      return undefined
    }
  }
}
