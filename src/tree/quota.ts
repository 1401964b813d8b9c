import { int32At } from '../jute/long.ts'
import type { NodeStore } from './node-store.ts'

/**
 * Quota statistics. A server keeps, in the data of /zookeeper/quota/P/zookeeper_stats, how many znodes and bytes are at and below P, for
 * each P that has a zookeeper_limits; it changes that data without a txn and without touching the stat (ZooKeeper:
 * `DataTree.updateQuotaStat`, `updateQuotaForPath`, `setupQuota`, `StatsTrack`, `PathTrie`). Mirrored here with its edges:
 * - of nested quotas only the deepest one counts a change, while counting anew counts the whole subtree for each;
 * - counting anew happens when zookeeper_stats is created, and for all quotas when a server loads a snapshot;
 * - the text has been `count=N,bytes=M` in every version; from 3.7 on further keys, if a client wrote some, are kept behind it. Up to 3.6
 *   the server dropped them, and 3.4 to 3.6 stop at a text that they cannot read. Here such a text stays as it is.
 */
export class QuotaTracker {
  readonly #nodes: NodeStore
  readonly #top: QuotaBranch = { limited: false, below: new Map() }
  #limits = 0

  constructor(nodes: NodeStore) {
    this.#nodes = nodes
  }

  /** Whether any path is limited; when not, nothing else here needs to be called but `created`. */
  get active(): boolean {
    return this.#limits > 0
  }

  /** Call after a znode was created. @param data its data length, -1 for null */
  created(bytes: Uint8Array, start: number, end: number, dataLength: number): void {
    if (startsWith(bytes, start, end, quotaRoot)) {
      const path = decoder.decode(bytes.subarray(start, end))
      const cut = path.lastIndexOf('/')
      const name = path.slice(cut + 1)
      if (name === limitName) this.#limit(path.slice(quotaRoot.length, cut))
      if (name === statName) this.#recount([path.slice(quotaRoot.length, cut)])
    }
    if (this.active) this.#count(bytes, start, end, dataLength > 0 ? dataLength : 0, 1)
  }

  /** Call after a znode was deleted. @param data its data length, -1 for null */
  deleted(bytes: Uint8Array, start: number, end: number, dataLength: number): void {
    if (!this.active) return
    if (startsWith(bytes, start, end, quotaRoot)) {
      const path = decoder.decode(bytes.subarray(start, end))
      const cut = path.lastIndexOf('/')
      if (path.slice(cut + 1) === limitName) this.#unlimit(path.slice(quotaRoot.length, cut))
    }
    this.#count(bytes, start, end, dataLength > 0 ? -dataLength : 0, -1)
  }

  /** Call after the data of a znode changed by so many bytes. */
  changed(bytes: Uint8Array, start: number, end: number, difference: number): void {
    if (this.active) this.#count(bytes, start, end, difference, 0)
  }

  /** Finds the limits that a loaded tree holds. @param stats `recount` does as a server that loads a snapshot */
  load(stats: 'keep' | 'recount'): void {
    const nodes = this.#nodes
    const top = this.#find(quotaRoot)
    if (top < 0 || nodes.childCountOf(top) === 0) return
    const limited: string[] = []
    for (let node = 0; node < nodes.entryCount; node++) {
      if (!nodes.isLive(node) || nodes.childCountOf(node) !== 0) continue
      const bytes = nodes.bytesOf(node)
      const start = nodes.offsetOf(node) + 4
      const end = start + int32At(bytes, start - 4)
      if (!startsWith(bytes, start, end, quotaRoot) || bytes[start + quotaRoot.length] !== slash) continue
      const path = decoder.decode(bytes.subarray(start, end))
      if (path.endsWith(`/${limitName}`)) limited.push(path.slice(quotaRoot.length, path.indexOf(`/${limitName}`)))
    }
    for (const path of limited) this.#limit(path)
    if (stats === 'recount') this.#recount(limited)
  }

