import { FileSource, fileSize } from '../../formats/byte-source.ts'
import type { OpenFile } from '../../formats/file-input.ts'
import { parseFileName } from '../../formats/file-name.ts'
import { basename } from 'node:path'

/** What a file is, by its first bytes; `unknown` when they are those of no file that we read. */
export type FileKind = 'snapshot' | 'txn-log' | 'repository-object' | 'unknown'

const beginnings: readonly { readonly kind: FileKind; readonly bytes: readonly number[] }[] = [
  // ZKSN
  { kind: 'snapshot', bytes: [0x5a, 0x4b, 0x53, 0x4e] },
  // gzip
  { kind: 'snapshot', bytes: [0x1f, 0x8b] },
  // xerial snappy stream
  { kind: 'snapshot', bytes: [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] },
  // ZKLG
  { kind: 'txn-log', bytes: [0x5a, 0x4b, 0x4c, 0x47] },
  // docs/formats/repository.md, "Envelope"
  { kind: 'repository-object', bytes: [0x8a, 0x5a, 0x4f, 0x4f, 0x41, 0x52, 0x4b, 0x0a] },
]
const beginningLengthMax = 8

/**
 * Tells files apart by their bytes. A file that begins like none of them is what its name says, so that a damaged or empty one is
 * reported as what it was.
 */
export async function recogniseFile(file: OpenFile): Promise<{ readonly kind: FileKind; readonly fileBytes: number }> {
  const fileBytes = await fileSize(file)
  const head = new Uint8Array(beginningLengthMax)
  const length = await (await FileSource.open(file)).read(head, 0, head.length)
  const found = beginnings.find(({ bytes }) => length >= bytes.length && bytes.every((byte, i) => head[i] === byte))
  if (found !== undefined) return { kind: found.kind, fileBytes }
  const name = parseFileName(basename(file.path))
  return { kind: name === undefined ? 'unknown' : name.kind === 'log' ? 'txn-log' : 'snapshot', fileBytes }
}
