import { int32At } from '../../jute/long.ts'
import { type Acl, formatAcl } from '../../model/acl.ts'
import type { SimpleTxn, TxnPart, UnknownTxn } from '../../model/txn-multi.ts'
import { type TxnRecord, decodeTxn } from '../../model/txn.ts'
import type { TxnWindowPlace } from '../../formats/txn-log-reader.ts'
import { recordHeadLength } from '../../formats/txn-log-layout.ts'
import { txnDigestLength, txnLayout, txnTypeName, txnTypes } from '../../model/txn-layout.ts'
import { formatText } from '../../model/znode-path.ts'
import { ZooArkError } from '../../base/errors.ts'
import { type ByteText, printableText, textBytes } from './byte-text.ts'
import { type RecordForm, formatAclVector } from './dump-snapshot.ts'

const quote = 0x22

interface Names {
  readonly mark: Uint8Array
  readonly zxid: Uint8Array
  readonly time: Uint8Array
  readonly session: Uint8Array
  readonly cxid: Uint8Array
  readonly type: Uint8Array
  readonly afterType: Uint8Array
  readonly path: Uint8Array
  readonly data: Uint8Array
  readonly dataNull: Uint8Array
  readonly acl: Uint8Array
  readonly ephemeral: Uint8Array
  readonly notEphemeral: Uint8Array
  readonly parentCversion: Uint8Array
  readonly version: Uint8Array
  readonly digest: Uint8Array
  readonly end: Uint8Array
}

const textNames: Names = {
  mark: textBytes(''),
  zxid: textBytes(''),
  time: textBytes(' '),
  session: textBytes(' session='),
  cxid: textBytes(' cxid='),
  type: textBytes(' '),
  afterType: textBytes(''),
  path: textBytes(' '),
  data: textBytes(' data='),
  dataNull: textBytes(' data=null'),
  acl: textBytes(' acl='),
  ephemeral: textBytes(' ephemeral'),
  notEphemeral: textBytes(''),
  parentCversion: textBytes(' parentCversion='),
  version: textBytes(' version='),
  digest: textBytes(' digest='),
  end: textBytes('\n'),
}

const jsonNames: Names = {
  mark: textBytes('{"type":"record","kind":"txn","offset":'),
  zxid: textBytes(',"zxid":"'),
  time: textBytes('","time":"'),
  session: textBytes('","session":"'),
  cxid: textBytes('","cxid":'),
  type: textBytes(',"operation":"'),
  afterType: textBytes('"'),
  path: textBytes(',"path":'),
  data: textBytes(',"dataBase64":"'),
  dataNull: textBytes(',"dataBase64":null'),
  acl: textBytes(',"acl":'),
  ephemeral: textBytes(',"ephemeral":true'),
  notEphemeral: textBytes(',"ephemeral":false'),
  parentCversion: textBytes(',"parentCversion":'),
  version: textBytes(',"version":'),
  digest: textBytes(',"digest":"'),
  end: textBytes('}\n'),
}

const pathBase64Name = textBytes(',"pathBase64":"')

const typeTexts = new Map<number, Uint8Array>(Object.entries(txnTypes).map(([name, type]) => [type, textBytes(name)]))

/** Prints what readTxnLog hands out, one transaction a line. A TxnLogSink. */
export class TxnLogDump {
  /** Transactions whose record could not be decoded and stands as bytes. */
  undecodable = 0

  readonly #out: ByteText
  readonly #json: boolean
  readonly #names: Names
  /** The ACL vector printed last and its text: nearly every create of an ensemble has the same. */
  #aclVector = new Uint8Array(0)
  #aclText = textBytes('')

  constructor(out: ByteText, form: RecordForm) {
    this.#out = out
    this.#json = form === 'json'
    this.#names = form === 'json' ? jsonNames : textNames
  }

  txns(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, place: TxnWindowPlace): void {
    for (let i = 0; i < count; i++) this.txn(window, starts[i], ends[i], place.offsetOfWindow + starts[i] - recordHeadLength)
  }

  /** Prints the payload window[start..end), which holds at least a header. @param offset of its record in the file */
  txn(window: Uint8Array, start: number, end: number, offset: number): void {
    const out = this.#out
    const names = this.#names
    const type = int32At(window, start + txnLayout.type)
    if (this.#json) {
      out.ascii(names.mark)
      out.number(offset)
    }
    out.ascii(names.zxid)
    out.hex(int32At(window, start + txnLayout.zxid), int32At(window, start + txnLayout.zxid + 4))
    out.ascii(names.time)
    const timeAt = start + txnLayout.time
    out.time(int32At(window, timeAt), int32At(window, timeAt + 4))
    out.ascii(names.session)
    out.hex(int32At(window, start), int32At(window, start + 4))
    out.ascii(names.cxid)
    out.number(int32At(window, start + txnLayout.cxid))
    out.ascii(names.type)
    const typeText = typeTexts.get(type)
    if (typeText === undefined) out.number(type)
    else out.ascii(typeText)
    out.ascii(names.afterType)
    const bodyEnd = this.#plainBody(type, window, start + txnLayout.body, end)
    if (bodyEnd >= 0) this.#digest(window, bodyEnd, end)
    else this.#decoded(window, start, end)
    out.ascii(names.end)
  }