  /** A limit for `/` itself stops a server (`PathTrie.addPath`); there is no state to mirror, so it is left out. */
  #limit(path: string): void {
    const names = namesOf(path)
    if (names.length === 0) return
    let branch = this.#top
    for (const name of names) {
      let next = branch.below.get(name)
      if (next === undefined) {
        next = { limited: false, below: new Map() }
        branch.below.set(name, next)
      }
      branch = next
    }
    if (!branch.limited) this.#limits++
    branch.limited = true
  }

  #unlimit(path: string): void {
    let branch: QuotaBranch | undefined = this.#top
    let above = branch
    const names = namesOf(path)
    for (const name of names) {
      above = branch
      branch = branch.below.get(name)
      if (branch === undefined) return
    }
    if (branch.limited) this.#limits--
    branch.limited = false
    if (branch.below.size === 0 && names.length > 0) above.below.delete(names[names.length - 1])
  }

  /** Adds to the statistics of the deepest limited path at or above bytes[start..end). */
  #count(bytes: Uint8Array, start: number, end: number, byteDifference: number, countDifference: number): void {
    let branch = this.#top
    let limit: string | undefined
    let path = ''
    for (let at = start; at < end; ) {
      let nameEnd = at + 1
      while (nameEnd < end && bytes[nameEnd] !== slash) nameEnd++
      const name = decoder.decode(bytes.subarray(at + 1, nameEnd))
      at = nameEnd
      if (name.trim() === '') continue
      const next = branch.below.get(name)
      if (next === undefined) break
      branch = next
      path += `/${name}`
      if (branch.limited) limit = path
    }
    if (limit === undefined) return
    const node = this.#find(`${quotaRoot}${limit}/${statName}`)
    if (node < 0) return
    const stats = parseStats(this.#dataText(node))
    if (stats === undefined) return
    stats.set('count', (stats.get('count') ?? -1n) + BigInt(countDifference))
    stats.set('bytes', (stats.get('bytes') ?? -1n) + BigInt(byteDifference))
    this.#write(node, formatStats(stats))
  }

  /** Counts the subtrees of these paths anew, all in one pass over the tree. */
  #recount(paths: readonly string[]): void {
    const counts = new Map<number, { count: number; bytes: number }>()
    for (const path of paths) {
      const node = this.#find(path)
      if (node >= 0) counts.set(node, { count: 0, bytes: 0 })
    }
    if (counts.size > 0) this.#countSubtrees(counts)
    for (const path of paths) {
      const node = this.#find(`${quotaRoot}${path}/${statName}`)
      if (node < 0) continue
      const { count, bytes } = counts.get(this.#find(path)) ?? { count: 0, bytes: 0 }
      this.#write(node, `count=${count},bytes=${bytes}`)
    }
  }

  #countSubtrees(counts: Map<number, { count: number; bytes: number }>): void {
    const nodes = this.#nodes
    for (let node = 0; node < nodes.entryCount; node++) {
      if (!nodes.isLive(node)) continue
      const bytes = this.#dataLength(node)
      // Ends: parents have no cycles. Stops at a deleted parent, whose children are in no set.
      for (let at = node; at >= 0 && nodes.isLive(at); at = nodes.parentOf(at)) {
        const sum = counts.get(at)
        if (sum === undefined) continue
        sum.count++
        sum.bytes += bytes
      }
    }
  }

  #find(path: string): number {
    const bytes = encoder.encode(path)
    return this.#nodes.find(bytes, 0, bytes.length, this.#nodes.hash(bytes, 0, bytes.length))
  }

  #dataLength(node: number): number {
    const view = this.#nodes.viewOf(node)
    const at = this.#nodes.offsetOf(node)
    const length = view.getInt32(at + 4 + view.getInt32(at))
    return length > 0 ? length : 0
  }

  #dataText(node: number): string {
    const tail = this.#nodes.tailOf(node)
    return decoder.decode(this.#nodes.bytesOf(node).subarray(tail - this.#dataLength(node), tail))
  }

  #write(node: number, text: string): void {
    const data = encoder.encode(text)
    this.#nodes.replaceData(node, data, new DataView(data.buffer, data.byteOffset, data.byteLength), 0, data.length)
  }
}

interface QuotaBranch {
  limited: boolean
  readonly below: Map<string, QuotaBranch>
}

const quotaRoot = '/zookeeper/quota'
const limitName = 'zookeeper_limits'
const statName = 'zookeeper_stats'
const slash = 0x2f
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name.trim() !== '')
}

/** As the server does: without looking whether the name ends there. */
function startsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** Reads the text of a statistics znode; undefined where a server would fail. */
export function parseStats(text: string): Map<string, bigint> | undefined {
  const stats = new Map<string, bigint>()
  if (text === '') return stats
  for (const pair of text.split(/[,;]+/)) {
    const [key, value] = pair.split('=')
    if (value === undefined || !/^([+-]?\d{1,19})?$/.test(value)) return undefined
    stats.set(key, value === '' ? -1n : BigInt(value))
  }
  return stats
}

export function formatStats(stats: ReadonlyMap<string, bigint>): string {
  const others = [...stats.keys()].filter((key) => key !== 'count' && key !== 'bytes').sort()
  const tail = others.map((key) => `;${key}=${stats.get(key)}`).join('')
  return `count=${stats.get('count') ?? -1n},bytes=${stats.get('bytes') ?? -1n}${others.length > 0 ? '=' : ''}${tail}`
}
