import { ZooArkError } from '../base/errors.ts'
import { juteLengthMax } from '../jute/jute-limits.ts'
import { aclEntriesMax } from '../model/acl.ts'
import { txnTypes } from '../model/txn-layout.ts'

/**
 * Where the fields of one transaction record stand (layouts: model/txn-create.ts, model/txn-change.ts). One object is used again and
 * again, so that bulk replay makes none. Every length is checked against the end; errors give offsets from the start of the txn.
 */
export class TxnBody {
  pathStart = 0
  pathEnd = 0
  dataStart = 0
  /** -1 for null. */
  dataLength = -1
  /** The ACL vector with its count. */
  aclStart = 0
  aclEnd = 0
  ephemeral = 0
  /** -1 asks to count up by one, as the old form does. */
  parentCversion = -1
  ttlHi = 0
  ttlLo = 0
  /** Version after the txn, or aversion for a setACL. */
  version = 0
  /** Where the record ends. */
  end = 0

  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #limit = 0
  #origin = 0

  /**
   * Reads the record of a create, delete, setData, reconfig, setACL or check.
   * @param origin where the txn starts, for the offsets of errors
   * @param place a `create` that ends before parentCversion is of the old form; as part of a multi that is damage
   * @returns false for any other type
   * @throws RECORD_DAMAGED
   */
  decode(bytes: Uint8Array, view: DataView, type: number, at: number, limit: number, origin: number, place: 'alone' | 'part'): boolean {
    this.#bytes = bytes
    this.#view = view
    this.#at = at
    this.#limit = limit
    this.#origin = origin
    switch (type) {
      case txnTypes.create:
      case txnTypes.create2:
        this.#created()
        this.ephemeral = this.#byte()
        this.parentCversion = type === txnTypes.create && place === 'alone' && limit - this.#at < 4 ? -1 : this.#int()
        break
      case txnTypes.createContainer:
        this.#created()
        this.parentCversion = this.#int()
        break
      case txnTypes.createTTL:
        this.#created()
        this.parentCversion = this.#int()
        this.ttlHi = this.#int()
        this.ttlLo = this.#int()
        break
      case txnTypes.delete:
      case txnTypes.deleteContainer:
        this.#path()
        break
      case txnTypes.setData:
      case txnTypes.reconfig:
        this.#path()
        this.#data()
        this.version = this.#int()
        break
      case txnTypes.setACL:
        this.#path()
        this.#acl()
        this.version = this.#int()
        break
      case txnTypes.check:
        this.#path()
        this.version = this.#int()
        break
      default:
        return false
    }
    this.end = this.#at
    if (this.pathEnd - this.pathStart === 1 && !mayConcernRoot(type)) throw this.#damaged('it creates or deletes the root', this.pathStart)
    return true
  }

  #created(): void {
    this.#path()
    this.#data()
    this.#acl()
  }

  /** A path begins with a slash and, but for the root's, does not end with one; a server checks the rest before it logs. */
  #path(): void {
    const length = this.#int()
    const start = this.#at
    if (length < 1 || length > this.#limit - start) throw this.#damaged('the path does not fit', start - 4)
    this.#at = start + length
    if (this.#bytes[start] !== 0x2f || (length > 1 && this.#bytes[start + length - 1] === 0x2f)) {
      throw this.#damaged('the path does not begin with a slash, or ends with one', start)
    }
    this.pathStart = start
    this.pathEnd = this.#at
  }

  #data(): void {
    const length = this.#int()
    if (length < -1 || length > this.#limit - this.#at || length > juteLengthMax) {
      throw this.#damaged('the data do not fit', this.#at - 4)
    }
    this.dataStart = this.#at
    this.dataLength = length
    if (length > 0) this.#at += length
  }

  #acl(): void {
    this.aclStart = this.#at
    const count = this.#int()
    if (count < -1 || count > aclEntriesMax) throw this.#damaged('the ACL is too long', this.#at - 4)
    for (let i = 0; i < count; i++) {
      this.#int()
      this.#skipString()
      this.#skipString()
    }
    this.aclEnd = this.#at
  }

  #skipString(): void {
    const length = this.#int()
    if (length < -1 || length > this.#limit - this.#at) throw this.#damaged('an ACL entry does not fit', this.#at - 4)
    if (length > 0) this.#at += length
  }

  #byte(): number {
    if (this.#at >= this.#limit) throw this.#damaged('it ends too early', this.#at)
    return this.#bytes[this.#at++]
  }

  #int(): number {
    if (this.#limit - this.#at < 4) throw this.#damaged('it ends too early', this.#at)
    const value = this.#view.getInt32(this.#at)
    this.#at += 4
    return value
  }

  #damaged(what: string, at: number): ZooArkError {
    return damagedTxn(what, at - this.#origin)
  }
}

function mayConcernRoot(type: number): boolean {
  return type === txnTypes.setData || type === txnTypes.setACL || type === txnTypes.check || type === txnTypes.reconfig
}

/** @param offset from the start of the txn's payload */
export function damagedTxn(what: string, offset: number): ZooArkError {
  return new ZooArkError('RECORD_DAMAGED', `not a transaction: ${what}`, { place: { offset } })
}
