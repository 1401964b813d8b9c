import { payloadTimeMs, payloadZxid } from '../../archive/segment-format.ts'
import { type BlobSource, readSegment, type TxnSink } from '../../archive/segment-reader.ts'
import type { StoredSegment } from '../../archive/segment-writer.ts'
import { ZooArkError } from '../../base/errors.ts'
import { decodeTxn } from '../../model/txn.ts'
import { formatZxid } from '../../model/zxid.ts'

/**
 * Reads a whole segment: every block, every record with its Adler32 and its place in the order, every txn down to its fields; and the
 * times that its header promises, which points in time are found by.
 * @param onTxns called with the number of txns of each block; may throw to end it
 * @throws REPOSITORY_DAMAGED, OBJECT_NOT_FOUND, RECORD_DAMAGED and TXN_TYPE_UNKNOWN with zxid
 */
export async function checkSegment(source: BlobSource, segment: StoredSegment, onTxns: (count: number) => void): Promise<void> {
  const decoder = new TxnDecoder(segment, onTxns)
  await readSegment(source, segment, {}, decoder)
  const { firstTimeMs, lastTimeMs, maxTimeMs } = decoder
  if (firstTimeMs === segment.firstTimeMs && lastTimeMs === segment.lastTimeMs && maxTimeMs === segment.maxTimeMs) return
  throw new ZooArkError('REPOSITORY_DAMAGED', 'the times of its txns are not those that the segment says', {
    place: { object: segment.object.key, zxid: formatZxid(segment.first) },
  })
}

class TxnDecoder implements TxnSink {
  firstTimeMs: number | undefined
  lastTimeMs = 0
  maxTimeMs = -Infinity
  readonly #segment: StoredSegment
  readonly #onTxns: (count: number) => void

  constructor(segment: StoredSegment, onTxns: (count: number) => void) {
    this.#segment = segment
    this.#onTxns = onTxns
  }

  txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#decode(window, starts[i], ends[i])
      this.lastTimeMs = payloadTimeMs(window, starts[i])
      this.firstTimeMs ??= this.lastTimeMs
      this.maxTimeMs = Math.max(this.maxTimeMs, this.lastTimeMs)
    }
    this.#onTxns(count)
  }

  #decode(window: Uint8Array, start: number, end: number): void {
    try {
      const { record } = decodeTxn(window, start, end)
      if (record.kind === 'unknown')
        throw new ZooArkError('TXN_TYPE_UNKNOWN', `no ZooKeeper that this ZooArk knows writes txns of type ${record.type}`)
    } catch (error) {
      if (!(error instanceof ZooArkError)) throw error
      const place = { object: this.#segment.object.key, zxid: formatZxid(payloadZxid(window, start)) }
      throw new ZooArkError(error.code, error.message, { place, cause: error })
    }
  }
}
