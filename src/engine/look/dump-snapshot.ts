import { int32At } from '../../jute/long.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import { formatAcl, readAcls } from '../../model/acl.ts'
import { ownerKindOf } from '../../model/ephemeral-owner.ts'
import { sessionLength, snapshotHeaderLength } from '../../formats/snapshot-layout.ts'
import { nodePathEnd, nodePathOffset, nodeTail } from '../../model/node-record.ts'
import { type ByteText, printableText, textBytes } from './byte-text.ts'

/** How records are printed: a line for people, or a JSON object a line. */
export type RecordForm = 'text' | 'json'

const newline = 0x0a
/** A count is an i32, an ACL key an i64. */
const countLength = 4
const aclKeyLength = 8
const quote = 0x22

/** What stands before each value; the last is what ends the line. */
const textNames = {
  czxid: textBytes('\tczxid='),
  mzxid: textBytes(' mzxid='),
  pzxid: textBytes(' pzxid='),
  ctime: textBytes(' ctime='),
  mtime: textBytes(' mtime='),
  version: textBytes(' version='),
  cversion: textBytes(' cversion='),
  aversion: textBytes(' aversion='),
  owner: textBytes(' owner='),
  aclKey: textBytes(' aclKey='),
  data: textBytes(' data='),
}

const jsonNames = {
  mark: textBytes('{"type":"record","kind":"znode","offset":'),
  path: textBytes(',"path":'),
  pathBase64: textBytes(',"pathBase64":"'),
  czxid: textBytes(',"czxid":"'),
  mzxid: textBytes('","mzxid":"'),
  pzxid: textBytes('","pzxid":"'),
  ctime: textBytes('","ctime":"'),
  mtime: textBytes('","mtime":"'),
  version: textBytes('","version":'),
  cversion: textBytes(',"cversion":'),
  aversion: textBytes(',"aversion":'),
  owner: textBytes(',"ephemeralOwner":"'),
  kind: textBytes('","znodeKind":"'),
  aclKey: textBytes('","aclKey":"'),
  data: textBytes('","dataBase64":'),
  end: textBytes('}\n'),
}

const nullText = textBytes('null')
const rootPath = textBytes('/')

const kindTexts = {
  persistent: textBytes('persistent'),
  session: textBytes('ephemeral'),
  container: textBytes('container'),
  ttl: textBytes('ttl'),
  reserved: textBytes('reserved'),
}

/** Prints what readSnapshot hands out, one record a line, in the order of the file: sessions, ACLs, znodes. A SnapshotSink. */
export class SnapshotDump {
  readonly #out: ByteText
  readonly #form: RecordForm
  /** Where the next session, ACL or znode stands in the plain content; they follow each other without a gap. */
  #offset = snapshotHeaderLength + countLength
  #section: 'sessions' | 'acls' | 'znodes' = 'sessions'

  constructor(out: ByteText, form: RecordForm) {
    this.#out = out
    this.#form = form
  }

