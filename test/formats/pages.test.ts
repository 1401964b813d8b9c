import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { logsCovering } from '../../src/formats/data-dir.ts'
import { parseFileName, snapshotName } from '../../src/formats/file-name.ts'
import { openPlain } from '../../src/formats/plain-source.ts'
import {
  digestTrailerLength,
  lastZxidTrailerLength,
  sealLength,
  sessionLength,
  snapshotHeaderLength,
} from '../../src/formats/snapshot-layout.ts'
import { readSnapshotContent } from '../../src/formats/snapshot-reader.ts'
import { logHeaderLength, recordEndMark, recordHeadLength } from '../../src/formats/txn-log-layout.ts'
import { readTxnLog } from '../../src/formats/txn-log-reader.ts'
import { joinLong } from '../../src/jute/long.ts'
import { interpretOwner } from '../../src/model/ephemeral-owner.ts'
import { type NodeRecord, decodeNodeRecord, nodeTail } from '../../src/model/node-record.ts'
import { decodeTxn, encodeTxn } from '../../src/model/txn.ts'
import { txnDigestLength, txnLayout, txnTypes } from '../../src/model/txn-layout.ts'
import { counterOf, epochOf, formatZxid, parseZxid } from '../../src/model/zxid.ts'
import { bytesOf, joined, memorySource, withBytes } from './hand-written.ts'
import { adler32 } from './naive-adler.ts'

/** The pages of docs/formats are law: their tables are read here, files are built from them, and the codecs must understand the files. */

type Row = readonly string[]

function page(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../docs/formats/${name}.md`, import.meta.url)), 'utf8')
}

/** The rows of the n-th table below a heading, without its head; cells are trimmed and lose their backquotes. */
function table(text: string, heading: string, n = 0): readonly Row[] {
  const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`))
  expect(section, `no heading ${heading}`).toBeDefined()
  const tables = (section ?? '').match(/(?:^\|.*\|\n)+/gm) ?? []
  const rows = (tables[n] ?? '').trim().split('\n').slice(2)
  expect(rows.length, `no table ${n} below ${heading}`).toBeGreaterThan(0)
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

const snapshotPage = page('zookeeper-snapshot')
const logPage = page('zookeeper-txn-log')
const directoryPage = page('zookeeper-data-directory')

interface Field {
  name: string
  type: string
}

/** A table of Offset, Type, Field, Meaning; its offsets must follow from its types. */
function fixedFields(text: string, heading: string, n = 0): readonly Field[] {
  let offset = 0
  return table(text, heading, n).map(([at, type, name]) => {
    expect(Number(at), `${heading}: offset of ${name}`).toBe(offset)
    offset += fixedLength(type)
    return { name, type }
  })
}

const offsetsOf = (text: string, heading: string, n = 0) =>
  Object.fromEntries(table(text, heading, n).map(([at, , name]) => [name, Number(at)]))

function fixedLength(type: string): number {
  const lengths: Readonly<Record<string, number>> = { i32: 4, i64: 8, string: 5 }
  expect(lengths).toHaveProperty(type)
  return lengths[type]
}

const lengthOf = (fields: readonly Field[]) => fields.reduce((sum, { type }) => sum + fixedLength(type), 0)

