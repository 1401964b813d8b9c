import { ZooArkError } from '../../base/errors.ts'
import { type FileInput, withFile } from '../../formats/file-input.ts'
import { readSnapshot } from '../../formats/snapshot-reader.ts'
import { readTxnLog } from '../../formats/txn-log-reader.ts'
import { ByteText } from './byte-text.ts'
import { type RecordForm, SnapshotDump } from './dump-snapshot.ts'
import { TxnLogDump } from './dump-txn-log.ts'
import { type PrintTxns, readSegmentObject } from './read-segment-object.ts'
import { type FileKind, recogniseFile } from './recognise-file.ts'

export interface DumpOptions {
  readonly form: RecordForm
  /** Records to print; all when absent. */
  readonly limit?: number
}

export interface DumpResult {
  readonly kind: FileKind
  readonly records: number
  /** Transactions whose record could not be decoded; they stand in the dump as bytes. */
  readonly undecodable: number
}

/** Takes text in order; the bytes are written over once the promise is done. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>

/**
 * Prints every record of a snapshot or log, one a line, in the order of the file, each checked before it is printed as far as the format
 * allows: the seal of a snapshot comes at its end. Memory is bounded by a window of the file and its text.
 * @throws SNAPSHOT_DAMAGED or TXN_LOG_DAMAGED after what stands before the damage has been printed
 */
export async function dumpFile(file: FileInput, options: DumpOptions, write: WriteBytes): Promise<DumpResult> {
  return await withFile(file, async (opened) => {
    const { kind, fileBytes } = await recogniseFile(opened)
    const queue: Uint8Array[] = []
    /** Buffers whose text has been written. */
    const spare: Uint8Array[] = []
    const out = new ByteText((bytes) => {
      queue.push(bytes)
      return spare.pop() ?? new Uint8Array(bytes.buffer.byteLength)
    })
    const send = async (): Promise<void> => {
      out.flush()
      for (const bytes of queue.splice(0)) {
        await write(bytes)
        spare.push(new Uint8Array(bytes.buffer))
      }
    }
    const limit = new RecordLimit(options.limit ?? Infinity)
    const txns = new TxnLogDump(out, options.form)
    const printTxns: PrintTxns = async (window, starts, ends, count, place) => {
      txns.txns(window, starts, ends, limit.take(count), place)
      await send()
      limit.check()
    }
    try {
      if (kind === 'snapshot') await readSnapshot(opened, limitedSnapshot(new SnapshotDump(out, options.form), limit, send))
      else if (kind === 'txn-log') {
        await readTxnLog(opened, { txns: printTxns })
      } else if (kind !== 'repository-object' || !(await readSegmentObject(opened, fileBytes, printTxns))) {
        throw new ZooArkError('NOT_SUPPORTED', 'the file has no records that could be printed', {
          place: { file: opened.path },
          hint: 'Only snapshots, txn logs and txn segments have records; run `zooark inspect` without --records.',
        })
      }
    } catch (error) {
      if (!(error instanceof EnoughRecords)) throw error
    } finally {
      await send()
    }
    return { kind, records: limit.taken, undecodable: txns.undecodable }
  })
}

/** Ends the reading of a file of which no more is wanted; never leaves this file. */
class EnoughRecords extends Error {}

class RecordLimit {
  taken = 0
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** How many of `count` may still be printed. */
  take(count: number): number {
    const granted = Math.min(count, this.#max - this.taken)
    this.taken += granted
    return granted
  }

  check(): void {
    if (this.taken >= this.#max) throw new EnoughRecords()
  }
}

function limitedSnapshot(dump: SnapshotDump, limit: RecordLimit, send: () => Promise<void>) {
  return {
    session: (idHi: number, idLo: number, timeoutMs: number): void => {
      if (limit.take(1) === 1) dump.session(idHi, idLo, timeoutMs)
    },
    acl: (keyHi: number, keyLo: number, bytes: Uint8Array, start: number, end: number): void => {
      if (limit.take(1) === 1) dump.acl(keyHi, keyLo, bytes, start, end)
    },
    records: async (window: Uint8Array, starts: Uint32Array, count: number): Promise<void> => {
      dump.records(window, starts, limit.take(count))
      await send()
      limit.check()
    },
  }
}
