import { adler32 } from '../base/checksum.ts'
import { txnLayout } from '../model/txn-layout.ts'
import { payloadLengthMax, recordEndMark, recordHeadLength, recordOverhead } from './txn-log-layout.ts'

/**
 * Why a scan stopped. `more`: the window ends within a record. `padding`: checksum and length are zero.
 * `partial-length`: the length is zero, the checksum is not. `no-end-mark`: the byte after the payload is not `B`.
 * `checksum`, `length`, `short-payload`: a whole record that is damaged, or no record.
 */
export type LogScanState = 'more' | 'padding' | 'partial-length' | 'no-end-mark' | 'checksum' | 'length' | 'short-payload'

const zxidAt = recordHeadLength + txnLayout.zxid

/** Finds and verifies the records in a window; the hot loop of reading a log. The fields are its results, valid until the next `run`. */
export class LogScan {
  /** Where the payloads begin and end. */
  starts = new Uint32Array(0)
  ends = new Uint32Array(0)
  count = 0
  /** Where the next record begins. */
  position = 0
  /** Whether every zxid so far was above the one before it. */
  ascending = true
  /** Zxid of the last record, in halves. */
  lastHi = -0x80000000
  lastLo = 0

  run(window: Uint8Array, from: number, end: number): LogScanState {
    this.#room(end - from)
    const { starts, ends } = this
    let count = 0
    let at = from
    let lastHi = this.lastHi
    let lastLo = this.lastLo
    let state: LogScanState = 'more'
    while (end - at >= recordHeadLength) {
      const length = (window[at + 8] << 24) | (window[at + 9] << 16) | (window[at + 10] << 8) | window[at + 11]
      if (length <= 0 || length > payloadLengthMax) {
        state = length === 0 ? zeroLengthState(window, at) : 'length'
        break
      }
      const payload = at + recordHeadLength
      const payloadEnd = payload + length
      if (payloadEnd >= end) break
      if (window[payloadEnd] !== recordEndMark) {
        state = 'no-end-mark'
        break
      }
      if (!sumMatches(window, at, payload, payloadEnd)) {
        state = 'checksum'
        break
      }
      if (length < txnLayout.body) {
        state = 'short-payload'
        break
      }
      const z = at + zxidAt
      const hi = (window[z] << 24) | (window[z + 1] << 16) | (window[z + 2] << 8) | window[z + 3]
      const lo = ((window[z + 4] << 24) | (window[z + 5] << 16) | (window[z + 6] << 8) | window[z + 7]) >>> 0
      if (hi < lastHi || (hi === lastHi && lo <= lastLo)) this.ascending = this.ascending && lastHi === -0x80000000
      lastHi = hi
      lastLo = lo
      starts[count] = payload
      ends[count++] = payloadEnd
      at = payloadEnd + 1
    }
    this.count = count
    this.position = at
    this.lastHi = lastHi
    this.lastLo = lastLo
    return state
  }

  #room(length: number): void {
    const capacity = Math.floor(length / (recordOverhead + txnLayout.body)) + 1
    if (this.starts.length >= capacity) return
    this.starts = new Uint32Array(capacity)
    this.ends = new Uint32Array(capacity)
  }
}

/** Whether the Adler32 of the payload is the one before it: a long whose high half is zero. */
export function sumMatches(window: Uint8Array, at: number, payload: number, payloadEnd: number): boolean {
  if ((window[at] | window[at + 1] | window[at + 2] | window[at + 3]) !== 0) return false
  const sum = ((window[at + 4] << 24) | (window[at + 5] << 16) | (window[at + 6] << 8) | window[at + 7]) >>> 0
  return sum === adler32(window, payload, payloadEnd)
}

function zeroLengthState(window: Uint8Array, at: number): LogScanState {
  for (let i = 0; i < 8; i++) if (window[at + i] !== 0) return 'partial-length'
  return 'padding'
}
