import { crc32 } from 'node:zlib'
import { Bytes, body, nodeRecord, op, type StatFields, txn, zeroStat } from './txn-bytes.ts'
import { describeNode } from './tree-text.ts'

/**
 * The oracle of the replay tests: a ZooKeeper leader and its tree written as plainly as can be (a Map of objects, bigints, sets of names),
 * from DataTree, PrepRequestProcessor and DigestCalculator. It makes correct logs, and fuzzy snapshots in the way a server does: walking the
 * tree while further txns are applied.
 */
export class PlainServer {
  readonly nodes = new Map<string, PlainNode>()
  readonly sessions = new Map<bigint, number>()
  /** ACL lists by key, as the server's cache. */
  readonly acls = new Map<bigint, string>()
  zxid = 0n
  /** Txns of the log, from zxid 1 on. */
  readonly log: Uint8Array[] = []
  readonly #withDigest: boolean
  #aclIndex = 0n

  constructor(options: { digests: 'yes' | 'no' }) {
    this.#withDigest = options.digests === 'yes'
    this.#put('', '', -1n, zeroStat)
    this.#put('/zookeeper', '', -1n, zeroStat)
    this.#put('/zookeeper/quota', '', -1n, zeroStat)
    this.#put('/zookeeper/config', '', this.#aclKey('00000001000000010000000' + '5776f726c6400000006616e796f6e65'), {
      ...zeroStat,
      aversion: -1,
    })
  }

  // Client requests. Each logs one txn: the change, or an error when the leader refuses it.

  create(
    path: string,
    kind: 'plain' | 'plain2' | 'ephemeral' | 'container' | 'ttl',
    data: string | null,
    acl: readonly string[],
    client: bigint,
  ): void {
    this.#commit(client, () => this.#createPart(path, kind, data, acl, client))
  }

  delete(path: string, client: bigint): void {
    this.#commit(client, () => this.#deletePart(path))
  }

  setData(path: string, data: string | null, client: bigint): void {
    this.#commit(client, () => this.#setDataPart(path, data))
  }

  setAcl(path: string, acl: readonly string[], client: bigint): void {
    this.#commit(client, () => {
      const node = this.nodes.get(path === '/' ? '' : path)
      if (node === undefined) return noNode
      const version = node.stat.aversion + 1
      const apply = (): void => {
        node.aclKey = this.#aclKey(aclHex(acl))
        node.stat = { ...node.stat, aversion: version }
      }
      return { type: op.setACL, body: body.setAcl(path, acl, version), apply }
    })
  }

  /** Parts are made one after the other on the state that the earlier ones leave; when one fails, none takes effect. */
  multi(parts: readonly MultiPart[], client: bigint): void {
    this.zxid++
    const before = new Map(Array.from(this.nodes, ([path, node]) => [path, { ...node, children: new Set(node.children) }]))
    const written: { type: number; body: Uint8Array }[] = []
    let failed = false
    for (const part of parts) {
      const made = failed ? { error: -2 } : this.#multiPart(part, client)
      if ('error' in made) {
        failed = true
        written.push({ type: op.error, body: body.error(made.error) })
      } else {
        made.apply()
        written.push({ type: made.type, body: made.body })
      }
    }
    if (failed) {
      this.nodes.clear()
      for (const [path, node] of before) this.nodes.set(path, node)
    }
    this.#append(op.multi, client, body.multi(written))
  }

  openSession(client: bigint, timeoutMs: number): void {
    this.zxid++
    this.sessions.set(client, timeoutMs)
    this.#append(op.createSession, client, body.timeout(timeoutMs))
  }

  closeSession(client: bigint, form: 'listed' | 'bare'): void {
    this.zxid++
    const paths = [...this.nodes].filter(([, node]) => node.stat.ephemeralOwner === client).map(([path]) => path)
    this.sessions.delete(client)
    for (const path of paths) this.#remove(path)
    this.#append(op.closeSession, client, form === 'listed' ? body.close(paths) : new Uint8Array(0))
  }

  // State.

  describe(): string[] {
    const sorted = [...this.nodes].sort(([a], [b]) => compareTreeOrder(a, b))
    const lines = sorted.map(([path, node]) =>
      describeNode(path, node.data, this.acls.get(node.aclKey) ?? aclHex(['31 world anyone']), node.stat),
    )
    const sessions = [...this.sessions].sort(([a], [b]) => (a < b ? -1 : 1))
    return [...lines, ...sessions.map(([id, timeoutMs]) => `session ${id.toString(16)} ${timeoutMs}`)]
  }

  digest(): bigint {
    let sum = 0n
    for (const [path, node] of this.nodes) sum += nodeDigest(path, node)
    return BigInt.asUintN(64, sum)
  }

  record(path: string): Uint8Array {
    const node = this.nodes.get(path)
    if (node === undefined) throw new Error(`no ${path}`)
    return nodeRecord(path, node.data, node.aclKey, node.stat)
  }

  /**
   * Takes a snapshot while `during` is called before each znode is written, and may commit txns. As the server: sessions and ACLs first,
   * then a walk that copies the names of the children with each znode and skips those that are gone when their turn comes.
   */
  snapshot(during: () => void): PlainSnapshot {
    const zxid = this.zxid
    const sessions = [...this.sessions]
    const acls = [...this.acls]
    const records: Uint8Array[] = []
    const walk = (path: string): void => {
      during()
      const node = this.nodes.get(path)
      if (node === undefined) return
      records.push(this.record(path))
      const names = Array.from(node.children)
      for (const name of names) walk(`${path}/${name}`)
    }
    walk('')
    return { zxid, endZxid: this.zxid, sessions, acls, records }
  }

  #createPart(path: string, kind: string, data: string | null, acl: readonly string[], client: bigint): Part {
    const cut = path.lastIndexOf('/')
    const parentPath = path.slice(0, cut)
    const parent = this.nodes.get(parentPath)
    if (parent === undefined) return noNode
    if (this.nodes.has(path)) return { error: -110 }
    if (isEphemeral(parent)) return { error: -108 }
    const cversion = parent.stat.cversion + 1
    const fields = { path, data, acl, ephemeral: kind === 'ephemeral', parentCversion: cversion }
    const ttl = 5000n
    const owner = kind === 'ephemeral' ? client : kind === 'container' ? -(1n << 63n) : kind === 'ttl' ? -(1n << 56n) | ttl : 0n
    const apply = (): void => {
      const { zxid } = this
      parent.stat = { ...parent.stat, cversion, pzxid: zxid }
      const time = timeOf(zxid)
      const stat = { ...zeroStat, czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, ephemeralOwner: owner }
      this.#put(path, data, this.#aclKey(aclHex(acl)), stat)
    }
    if (kind === 'container') return { type: op.container, body: body.container(fields), apply }
    if (kind === 'ttl') return { type: op.ttl, body: body.ttl(fields, ttl), apply }
    return { type: kind === 'plain2' ? op.create2 : op.create, body: body.create(fields), apply }
  }

  #deletePart(path: string): Part {
    const node = this.nodes.get(path)
    if (node === undefined) return noNode
    if (node.children.size > 0) return { error: -111 }
    return { type: op.delete, body: body.delete(path), apply: () => this.#remove(path) }
  }

  #setDataPart(path: string, data: string | null): Part {
    const node = this.nodes.get(path === '/' ? '' : path)
    if (node === undefined) return noNode
    const version = node.stat.version + 1
    const apply = (): void => {
      node.data = data
      node.stat = { ...node.stat, version, mzxid: this.zxid, mtime: timeOf(this.zxid) }
    }
    return { type: op.setData, body: body.setData(path, data, version), apply }
  }

  #multiPart(part: MultiPart, client: bigint): Part {
    if (part.kind === 'create') return this.#createPart(part.path, part.form, part.data, part.acl, client)
    if (part.kind === 'delete') return this.#deletePart(part.path)
    if (part.kind === 'setData') return this.#setDataPart(part.path, part.data)
    const node = this.nodes.get(part.path)
    return node === undefined ? noNode : { type: op.check, body: body.check(part.path, node.stat.version + 1), apply: () => undefined }
  }

  #commit(client: bigint, make: () => Part): void {
    this.zxid++
    const made = make()
    if ('error' in made) {
      this.log.push(txn(op.error, { client, zxid: this.zxid, time: timeOf(this.zxid) }, body.error(made.error)))
      return
    }
    made.apply()
    this.#append(made.type, client, made.body)
  }

  #append(type: number, client: bigint, record: Uint8Array): void {
    const header = { client, zxid: this.zxid, time: timeOf(this.zxid) }
    this.log.push(txn(type, this.#withDigest ? { ...header, digest: this.digest() } : header, record))
  }

  #put(path: string, data: string | null, aclKey: bigint, stat: StatFields): void {
    this.nodes.set(path, { data, aclKey, stat, children: new Set() })
    const cut = path.lastIndexOf('/')
    if (cut >= 0) this.nodes.get(path.slice(0, cut))?.children.add(path.slice(cut + 1))
  }

  #remove(path: string): void {
    this.nodes.delete(path)
    const cut = path.lastIndexOf('/')
    const parent = this.nodes.get(path.slice(0, cut))
    if (parent === undefined) return
    parent.children.delete(path.slice(cut + 1))
    parent.stat = { ...parent.stat, pzxid: this.zxid }
  }

  #aclKey(hex: string): bigint {
    for (const [key, list] of this.acls) if (list === hex) return key
    this.#aclIndex++
    this.acls.set(this.#aclIndex, hex)
    return this.#aclIndex
  }
}

