import { encodePath } from '../../src/model/znode-path.ts'
import { encodeTxn, type TxnRecord } from '../../src/model/txn.ts'
import { toSessionId } from '../../src/model/session-id.ts'
import { toZxid, type Zxid } from '../../src/model/zxid.ts'
import type { TxnSink } from '../../src/archive/segment-reader.ts'
import { payloadZxid } from '../../src/archive/segment-format.ts'

export interface PlainTxn {
  readonly zxid: bigint
  readonly timeMs?: number
  readonly session?: bigint
  readonly record: TxnRecord
}

export function path(text: string): Uint8Array {
  return text === '/' ? Buffer.from('/') : encodePath(text)
}

export function create(text: string, owner: 'ephemeral' | 'persistent' = 'persistent'): TxnRecord {
  return { kind: 'create', path: path(text), data: Buffer.from('d'), acl: [], ephemeral: owner === 'ephemeral', parentCversion: 1 }
}

export function remove(text: string): TxnRecord {
  return { kind: 'delete', path: path(text) }
}

export function setData(text: string, data = 'x'): TxnRecord {
  return { kind: 'setData', path: path(text), data: Buffer.from(data), version: 1 }
}

export function payload({ zxid, timeMs = 1000, session = 0x77n, record }: PlainTxn): Uint8Array {
  return encodeTxn({ header: { clientId: toSessionId(session), cxid: 0, zxid: toZxid(zxid), time: BigInt(timeMs), type: 0 }, record })
}

/** Payloads laid out as a log reader hands them out. */
export function batch(txns: readonly PlainTxn[]): { window: Uint8Array; starts: Uint32Array; ends: Uint32Array; count: number } {
  const payloads = txns.map(payload)
  const starts = new Uint32Array(txns.length)
  const ends = new Uint32Array(txns.length)
  let at = 0
  for (const [i, bytes] of payloads.entries()) {
    starts[i] = at + 5
    ends[i] = at += 5 + bytes.length
  }
  const window = new Uint8Array(at)
  for (const [i, bytes] of payloads.entries()) window.set(bytes, starts[i])
  return { window, starts, ends, count: txns.length }
}

/** Remembers the zxids it gets. */
export function collector(): TxnSink & { readonly zxids: Zxid[]; readonly payloads: Uint8Array[] } {
  const zxids: Zxid[] = []
  const payloads: Uint8Array[] = []
  return {
    zxids,
    payloads,
    txns(window, starts, ends, count) {
      for (let i = 0; i < count; i++) {
        zxids.push(payloadZxid(window, starts[i]))
        payloads.push(window.slice(starts[i], ends[i]))
      }
    },
  }
}
