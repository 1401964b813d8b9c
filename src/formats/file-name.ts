import type { Zxid } from '../model/zxid.ts'

/** Names of ZooKeeper's files (ZooKeeper: `Util.getZxidFromName`, `SnapStream.getStreamMode`). */

export type Compression = 'none' | 'gz' | 'snappy'

export interface FileName {
  readonly kind: 'snapshot' | 'log'
  /** From the name: a snapshot holds at least this transaction, a log begins with it. */
  readonly zxid: Zxid
  /** What the extension says; a server reads by that. */
  readonly compression: Compression
}

/** Understands `snapshot.<hex>[.gz|.snappy]` and `log.<hex>`; undefined for every other name. @param name without directories. */
export function parseFileName(name: string): FileName | undefined {
  const match = /^(snapshot|log)\.([0-9a-f]{1,16})(?:\.(gz|snappy))?$/i.exec(name)
  if (match === null) return undefined
  const [, kind, digits, extension] = match
  const value = BigInt(`0x${digits}`)
  if (value > 0x7fffffffffffffffn || (kind !== 'snapshot' && kind !== 'log')) return undefined
  if (kind === 'log' && extension !== undefined) return undefined
  return { kind, zxid: value as Zxid, compression: extension === undefined ? 'none' : extension.toLowerCase() === 'gz' ? 'gz' : 'snappy' }
}

const extensions: Readonly<Record<Compression, string>> = { none: '', gz: '.gz', snappy: '.snappy' }

export function snapshotName(zxid: Zxid, compression: Compression = 'none'): string {
  return `snapshot.${zxid.toString(16)}${extensions[compression]}`
}

export function logName(firstZxid: Zxid): string {
  return `log.${firstZxid.toString(16)}`
}
