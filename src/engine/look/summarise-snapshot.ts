import { type ErrorCode, ZooArkError } from '../../base/errors.ts'
import type { OpenFile } from '../../formats/file-input.ts'
import { type SnapshotSink, type SnapshotSummary, readSnapshot } from '../../formats/snapshot-reader.ts'
import { int32At } from '../../jute/long.ts'
import { nodeTail } from '../../model/node-record.ts'
import { type ZnodeKind, znodeKind } from './state-view.ts'

export interface SnapshotFacts {
  /** Absent when the file is damaged before its end. */
  readonly summary?: SnapshotSummary
  /** What the sink saw; with a damaged file, of the part before the damage. */
  readonly sessions: number
  readonly acls: number
  readonly znodes: number
  readonly kinds: Readonly<Record<ZnodeKind, number>>
  readonly dataBytes: number
  readonly largestDataBytes: number
  /** Znodes whose ACL key the file does not define. */
  readonly danglingAcls: number
  readonly fault?: ZooArkError
}

const damageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['SNAPSHOT_DAMAGED', 'RECORD_DAMAGED', 'LIMIT_EXCEEDED'])

/** Reads and verifies a snapshot and counts what is in it. Damage becomes `fault`, beside what was counted before it. */
export async function summariseSnapshot(file: OpenFile): Promise<SnapshotFacts> {
  const count = new SnapshotCount()
  try {
    const summary = await readSnapshot(file, count)
    return { summary, ...count.facts() }
  } catch (error) {
    if (!(error instanceof ZooArkError) || !damageCodes.has(error.code)) throw error
    return { ...count.facts(), fault: error }
  }
}

/** Counts without making anything per znode. */
class SnapshotCount implements SnapshotSink {
  #sessions = 0
  #znodes = 0
  #ephemerals = 0
  #containers = 0
  #ttls = 0
  #reserved = 0
  #dataBytes = 0
  #largestDataBytes = 0
  #danglingAcls = 0
  /** ACL keys by their low half, and under it the high halves. */
  readonly #keys = new Map<number, Set<number>>()
  #acls = 0
  #lastKeyHi = -1
  #lastKeyLo = -1

  session(): void {
    this.#sessions++
  }

  acl(keyHi: number, keyLo: number): void {
    this.#acls++
    const highs = this.#keys.get(keyLo)
    if (highs === undefined) this.#keys.set(keyLo, new Set([keyHi]))
    else highs.add(keyHi)
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void {
    let dataBytes = 0
    let largest = this.#largestDataBytes
    for (let i = 0; i < count; i++) {
      const start = starts[i]
      // A record ends where the next begins, so that its tail is found without reading its lengths.
      const tail = starts[i + 1] - nodeTail.length
      const dataStart = start + 8 + int32At(window, start)
      const length = tail - dataStart
      dataBytes += length
      if (length > largest) largest = length
      const keyLo = int32At(window, tail + 4)
      if (keyLo !== this.#lastKeyLo || int32At(window, tail) !== this.#lastKeyHi) this.#checkKey(int32At(window, tail), keyLo)
      const owner = tail + nodeTail.ephemeralOwner
      const ownerHi = int32At(window, owner)
      if (ownerHi !== 0 || int32At(window, owner + 4) !== 0) this.#countOwner(ownerHi, int32At(window, owner + 4))
    }
    this.#znodes += count
    this.#dataBytes += dataBytes
    this.#largestDataBytes = largest
  }

  #checkKey(hi: number, lo: number): void {
    const isKnown = (hi === -1 && lo === -1) || this.#keys.get(lo)?.has(hi) === true
    if (!isKnown) {
      this.#danglingAcls++
      return
    }
    this.#lastKeyHi = hi
    this.#lastKeyLo = lo
  }

  #countOwner(hi: number, lo: number): void {
    const kind = znodeKind(hi, lo)
    if (kind === 'ephemeral') this.#ephemerals++
    else if (kind === 'container') this.#containers++
    else if (kind === 'ttl') this.#ttls++
    else this.#reserved++
  }

  facts(): Omit<SnapshotFacts, 'summary' | 'fault'> {
    const others = this.#ephemerals + this.#containers + this.#ttls + this.#reserved
    return {
      sessions: this.#sessions,
      acls: this.#acls,
      znodes: this.#znodes,
      kinds: {
        persistent: this.#znodes - others,
        ephemeral: this.#ephemerals,
        container: this.#containers,
        ttl: this.#ttls,
        reserved: this.#reserved,
      },
      dataBytes: this.#dataBytes,
      largestDataBytes: this.#largestDataBytes,
      danglingAcls: this.#danglingAcls,
    }
  }
}
