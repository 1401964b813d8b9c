import { int32At } from '../jute/long.ts'
import { txnLayout, txnTypes } from '../model/txn-layout.ts'
import { multiPartsMax } from '../model/txn-multi.ts'
import { closeSessionBodyEnd } from '../model/txn-session.ts'
import { hashPath } from './path-hash.ts'

const slash = 0x2f

/**
 * Collects the hashes of all paths that some txns touch, for the path filter of a block (docs/formats/archive.md, "Block meta").
 * Also of the id of each session that a txn closes, because the txn need not name the ephemerals that go with it.
 * Makes no object per txn.
 */
export class TouchedPaths {
  /** A txn was met whose paths cannot be told: the block must be read whatever is looked for. */
  isOpaque = false
  #hashes = new Uint32Array(1024)
  #count = 0

  clear(): void {
    this.isOpaque = false
    this.#count = 0
  }

  /** Adds what the txn in window[start..end) touches. */
  addTxn(window: Uint8Array, start: number, end: number): void {
    const type = int32At(window, start + txnLayout.type)
    const body = start + txnLayout.body
    if (type === txnTypes.multi) this.#addMulti(window, body, end)
    else if (type === txnTypes.closeSession) this.#addCloseSession(window, start, end)
    else this.#addSimple(type, window, body, end)
  }

  /** Adds a path that the txns touch without naming it, for example an ephemeral that goes with its session. Root: empty or `/`. */
  addPath(bytes: Uint8Array, start: number, end: number): void {
    this.#push(end - start === 1 && bytes[start] === slash ? hashPath(bytes, start, start) : hashPath(bytes, start, end))
  }

  /** Ascending, without repetition. */
  sorted(): Uint32Array {
    const all = this.#hashes.slice(0, this.#count).sort()
    let kept = 0
    for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i]
    return all.subarray(0, kept)
  }

  #addSimple(type: number, window: Uint8Array, body: number, end: number): void {
    switch (type) {
      case txnTypes.create:
      case txnTypes.create2:
      case txnTypes.createContainer:
      case txnTypes.createTTL:
      case txnTypes.delete:
      case txnTypes.deleteContainer:
      case txnTypes.setData:
      case txnTypes.reconfig:
      case txnTypes.setACL:
      case txnTypes.check:
        break
      case txnTypes.createSession:
      case txnTypes.error:
        return
      default:
        this.isOpaque = true
        return
    }
    const length = end - body < 4 ? -1 : int32At(window, body)
    if (length < 0 || length > end - body - 4) this.isOpaque = true
    else this.addPath(window, body + 4, body + 4 + length)
  }

  #addMulti(window: Uint8Array, body: number, end: number): void {
    const count = end - body < 4 ? -2 : int32At(window, body)
    if (count < -1 || count > multiPartsMax) this.isOpaque = true
    let at = body + 4
    for (let i = 0; i < count && !this.isOpaque; i++) {
      const length = end - at < 8 ? -1 : int32At(window, at + 4)
      if (length < 0 || length > end - at - 8) {
        this.isOpaque = true
        return
      }
      this.#addSimple(int32At(window, at), window, at + 8, at + 8 + length)
      at += 8 + length
    }
  }

  #addCloseSession(window: Uint8Array, start: number, end: number): void {
    this.#push(hashPath(window, start + txnLayout.clientId, start + txnLayout.clientId + 8))
    const body = start + txnLayout.body
    const bodyEnd = closeSessionBodyEnd(window, body, end)
    if (bodyEnd < 0) this.isOpaque = true
    for (let at = body + 4; at < bodyEnd; ) {
      const length = int32At(window, at)
      this.addPath(window, at + 4, at + 4 + length)
      at += 4 + length
    }
  }

  #push(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const grown = new Uint32Array(this.#count * 2)
      grown.set(this.#hashes)
      this.#hashes = grown
    }
    this.#hashes[this.#count++] = hash
  }
}