  session(idHi: number, idLo: number, timeoutMs: number): void {
    const out = this.#out
    out.text(this.#form === 'json' ? `{"type":"record","kind":"session","offset":${this.#offset},"session":"` : 'session ')
    out.hex(idHi, idLo)
    out.text(this.#form === 'json' ? `","timeoutMs":${timeoutMs}}\n` : ` timeoutMs=${timeoutMs}\n`)
    this.#offset += sessionLength
  }

  acl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out
    const texts = formatAclVector(bytes, start, end)
    this.#enter('acls')
    out.text(this.#form === 'json' ? `{"type":"record","kind":"acl","offset":${this.#offset},"aclKey":"` : 'acl ')
    out.long(keyHi, keyLo)
    out.text(
      this.#form === 'json' ? `","acl":${JSON.stringify(texts)}}\n` : ` ${printableText(texts === null ? 'null' : texts.join(','))}\n`,
    )
    this.#offset += aclKeyLength + end - start
  }

  records(window: Uint8Array, starts: Uint32Array, count: number): void {
    this.#enter('acls')
    this.#enter('znodes')
    const shift = this.#offset - starts[0]
    if (this.#form === 'json') for (let i = 0; i < count; i++) this.#jsonLine(window, starts[i], starts[i] + shift)
    else for (let i = 0; i < count; i++) this.#textLine(window, starts[i])
    this.#offset = starts[count] + shift
  }

  /** The number of ACLs stands between the sessions and the ACLs; nothing stands between these and the znodes. */
  #enter(section: 'acls' | 'znodes'): void {
    if (section === 'acls' && this.#section === 'sessions') this.#offset += countLength
    if (this.#section !== 'znodes') this.#section = section
  }

  #textLine(bytes: Uint8Array, start: number): void {
    const out = this.#out
    const names = textNames
    const pathStart = start + nodePathOffset
    const pathEnd = nodePathEnd(bytes, start)
    const dataStart = pathEnd + 4
    const dataLength = int32At(bytes, pathEnd)
    const tail = dataLength > 0 ? dataStart + dataLength : dataStart
    if (pathStart === pathEnd) out.ascii(rootPath)
    else out.printable(bytes, pathStart, pathEnd)
    this.#hex(names.czxid, bytes, tail + nodeTail.czxid)
    this.#hex(names.mzxid, bytes, tail + nodeTail.mzxid)
    this.#hex(names.pzxid, bytes, tail + nodeTail.pzxid)
    out.ascii(names.ctime)
    out.time(int32At(bytes, tail + nodeTail.ctime), int32At(bytes, tail + nodeTail.ctime + 4))
    out.ascii(names.mtime)
    out.time(int32At(bytes, tail + nodeTail.mtime), int32At(bytes, tail + nodeTail.mtime + 4))
    this.#versions(names, bytes, tail)
    this.#hex(names.owner, bytes, tail + nodeTail.ephemeralOwner)
    out.ascii(names.aclKey)
    out.long(int32At(bytes, tail), int32At(bytes, tail + 4))
    out.ascii(names.data)
    if (dataLength < 0) out.ascii(nullText)
    else out.base64(bytes, dataStart, tail)
    out.byte(newline)
  }

  #jsonLine(bytes: Uint8Array, start: number, offset: number): void {
    const out = this.#out
    const names = jsonNames
    const pathStart = start + nodePathOffset
    const pathEnd = nodePathEnd(bytes, start)
    const dataStart = pathEnd + 4
    const dataLength = int32At(bytes, pathEnd)
    const tail = dataLength > 0 ? dataStart + dataLength : dataStart
    const ownerHi = int32At(bytes, tail + nodeTail.ephemeralOwner)
    const ownerLo = int32At(bytes, tail + nodeTail.ephemeralOwner + 4)
    out.ascii(names.mark)
    out.number(offset)
    out.ascii(names.path)
    if (pathStart === pathEnd) out.jsonString(rootPath, 0, 1)
    else if (!out.jsonString(bytes, pathStart, pathEnd)) {
      out.ascii(names.pathBase64)
      out.base64(bytes, pathStart, pathEnd)
      out.byte(quote)
    }
    this.#hex(names.czxid, bytes, tail + nodeTail.czxid)
    this.#hex(names.mzxid, bytes, tail + nodeTail.mzxid)
    this.#hex(names.pzxid, bytes, tail + nodeTail.pzxid)
    out.ascii(names.ctime)
    out.time(int32At(bytes, tail + nodeTail.ctime), int32At(bytes, tail + nodeTail.ctime + 4))
    out.ascii(names.mtime)
    out.time(int32At(bytes, tail + nodeTail.mtime), int32At(bytes, tail + nodeTail.mtime + 4))
    this.#versions(names, bytes, tail)
    out.ascii(names.owner)
    out.hex(ownerHi, ownerLo)
    out.ascii(names.kind)
    out.ascii(kindTexts[ownerKindOf(ownerHi, ownerLo, 'extended')])
    out.ascii(names.aclKey)
    out.long(int32At(bytes, tail), int32At(bytes, tail + 4))
    out.ascii(names.data)
    if (dataLength < 0) out.ascii(nullText)
    else {
      out.byte(quote)
      out.base64(bytes, dataStart, tail)
      out.byte(quote)
    }
    out.ascii(names.end)
  }

  #hex(name: Uint8Array, bytes: Uint8Array, at: number): void {
    this.#out.ascii(name)
    this.#out.hex(int32At(bytes, at), int32At(bytes, at + 4))
  }

  #versions(names: { version: Uint8Array; cversion: Uint8Array; aversion: Uint8Array }, bytes: Uint8Array, tail: number): void {
    const out = this.#out
    out.ascii(names.version)
    out.number(int32At(bytes, tail + nodeTail.version))
    out.ascii(names.cversion)
    out.number(int32At(bytes, tail + nodeTail.cversion))
    out.ascii(names.aversion)
    out.number(int32At(bytes, tail + nodeTail.aversion))
  }
}

/** The entries of a jute vector of ACL as `scheme:id:perms`; null for a null vector. @throws RECORD_DAMAGED */
export function formatAclVector(bytes: Uint8Array, start = 0, end = bytes.length): string[] | null {
  const acls = readAcls(new JuteReader(bytes, start, end))
  return acls === null ? null : acls.map(formatAcl)
}