  /**
   * Prints the body of the frequent types without making an object.
   * @returns where the body ends, or -1, with nothing printed, when `decodeTxn` must have a look.
   */
  #plainBody(type: number, bytes: Uint8Array, start: number, end: number): number {
    if (type === txnTypes.create || type === txnTypes.create2) return this.#create(bytes, start, end)
    const isSet = type === txnTypes.setData
    if (!isSet && type !== txnTypes.delete) return -1
    const pathEnd = spanEnd(bytes, start, end)
    if (pathEnd <= start + 4) return -1
    let bodyEnd = pathEnd
    if (isSet) {
      const dataEnd = spanEnd(bytes, pathEnd, end)
      if (dataEnd < 0) return -1
      bodyEnd = dataEnd + 4
    }
    if (end !== bodyEnd && end !== bodyEnd + txnDigestLength) return -1
    this.#path(bytes, start + 4, pathEnd)
    if (isSet) {
      this.#data(bytes, pathEnd, bodyEnd - 4)
      this.#out.ascii(this.#names.version)
      this.#out.number(int32At(bytes, bodyEnd - 4))
    }
    return bodyEnd
  }

  #create(bytes: Uint8Array, start: number, end: number): number {
    const pathEnd = spanEnd(bytes, start, end)
    if (pathEnd <= start + 4) return -1
    const dataEnd = spanEnd(bytes, pathEnd, end)
    if (dataEnd < 0) return -1
    const aclEnd = this.#aclEnd(bytes, dataEnd, end)
    const bodyEnd = aclEnd + 5
    if (aclEnd < 0 || (end !== bodyEnd && end !== bodyEnd + txnDigestLength) || bytes[aclEnd] > 1) return -1
    const out = this.#out
    const names = this.#names
    this.#path(bytes, start + 4, pathEnd)
    this.#data(bytes, pathEnd, dataEnd)
    this.#acl(bytes, dataEnd, aclEnd)
    out.ascii(bytes[aclEnd] === 1 ? names.ephemeral : names.notEphemeral)
    out.ascii(names.parentCversion)
    out.number(int32At(bytes, aclEnd + 1))
    return bodyEnd
  }

  /** Where the ACL vector ends, or -1 when it is null or does not fit. */
  #aclEnd(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isAclBefore(bytes, start, end)) return start + this.#aclVector.length
    if (end - start < 4) return -1
    const count = int32At(bytes, start)
    let at = start + 4
    for (let i = 0; i < count && at >= 0; i++) {
      at = spanEnd(bytes, at + 4, end)
      if (at >= 0) at = spanEnd(bytes, at, end)
    }
    return count < 0 ? -1 : at
  }

  #isAclBefore(bytes: Uint8Array, start: number, end: number): boolean {
    const vector = this.#aclVector
    if (vector.length === 0 || vector.length > end - start) return false
    for (let i = 0; i < vector.length; i++) if (bytes[start + i] !== vector[i]) return false
    return true
  }

  #acl(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isAclBefore(bytes, start, end)) {
      this.#aclText = textBytes(this.#aclForm(formatAclVector(bytes, start, end)))
      this.#aclVector = bytes.slice(start, end)
    }
    this.#out.ascii(this.#names.acl)
    this.#out.ascii(this.#aclText)
  }

  #aclForm(texts: readonly string[] | null): string {
    return this.#json ? JSON.stringify(texts) : printableText(texts === null ? 'null' : texts.join(','))
  }

  #path(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out
    out.ascii(this.#names.path)
    if (!this.#json) out.printable(bytes, start, end)
    else if (!out.jsonString(bytes, start, end)) {
      out.ascii(pathBase64Name)
      out.base64(bytes, start, end)
      out.byte(quote)
    }
  }

  /** The buffer whose length stands at `start` and which ends at `end`. */
  #data(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out
    if (int32At(bytes, start) < 0) {
      out.ascii(this.#names.dataNull)
      return
    }
    out.ascii(this.#names.data)
    out.base64(bytes, start + 4, end)
    if (this.#json) out.byte(quote)
  }

  #digest(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== txnDigestLength) return
    const out = this.#out
    out.ascii(this.#names.digest)
    out.hex(int32At(bytes, start + 4), int32At(bytes, start + 8))
    if (this.#json) out.byte(quote)
  }

  /** The way of all other types, by `decodeTxn`. */
  #decoded(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out
    try {
      const txn = decodeTxn(bytes, start, end)
      out.text(this.#json ? jsonFields(txn.record) : textFields(txn.record))
      if (txn.digest !== undefined) {
        const digest = `0x${BigInt.asUintN(64, txn.digest.treeDigest).toString(16)}`
        out.text(this.#json ? `,"digest":"${digest}"` : ` digest=${digest}`)
      }
      if (txn.trailing !== undefined) out.text(this.#json ? `,"trailing":"${base64(txn.trailing)}"` : ` trailing=${base64(txn.trailing)}`)
    } catch (error) {
      if (!(error instanceof ZooArkError) || error.code !== 'RECORD_DAMAGED') throw error
      this.undecodable++
      const body = base64(bytes.subarray(start + txnLayout.body, end))
      const why = error.message
      out.text(this.#json ? `,"undecodable":${JSON.stringify(why)},"body":"${body}"` : ` UNDECODABLE (${why}) body=${body}`)
    }
  }
}

/** End of the jute buffer whose length stands at `start`; -1 when it does not fit. A null buffer ends after its length. */
function spanEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 4) return -1
  const length = int32At(bytes, start)
  if (length < 0) return length === -1 ? start + 4 : -1
  return length > end - start - 4 ? -1 : start + 4 + length
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

const dataName = 'dataBase64'

/** The fields of a record as name and value; values that hold bytes are already base64. */
function fieldsOf(record: SimpleTxn | UnknownTxn): [name: string, value: unknown][] {
  switch (record.kind) {
    case 'create':
    case 'create2':
      return [...createdFields(record), ['ephemeral', record.ephemeral], ['parentCversion', record.parentCversion]]
    case 'createContainer':
      return [...createdFields(record), ['parentCversion', record.parentCversion]]
    case 'createTTL':
      return [...createdFields(record), ['parentCversion', record.parentCversion], ['ttlMs', record.ttlMs.toString()]]
    case 'delete':
    case 'deleteContainer':
      return pathFields(record.path)
    case 'setData':
    case 'reconfig':
      return [...pathFields(record.path), [dataName, dataField(record.data)], ['version', record.version]]
    case 'setACL':
      return [...pathFields(record.path), ['acl', aclField(record.acl)], ['version', record.version]]
    case 'check':
      return [...pathFields(record.path), ['version', record.version]]
    case 'createSession':
      return [['timeoutMs', record.timeoutMs]]
    case 'closeSession':
      return [['paths', record.paths?.map(formatText)]]
    case 'error':
      return [['err', record.err]]
    case 'unknown':
      return [['body', base64(record.body)]]
  }
}

function createdFields(record: { path: Uint8Array; data: Uint8Array | null; acl: readonly Acl[] | null }): [string, unknown][] {
  return [...pathFields(record.path), [dataName, dataField(record.data)], ['acl', aclField(record.acl)]]
}

function pathFields(path: Uint8Array): [string, unknown][] {
  const text = formatText(path)
  const isUtf8 = Buffer.from(text, 'utf8').equals(path)
  return isUtf8
    ? [['path', text]]
    : [
        ['path', text],
        ['pathBase64', base64(path)],
      ]
}

const dataField = (data: Uint8Array | null): string | null => (data === null ? null : base64(data))
const aclField = (acl: readonly Acl[] | null): string[] | undefined => acl?.map(formatAcl)

function jsonFields(record: TxnRecord): string {
  if (record.kind === 'multi') return record.parts === null ? '' : `,"parts":${JSON.stringify(record.parts.map(jsonPart))}`
  return fieldsOf(record)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join('')
}

function jsonPart(part: TxnPart): Record<string, unknown> {
  return Object.fromEntries([['operation', partType(part)], ...fieldsOf(part.record)])
}

function partType(part: TxnPart): string | number {
  return part.record.kind === 'unknown' ? (txnTypeName(part.record.type) ?? part.record.type) : part.record.kind
}

function textFields(record: TxnRecord): string {
  if (record.kind !== 'multi') return simpleText(record)
  if (record.parts === null) return ' parts=null'
  return ` ${record.parts.length} parts${record.parts.map((part) => ` [${partType(part)}${simpleText(part.record)}]`).join('')}`
}

function simpleText(record: SimpleTxn | UnknownTxn): string {
  return fieldsOf(record)
    .filter(([name, value]) => value !== undefined && value !== false && name !== 'pathBase64')
    .map(([name, value]) => {
      if (name === 'path') return ` ${printableText(String(value))}`
      if (value === true) return ` ${name}`
      return ` ${name === dataName ? 'data' : name}=${printableText(Array.isArray(value) ? value.join(',') : String(value))}`
    })
    .join('')
}