/** Bytes of a value of a type of the page's table of types: the test's own encoder, from the words of the page. */
function bytesOfValue(type: string, value: unknown): Uint8Array {
  const i32 = (n: number) => bytesOf((n >>> 0).toString(16).padStart(8, '0'))
  const buffer = (bytes: Uint8Array | null) => (bytes === null ? i32(-1) : joined(i32(bytes.length), bytes))
  const vector = <T>(values: readonly T[] | null, encode: (each: T) => Uint8Array) =>
    values === null ? i32(-1) : joined(i32(values.length), ...values.map(encode))
  switch (type) {
    case 'i32':
      return i32(value as number)
    case 'i64':
      return bytesOf(
        BigInt.asUintN(64, value as bigint)
          .toString(16)
          .padStart(16, '0'),
      )
    case 'bool':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'buffer':
    case 'string':
      return buffer(value as Uint8Array | null)
    case 'acl[]':
      return vector(value as { perms: number; scheme: Uint8Array; id: Uint8Array }[] | null, (acl) =>
        joined(i32(acl.perms), buffer(acl.scheme), buffer(acl.id)),
      )
    case 'string[]':
      return vector(value as Uint8Array[] | null, buffer)
    case 'part[]':
      return vector(value as { type: number; body: Uint8Array }[] | null, (part) => joined(i32(part.type), buffer(part.body)))
    default:
      throw new Error(`the page names a type ${type} that it does not explain`)
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text)

/** A value for a field, different for each `salt`. */
function sample(type: string, salt: number): unknown {
  const values: Readonly<Record<string, unknown>> = {
    i32: 0x01020304 + salt,
    i64: -0x0102030405060708n - BigInt(salt),
    bool: salt % 2 === 0,
    buffer: salt % 3 === 2 ? null : utf8(`data ${salt}`),
    string: utf8(`/path/${salt}`),
    'acl[]': salt % 5 === 4 ? null : [{ perms: salt, scheme: utf8('digest'), id: utf8(`user:${salt}`) }],
    'string[]': [utf8(`/a${salt}`), utf8('/b')],
  }
  return values[type]
}

const build = (fields: readonly Field[], value: (field: Field) => unknown) =>
  joined(...fields.map((field) => bytesOfValue(field.type, value(field))))

describe('docs/formats/zookeeper-snapshot.md', () => {
  const header = fixedFields(snapshotPage, 'Header')
  const session = fixedFields(snapshotPage, 'Session')
  const sealFields = fixedFields(snapshotPage, 'Seal')
  const digest = fixedFields(snapshotPage, 'Digest')
  const lastZxid = fixedFields(snapshotPage, 'Last zxid')
  const fieldsOf = (heading: string) => table(snapshotPage, heading).map(([type, name]) => ({ name, type }))
  const node = fieldsOf('Node record')

  it('gives each part the length that the codecs know', () => {
    expect([header, session, sealFields, digest, lastZxid].map(lengthOf)).toEqual([
      snapshotHeaderLength,
      sessionLength,
      sealLength,
      digestTrailerLength,
      lastZxidTrailerLength,
    ])
  })

  it('gives each field of a node the place that the codecs know', () => {
    expect(node.slice(0, 2)).toEqual([
      { name: 'path', type: 'string' },
      { name: 'data', type: 'buffer' },
    ])
    let at = 0
    const offsets: Record<string, number> = {}
    for (const { name, type } of node.slice(2)) {
      offsets[name] = at
      at += fixedLength(type)
    }
    expect({ ...offsets, length: at }).toEqual(nodeTail)
  })

  it('describes a file that is read to the very values it was built from', async () => {
    const constants: Readonly<Record<string, unknown>> = { magic: 0x5a4b534e, version: 2, dbId: -1n }
    const nodes = [0, 1, 2, 3].map((salt) =>
      Object.fromEntries(node.map(({ name, type }, i) => [name, name === 'path' && salt === 0 ? utf8('') : sample(type, salt + i * 6)])),
    )
    const aclValue = { key: 7n, acl: sample('acl[]', 1) }
    let file = joined(
      build(header, ({ name }) => constants[name]),
      bytesOfValue('i32', 2),
      ...[1, 2].map((salt) => build(session, ({ type }) => sample(type, salt))),
      bytesOfValue('i32', 1),
      build(fieldsOf('ACL'), ({ name }) => aclValue[name as 'key']),
      ...nodes.map((values) => build(node, ({ name }) => values[name])),
      bytesOfValue('string', utf8('/')),
    )
    const seal = () => build(sealFields, ({ name }) => (name === 'path' ? utf8('/') : BigInt(adler32(file))))
    file = joined(file, seal())
    const digestValue: Readonly<Record<string, unknown>> = { zxid: 0x700000003n, digestVersion: 2, digest: -5n }
    file = joined(
      file,
      build(digest, ({ name }) => digestValue[name]),
    )
    file = joined(file, seal())
    file = joined(
      file,
      build(lastZxid, () => 0x700000004n),
    )
    file = joined(file, seal())
    const seen: NodeRecord[] = []
    const sessions: unknown[] = []
    const acls: unknown[] = []
    const summary = await readSnapshotContent(memorySource(file), 'page', {
      session: (hi, lo, timeoutMs) => void sessions.push([joinLong(hi, lo), timeoutMs]),
      acl: (hi, lo, bytes, start, end) => void acls.push([joinLong(hi, lo), bytes.slice(start, end)]),
      records(window, starts, count) {
        for (let i = 0; i < count; i++) seen.push(decodeNodeRecord(window.slice(starts[i], starts[i + 1]), 0, starts[i + 1] - starts[i]))
      },
    })
    expect(summary).toMatchObject({
      nodes: nodes.length,
      digest: { zxid: 0x700000003n, version: 2, digest: -5n },
      lastProcessedZxid: 0x700000004n,
      trailingBytes: 0,
    })
    expect(seen.map(({ stat, ...rest }) => ({ ...rest, ...stat }))).toEqual(nodes)
    expect(sessions).toEqual([1, 2].map((salt) => [sample('i64', salt), sample('i32', salt)]))
    expect(acls).toEqual([[7n, bytesOfValue('acl[]', aclValue.acl)]])
  })

  it('says what each ephemeralOwner means', () => {
    for (const [value, plain, extended, emulated] of table(snapshotPage, 'ephemeralOwner')) {
      const owner = BigInt.asIntN(64, BigInt(value))
      expect((['plain', 'extended', 'emulate353'] as const).map((rules) => interpretOwner(owner, rules).kind)).toEqual([
        plain,
        extended,
        emulated,
      ])
    }
  })

  it('says by which first bytes a form is known', async () => {
    for (const [form, first] of table(snapshotPage, 'Compression')) {
      const head = joined(bytesOf(first), new Uint8Array(20))
      await withBytes('snapshot.1', head, async (path) => {
        const handle = await open(path)
        const { source, compression } = await openPlain({ path, handle })
        expect(compression).toBe(form)
        await source.close()
        await handle.close()
      })
    }
  })
})

describe('docs/formats/zookeeper-txn-log.md', () => {
  const header = fixedFields(logPage, 'Header')
  const record = fixedFields(logPage, 'Record')
  const payload = fixedFields(logPage, 'Payload')
  const digest = fixedFields(logPage, 'Payload', 1)
  const types = table(logPage, 'Types of transactions').map(([type, name, , fields]) => ({
    type: Number(type),
    name,
    fields: fields.split(', ').map((field) => {
      const [fieldName, fieldType] = field.split(' ')
      return { name: fieldName, type: fieldType }
    }),
  }))

  it('gives each part the length and each field the place that the codecs know', () => {
    expect([header, record, payload, digest].map(lengthOf)).toEqual([logHeaderLength, recordHeadLength, txnLayout.body, txnDigestLength])
    expect({ ...offsetsOf(logPage, 'Payload'), body: lengthOf(payload) }).toEqual(txnLayout)
    expect(logPage).toContain(`0x${recordEndMark.toString(16)}`)
  })

  it('names every type of transaction that the codecs know, and no other', () => {
    expect(Object.fromEntries(types.map(({ type, name }) => [name, type]))).toEqual(txnTypes)
  })

  it.each(types)('describes $name so that it is read to the very values it was built from', ({ type, name, fields }) => {
    for (const salt of [0, 1, 2, 4]) {
      const part = types.find((each) => each.name === 'setData')
      const partBytes = build(part?.fields ?? [], (field) => sample(field.type, salt))
      const values = Object.fromEntries(
        fields.map((field, i) => [
          field.name,
          field.type === 'part[]' ? [{ type: part?.type, body: partBytes }] : sample(field.type, salt + i),
        ]),
      )
      const head: Readonly<Record<string, unknown>> = { clientId: -9n, cxid: salt, zxid: 0x500000001n, time: 1n, type }
      const bytes = joined(
        build(payload, (field) => head[field.name]),
        build(fields, (field) => values[field.name]),
        build(digest, (field) => sample(field.type, salt)),
      )
      const txn = decodeTxn(bytes, 0, bytes.length)
      expect(txn.header).toEqual(head)
      expect(txn.digest).toEqual({ version: sample('i32', salt), treeDigest: sample('i64', salt) })
      if (name === 'multi')
        expect(txn.record).toMatchObject({
          kind: 'multi',
          parts: [{ record: { kind: 'setData', path: sample('string', salt), version: sample('i32', salt) } }],
        })
      else expect(txn.record).toEqual({ kind: name, ...values })
      expect(encodeTxn(txn)).toEqual(bytes)
    }
  })

  it('describes a file that is read', async () => {
    const constants: Readonly<Record<string, unknown>> = { magic: 0x5a4b4c47, version: 2, dbId: 0n }
    const body = joined(
      build(payload, (field) => (field.name === 'type' ? 2 : sample(field.type, 1))),
      bytesOfValue('string', utf8('/a')),
    )
    const head: Readonly<Record<string, unknown>> = { adler: BigInt(adler32(body)), length: body.length }
    const file = joined(
      build(header, ({ name }) => constants[name]),
      build(record, ({ name }) => head[name]),
      body,
      Uint8Array.of(0x42),
    )
    const summary = await withBytes('log.1', file, (path) => readTxnLog(path, {}))
    expect(summary).toMatchObject({ count: 1, end: 'end-of-file', validBytes: file.length, first: sample('i64', 1) })
  })
})

describe('docs/formats/zookeeper-data-directory.md', () => {
  it('says how names are understood, and ours are made the same way', () => {
    for (const [name, kind, zxid, compression] of table(directoryPage, 'Names')) {
      expect(parseFileName(name)).toEqual({ kind, zxid: parseZxid(zxid), compression })
      if (kind === 'snapshot') expect(snapshotName(parseZxid(zxid), compression as 'none')).toBe(name)
    }
  })

  it('says how a zxid divides', () => {
    for (const [text, epoch, counter] of table(directoryPage, 'zxid')) {
      expect([epochOf(parseZxid(text)), counterOf(parseZxid(text))]).toEqual([BigInt(epoch), BigInt(counter)])
    }
  })

  it('says which logs cover a zxid', () => {
    const logs = ['0x1', '0x20', '0xff', '0x100'].map((text) => ({ zxid: parseZxid(text) }))
    for (const [after, covering] of table(directoryPage, 'Which logs cover a zxid')) {
      const names = logsCovering(logs, parseZxid(after)).map(({ zxid }) => formatZxid(zxid))
      expect(names.join(' ')).toBe(covering)
    }
  })
})
