import { compareTreeOrder, formatPath } from '../../src/model/znode-path.ts'
import { decodeNodeRecord, encodeNodeRecord, type NodeRecord } from '../../src/model/node-record.ts'
import { openAclVector } from '../../src/archive/state-format.ts'
import { joinLong } from '../../src/jute/long.ts'
import type { StateSource } from '../../src/archive/write-state.ts'
import type { StateTarget } from '../../src/archive/load-state.ts'
import type { ChunkSink, ChunkSource } from '../../src/archive/state-ref.ts'
import { sha256 } from '../../src/base/checksum.ts'
import { toHex } from '../../src/base/hex.ts'
import { ZooArkError } from '../../src/base/errors.ts'

/** The slow and plain double of a DataTree: what goes in comes out. */
export class PlainTree implements StateSource, StateTarget {
  readonly records: Uint8Array[] = []
  readonly acls = new Map<bigint, Uint8Array>()
  readonly sessionMap = new Map<bigint, number>()
  loadedZxid: bigint | undefined

  add(node: NodeRecord): void {
    this.records.push(encodeNodeRecord(node))
  }

  sortedNodes(): Uint32Array {
    const paths = this.records.map((record) => decodeNodeRecord(record, 0, record.length).path)
    return Uint32Array.from(paths.keys()).sort((a, b) => compareTreeOrder(paths[a], paths[b]))
  }

  segmentOf(index: number): Uint8Array {
    return this.records[index]
  }

  startOf(): number {
    return 0
  }

  aclBytes(keyHi: number, keyLo: number): Uint8Array | undefined {
    return this.acls.get(joinLong(keyHi, keyLo))
  }

  sessions(): Iterable<{ id: bigint; timeoutMs: number }> {
    return Array.from(this.sessionMap, ([id, timeoutMs]) => ({ id, timeoutMs }))
  }

  addSession(idHi: number, idLo: number, timeoutMs: number): void {
    this.sessionMap.set(joinLong(idHi, idLo), timeoutMs)
  }

  addAcl(keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void {
    this.acls.set(joinLong(keyHi, keyLo), bytes.slice(start, end))
  }

  adoptRecords(window: Uint8Array, starts: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.records.push(window.slice(starts[i], starts[i + 1]))
  }

  finishLoad(zxid: bigint): void {
    this.loadedZxid = zxid
  }

  /** One line a znode in tree order, the ACL by value: comparable whatever the keys and the order of the records. */
  lines(): string[] {
    return Array.from(this.sortedNodes(), (index) => {
      const record = this.records[index]
      const node = decodeNodeRecord(record, 0, record.length)
      const acl = this.acls.get(node.aclKey) ?? (node.aclKey === -1n ? openAclVector : undefined)
      return plainLine(node, acl === undefined ? `key ${node.aclKey}` : toHex(acl))
    })
  }

  node(index: number): NodeRecord {
    return decodeNodeRecord(this.records[index], 0, this.records[index].length)
  }
}

/** A znode as text, long data by their hash. */
export function plainLine(
  { path, data, stat }: Pick<NodeRecord, 'path' | 'stat'> & { data: Uint8Array | null | undefined },
  acl: string,
): string {
  const content =
    data === null || data === undefined ? String(data) : `${data.length}:${data.length < 100 ? toHex(data) : toHex(sha256(data))}`
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner } = stat
  return [formatPath(path), content, acl, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner].join('|')
}

/** Chunks in memory; keeps copies, as a draft does, and counts what is read. */
export class MemoryChunks implements ChunkSink, ChunkSource {
  readonly full = false
  readonly stored = new Map<string, Uint8Array>()
  readBytes = 0
  newBytes = 0

  putChunk(plain: Uint8Array): Uint8Array {
    const id = sha256(plain)
    if (!this.stored.has(toHex(id))) {
      this.stored.set(toHex(id), plain.slice())
      this.newBytes += plain.length
    }
    return id
  }

  hasChunk(id: Uint8Array): boolean {
    return this.stored.has(toHex(id))
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  chunks(ids: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return Promise.all(ids.map((id) => this.#chunk(id)))
  }

  #chunk(id: Uint8Array): Promise<Uint8Array> {
    const bytes = this.stored.get(toHex(id))
    if (bytes === undefined) return Promise.reject(new ZooArkError('OBJECT_NOT_FOUND', 'no such chunk', { place: { object: toHex(id) } }))
    this.readBytes += bytes.length
    return Promise.resolve(bytes)
  }
}
