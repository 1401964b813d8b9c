import { multiPartsMax } from '../model/txn-multi.ts'
import { txnLayout, txnTypes } from '../model/txn-layout.ts'
import { closeSessionBodyEnd } from '../model/txn-session.ts'
import { TxnBody, damagedTxn } from './txn-body.ts'
import type { OutcomeNotes } from './txn-outcome.ts'

/**
 * One transaction as it stands in a window: its header as numbers, and its record checked as a whole before anything is applied, so that
 * a damaged or unknown one leaves the tree as it was. One object is used again and again.
 */
export class TxnReader {
  window: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  type = 0
  clientHi = 0
  clientLo = 0
  zxidHi = 0
  zxidLo = 0
  timeHi = 0
  timeLo = 0
  bodyStart = 0
  /** Where the record ends and a digest may begin. */
  bodyEnd = 0
  end = 0
  /** The record's fields, but for multis, sessions and errors; `readPart` fills it for a part of a multi. */
  readonly body = new TxnBody()
  #start = 0

  /**
   * @returns false when it is refused, with a note why
   * @throws RECORD_DAMAGED with the offset from `start`
   */
  read(window: Uint8Array, start: number, end: number, notes: OutcomeNotes): boolean {
    if (end - start < txnLayout.body) throw damagedTxn('it is shorter than its header', 0)
    if (window !== this.window) {
      this.window = window
      this.view = new DataView(window.buffer, window.byteOffset, window.byteLength)
    }
    const view = this.view
    this.#start = start
    this.clientHi = view.getInt32(start + txnLayout.clientId)
    this.clientLo = view.getInt32(start + txnLayout.clientId + 4)
    this.zxidHi = view.getInt32(start + txnLayout.zxid)
    this.zxidLo = view.getInt32(start + txnLayout.zxid + 4)
    this.timeHi = view.getInt32(start + txnLayout.time)
    this.timeLo = view.getInt32(start + txnLayout.time + 4)
    this.type = view.getInt32(start + txnLayout.type)
    this.bodyStart = start + txnLayout.body
    this.end = end
    this.bodyEnd = this.#checkRecord(notes)
    return this.bodyEnd >= 0
  }

  /** Reads a part of a multi that `read` has checked into `body`. */
  readPart(type: number, at: number, end: number): void {
    this.body.decode(this.window, this.view, type, at, end, this.#start, 'part')
  }

  #checkRecord(notes: OutcomeNotes): number {
    const { bodyStart, end } = this
    switch (this.type) {
      case txnTypes.createSession:
        if (end - bodyStart < 4) throw damagedTxn('it ends too early', txnLayout.body)
        return bodyStart + 4
      case txnTypes.closeSession: {
        const bodyEnd = closeSessionBodyEnd(this.window, bodyStart, end)
        if (bodyEnd < 0) throw damagedTxn('the body of a closeSession is not a list of paths', txnLayout.body)
        return bodyEnd
      }
      case txnTypes.error:
        return Math.min(bodyStart + 4, end)
      case txnTypes.multi:
        return this.#checkMulti(notes)
      default:
        return this.#checkChange(this.type, bodyStart, end, 'alone', notes) ? this.body.end : -1
    }
  }

  #checkChange(type: number, at: number, end: number, place: 'alone' | 'part', notes: OutcomeNotes): boolean {
    if (!this.body.decode(this.window, this.view, type, at, end, this.#start, place)) return refuse(notes, 'unknown-type')
    if (type !== txnTypes.createTTL) return true
    const { ttlHi, ttlLo } = this.body
    const isValid = ttlHi >= 0 && ttlHi <= 0xff && (ttlHi !== 0 || ttlLo !== 0)
    return isValid || refuse(notes, 'invalid-ttl')
  }

  #checkMulti(notes: OutcomeNotes): number {
    const { view, bodyStart, end } = this
    if (end - bodyStart < 4) throw damagedTxn('it ends too early', txnLayout.body)
    const count = view.getInt32(bodyStart)
    if (count < -1 || count > multiPartsMax) throw damagedTxn('the parts of the multi do not fit', txnLayout.body)
    let at = bodyStart + 4
    let isRefused = false
    let hasFailed = false
    for (let i = 0; i < count; i++) {
      const length = end - at < 8 ? -1 : view.getInt32(at + 4)
      if (length < 0 || length > end - at - 8) throw damagedTxn('a part of the multi does not fit', at - this.#start)
      const type = view.getInt32(at)
      if (type === txnTypes.error) hasFailed = true
      else if (!isRefused) isRefused = !this.#checkPart(type, at + 8, at + 8 + length, notes)
      at += 8 + length
    }
    if (!hasFailed) return isRefused ? -1 : at
    // A failed multi has no effect, whatever its other parts are.
    notes.clear()
    return at
  }

  #checkPart(type: number, at: number, end: number, notes: OutcomeNotes): boolean {
    if (type === txnTypes.multi) return refuse(notes, 'nested-multi')
    if (type === txnTypes.reconfig || type === txnTypes.setACL) return refuse(notes, 'unknown-type')
    return this.#checkChange(type, at, end, 'part', notes)
  }
}

function refuse(notes: OutcomeNotes, reason: 'unknown-type' | 'nested-multi' | 'invalid-ttl'): false {
  notes.note(reason, 'settled')
  return false
}
