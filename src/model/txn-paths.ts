import type { TxnRecord } from './txn.ts'

/** The paths that a transaction names, in its order; those of its parts for a multi. Views on the bytes it was decoded from. */
export function txnPaths(record: TxnRecord): readonly Uint8Array[] {
  switch (record.kind) {
    case 'multi':
      return (record.parts ?? []).flatMap((part) => txnPaths(part.record))
    case 'closeSession':
      return record.paths ?? []
    case 'createSession':
    case 'error':
    case 'unknown':
      return []
    default:
      return [record.path]
  }
}
