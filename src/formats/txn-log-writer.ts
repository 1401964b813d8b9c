import { adler32 } from '../base/checksum.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { putInt32 } from '../jute/long.ts'
import { OutputFile } from './output-file.ts'
import {
  logDbId,
  logHeaderLength,
  logMagic,
  logVersion,
  paddingMargin,
  recordEndMark,
  recordHeadLength,
  recordOverhead,
} from './txn-log-layout.ts'

export interface TxnLogWriteOptions {
  readonly fsync: 'before-close' | 'never'
  /** 0 where it is not given, as every server writes. */
  readonly dbId?: bigint
}

/** How the file ends: where the last record does, at a given size, or where the padding of a server with this `preAllocSize` ends. */
export type LogEndOption = { readonly sizeBytes?: number; readonly preAllocBytes?: number }

/**
 * Writes a transaction log to a new file. Payloads are taken verbatim; what `readTxnLog` hands out is written back bit for bit.
 * The page is docs/formats/zookeeper-txn-log.md.
 */
export class TxnLogWriter {
  readonly #out: OutputFile
  readonly #head = new Uint8Array(recordHeadLength)

  private constructor(out: OutputFile) {
    this.#out = out
  }

  /** @throws TARGET_NOT_EMPTY when the file exists, TARGET_UNWRITABLE, STORE_FULL, IO_FAILED */
  static async create(path: string, options: TxnLogWriteOptions): Promise<TxnLogWriter> {
    const writer = new TxnLogWriter(await OutputFile.create(path, { fsync: options.fsync }))
    await writer.#out.write(encodeLogHeader(options.dbId ?? logDbId))
    return writer
  }

  /** Where the next record will begin. */
  get position(): number {
    return this.#out.position
  }

  /** Appends one transaction: header, record and digest as they are. The bytes are copied. */
  async append(window: Uint8Array, start: number, end: number): Promise<void> {
    if (this.#put(window, start, end)) return
    const out = this.#out
    await out.write(this.#headOf(window, start, end))
    await out.write(window, start, end)
    await out.write(endMark)
  }

  /** Appends a batch as `readTxnLog` hands it out. */
  async appendAll(window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (!this.#put(window, starts[i], ends[i])) await this.append(window, starts[i], ends[i])
    }
  }

  /** Nearly every record fits in the piece; waiting for each would cost more than the record. */
  #put(window: Uint8Array, start: number, end: number): boolean {
    const out = this.#out
    if (!out.fits(end - start + recordOverhead)) return false
    out.put(this.#headOf(window, start, end), 0, recordHeadLength)
    out.put(window, start, end)
    out.put(endMark, 0, 1)
    return true
  }

  #headOf(window: Uint8Array, start: number, end: number): Uint8Array {
    putInt32(this.#head, 4, adler32(window, start, end))
    putInt32(this.#head, 8, end - start)
    return this.#head
  }

  /** Waits until everything appended is on the disk. */
  async sync(): Promise<void> {
    await this.#out.sync()
  }

  /** Closes the file. @returns its bytes, padding included. */
  async close(end: LogEndOption = {}): Promise<number> {
    const { sizeBytes, preAllocBytes } = end
    const size = sizeBytes ?? (preAllocBytes === undefined ? undefined : paddedLogSize(this.position, preAllocBytes))
    return this.#out.close(size === undefined ? {} : { sizeBytes: size })
  }

  /** Closes after a failure, whatever state the file is in. */
  async abandon(): Promise<void> {
    await this.#out.abandon()
  }
}

const endMark = Uint8Array.of(recordEndMark)

export function encodeLogHeader(dbId: bigint): Uint8Array {
  const writer = new JuteWriter()
  writer.writeInt(logMagic)
  writer.writeInt(logVersion)
  writer.writeLong(dbId)
  return writer.toBytes()
}

/**
 * Size that a server gives a log whose records end at `position` (ZooKeeper: `FilePadding.calculateFileSizeWithPadding`): the header and as
 * many times `preAllocBytes` as leave room for more. A server decides before each record, so that its file can be one step shorter.
 */
export function paddedLogSize(position: number, preAllocBytes: number): number {
  if (preAllocBytes <= 0) return position
  const steps = Math.max(1, Math.ceil((position + paddingMargin + 1 - logHeaderLength) / preAllocBytes))
  return logHeaderLength + steps * preAllocBytes
}
