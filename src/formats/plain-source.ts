import { ZooArkError } from '../base/errors.ts'
import { type ByteSource, FileSource } from './byte-source.ts'
import type { OpenFile } from './file-input.ts'
import type { Compression } from './file-name.ts'
import { GzSource } from './gz-source.ts'
import { SnappySource, snappyMagic } from './snappy-source.ts'

const gzMagic = Uint8Array.of(0x1f, 0x8b)
const snapshotMagicBytes = Uint8Array.of(0x5a, 0x4b, 0x53, 0x4e)

/**
 * The uncompressed content of a snapshot file. Which form it has is told by its first bytes, not by its name.
 * @param options.damage `report` for salvage: a compressed stream that breaks off ends there instead of failing.
 * @throws SNAPSHOT_DAMAGED when it begins like none of them.
 */
export async function openPlain(
  file: OpenFile,
  options: { damage: 'fail' | 'report' } = { damage: 'fail' },
): Promise<{ source: ByteSource; compression: Compression }> {
  const head = new Uint8Array(8)
  const length = await (await FileSource.open(file)).read(head, 0, head.length)
  const begins = (magic: Uint8Array): boolean => length >= magic.length && magic.every((byte, i) => head[i] === byte)
  if (begins(snapshotMagicBytes)) return { source: await FileSource.open(file), compression: 'none' }
  if (begins(gzMagic)) return { source: await GzSource.open(file, options), compression: 'gz' }
  if (begins(snappyMagic)) return { source: await SnappySource.open(file), compression: 'snappy' }
  const what = length === 0 ? 'the file is empty' : 'the file begins neither with ZKSN nor as gz or snappy does'
  throw new ZooArkError('SNAPSHOT_DAMAGED', what, { place: { file: file.path, offset: 0 } })
}
