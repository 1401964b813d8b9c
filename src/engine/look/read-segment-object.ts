import { logFileHeader, segmentBlobKind } from '../../archive/segment-format.ts'
import { ZooArkError } from '../../base/errors.ts'
import { zstd } from '../../base/zstd.ts'
import { FileSource } from '../../formats/byte-source.ts'
import type { OpenFile } from '../../formats/file-input.ts'
import type { TxnWindowPlace } from '../../formats/txn-log-reader.ts'
import { LogScan } from '../../formats/txn-log-scan.ts'
import { decodeBlock, decodeEnvelope, kinds, preambleLayout } from '../../repository/envelope.ts'
import { OBJECT_BYTES_MAX } from '../../repository/limits.ts'

/** As `TxnLogSink.txns`. */
export type PrintTxns = (window: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, place: TxnWindowPlace) => Promise<void>

/**
 * Hands out the transactions of a txn segment, block by block; offsets count in its plain content, which is a log file.
 * @returns false when the object is something else
 * @throws REPOSITORY_DAMAGED, REPOSITORY_FORMAT_TOO_NEW
 */
export async function readSegmentObject(file: OpenFile, fileBytes: number, print: PrintTxns): Promise<boolean> {
  if (fileBytes > OBJECT_BYTES_MAX) return false
  const bytes = new Uint8Array(fileBytes)
  await (await FileSource.open(file)).read(bytes, 0, fileBytes)
  if (bytes[preambleLayout.kind] !== kinds.blob) return false
  const index = decodeEnvelope(bytes, file.path, 'blob')
  if (index.header['kind'] !== segmentBlobKind) return false
  const codec = await zstd()
  const scan = new LogScan()
  let offset = 0
  for (let block = 0; block < index.blockCount; block++) {
    const plain = decodeBlock(codec, index, block, bytes.subarray(index.offsets[block], index.offsets[block + 1]), file.path)
    const state = scan.run(plain, block === 0 ? logFileHeader.length : 0, plain.length)
    if (scan.count > 0) await print(plain, scan.starts, scan.ends, scan.count, { offsetOfWindow: offset })
    if (state !== 'more' || scan.position !== plain.length) {
      throw new ZooArkError('REPOSITORY_DAMAGED', `not a block of txns: ${state}`, {
        place: { file: file.path, offset: offset + scan.position },
      })
    }
    offset += plain.length
  }
  return true
}
