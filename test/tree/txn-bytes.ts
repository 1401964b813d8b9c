/**
 * Builds the bytes of transactions and node records by hand, independently of src/model, from the layouts in
 * docs/formats/zookeeper-txn-log.md and zookeeper-snapshot.md.
 */

export class Bytes {
  readonly #parts: Buffer[] = []

  int(value: number): this {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value | 0)
    this.#parts.push(part)
    return this
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8)
    part.writeBigInt64BE(BigInt.asIntN(64, value))
    this.#parts.push(part)
    return this
  }

  byte(value: number): this {
    this.#parts.push(Buffer.of(value))
    return this
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes))
    return this
  }

  buffer(value: Uint8Array | string | null): this {
    if (value === null) return this.int(-1)
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return this.int(bytes.length).raw(bytes)
  }

  /** A list of `perms scheme id` entries, or null. */
  acl(acl: readonly string[] | null): this {
    if (acl === null) return this.int(-1)
    this.int(acl.length)
    for (const entry of acl) {
      const [perms, scheme, id] = entry.split(' ')
      this.int(Number(perms)).buffer(scheme).buffer(id)
    }
    return this
  }

  done(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts))
  }
}

export const openAcl = ['31 world anyone']
/** A session of server 1. */
export const session = 0x100001a2b3c0001n

export interface HeaderFields {
  readonly client?: bigint
  readonly cxid?: number
  readonly zxid: bigint
  readonly time?: bigint
  readonly digest?: bigint
  readonly digestVersion?: number
}

export function txn(type: number, header: HeaderFields, body: Uint8Array): Uint8Array {
  const bytes = new Bytes()
    .long(header.client ?? session)
    .int(header.cxid ?? 1)
    .long(header.zxid)
    .long(header.time ?? 1_700_000_000_000n + header.zxid)
    .int(type)
    .raw(body)
  if (header.digest !== undefined) bytes.int(header.digestVersion ?? 2).long(header.digest)
  return bytes.done()
}

export interface CreateFields {
  readonly path: string
  readonly data?: Uint8Array | string | null
  readonly acl?: readonly string[] | null
  readonly ephemeral?: boolean
  readonly parentCversion?: number
}

export const body = {
  create: (fields: CreateFields): Uint8Array => body.createV0(fields, [new Bytes().int(fields.parentCversion ?? 1).done()]),
  createV0: (fields: CreateFields, rest: readonly Uint8Array[] = []): Uint8Array => {
    const bytes = created(fields).byte(fields.ephemeral === true ? 1 : 0)
    for (const part of rest) bytes.raw(part)
    return bytes.done()
  },
  container: (fields: CreateFields): Uint8Array =>
    created(fields)
      .int(fields.parentCversion ?? 1)
      .done(),
  ttl: (fields: CreateFields, ttl: bigint): Uint8Array =>
    created(fields)
      .int(fields.parentCversion ?? 1)
      .long(ttl)
      .done(),
  delete: (path: string): Uint8Array => new Bytes().buffer(path).done(),
  setData: (path: string, data: Uint8Array | string | null, version: number): Uint8Array =>
    new Bytes().buffer(path).buffer(data).int(version).done(),
  setAcl: (path: string, acl: readonly string[] | null, version: number): Uint8Array =>
    new Bytes().buffer(path).acl(acl).int(version).done(),
  check: (path: string, version: number): Uint8Array => new Bytes().buffer(path).int(version).done(),
  multi: (parts: readonly { readonly type: number; readonly body: Uint8Array }[]): Uint8Array => {
    const bytes = new Bytes().int(parts.length)
    for (const part of parts) bytes.int(part.type).buffer(part.body)
    return bytes.done()
  },
  timeout: (timeoutMs: number): Uint8Array => new Bytes().int(timeoutMs).done(),
  close: (paths: readonly string[]): Uint8Array => {
    const bytes = new Bytes().int(paths.length)
    for (const path of paths) bytes.buffer(path)
    return bytes.done()
  },
  error: (code: number): Uint8Array => new Bytes().int(code).done(),
}

function created(fields: CreateFields): Bytes {
  return new Bytes()
    .buffer(fields.path)
    .buffer(fields.data === undefined ? 'data' : fields.data)
    .acl(fields.acl === undefined ? openAcl : fields.acl)
}

export const op = {
  create: 1,
  delete: 2,
  setData: 5,
  setACL: 7,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  container: 19,
  deleteContainer: 20,
  ttl: 21,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const

export interface StatFields {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly pzxid: bigint
}

export const zeroStat: StatFields = {
  czxid: 0n,
  mzxid: 0n,
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  pzxid: 0n,
}

/** A node record as it stands in a snapshot; the root's path is empty. */
export function nodeRecord(path: string, data: Uint8Array | string | null, aclKey: bigint, stat: Partial<StatFields>): Uint8Array {
  const s = { ...zeroStat, ...stat }
  return new Bytes()
    .buffer(path)
    .buffer(data)
    .long(aclKey)
    .long(s.czxid)
    .long(s.mzxid)
    .long(s.ctime)
    .long(s.mtime)
    .int(s.version)
    .int(s.cversion)
    .int(s.aversion)
    .long(s.ephemeralOwner)
    .long(s.pzxid)
    .done()
}