export interface PlainNode {
  data: string | null
  aclKey: bigint
  stat: StatFields
  readonly children: Set<string>
}

export interface PlainSnapshot {
  readonly zxid: bigint
  /** Last txn that may be in it. */
  readonly endZxid: bigint
  readonly sessions: readonly (readonly [bigint, number])[]
  readonly acls: readonly (readonly [bigint, string])[]
  readonly records: readonly Uint8Array[]
}

export type MultiPart =
  | { readonly kind: 'create'; readonly path: string; readonly form: string; readonly data: string | null; readonly acl: readonly string[] }
  | { readonly kind: 'delete' | 'check'; readonly path: string }
  | { readonly kind: 'setData'; readonly path: string; readonly data: string | null }

type Part = { readonly error: number } | { readonly type: number; readonly body: Uint8Array; readonly apply: () => void }

const noNode = { error: -101 }

function isEphemeral(node: PlainNode): boolean {
  return node.stat.ephemeralOwner > 0n
}

export function timeOf(zxid: bigint): bigint {
  return 1_700_000_000_000n + 3n * zxid
}

export function aclHex(acl: readonly string[]): string {
  return Buffer.from(new Bytes().acl(acl).done()).toString('hex')
}

/** CRC-32 by zlib of path, data and the 60 bytes of stat in the digest's order. */
export function nodeDigest(path: string, node: { readonly data: string | null; readonly stat: StatFields }): bigint {
  if (path.startsWith('/zookeeper/')) return 0n
  const s = node.stat
  const stat = new Bytes()
    .long(s.czxid)
    .long(s.mzxid)
    .long(s.pzxid)
    .long(s.ctime)
    .long(s.mtime)
    .int(s.version)
    .int(s.cversion)
    .int(s.aversion)
    .long(s.ephemeralOwner)
    .done()
  return BigInt(crc32(Buffer.concat([Buffer.from(path), Buffer.from(node.data ?? ''), stat])))
}

function compareTreeOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a.replaceAll('/', '\0')), Buffer.from(b.replaceAll('/', '\0')))
}
