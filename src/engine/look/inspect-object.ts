import { basename } from 'node:path'
import { sha256 } from '../../base/checksum.ts'
import { ZooArkError } from '../../base/errors.ts'
import { toHex } from '../../base/hex.ts'
import type { JsonObject } from '../../base/json.ts'
import { zstd } from '../../base/zstd.ts'
import type { OpenFile } from '../../formats/file-input.ts'
import { FileSource } from '../../formats/byte-source.ts'
import { type Kind, decodeBlock, decodeEnvelope, kinds, preambleLayout } from '../../repository/envelope.ts'
import { OBJECT_BYTES_MAX } from '../../repository/limits.ts'

export interface ObjectFacts {
  /** repository, head, pack or blob; undefined when the preamble names none. */
  readonly objectKind?: string
  readonly formatVersion?: number
  readonly header?: JsonObject
  readonly blocks: number
  readonly storedBytes: number
  readonly plainBytes: number
  /** SHA-256 of the whole file, lower-case hex: the name that references to it carry. */
  readonly hash: string
  readonly fault?: ZooArkError
}

/** Reads and verifies one object of a repository by itself: envelope, index, every block. Packs and blobs carry their hash in
 * their names; whether a head is the right one only the chain knows. */
export async function inspectObject(file: OpenFile, fileBytes: number): Promise<ObjectFacts> {
  if (fileBytes > OBJECT_BYTES_MAX) {
    throw new ZooArkError('LIMIT_EXCEEDED', `the object has ${fileBytes} bytes; none is longer than ${OBJECT_BYTES_MAX}`, {
      place: { file: file.path },
    })
  }
  const bytes = new Uint8Array(fileBytes)
  await (await FileSource.open(file)).read(bytes, 0, fileBytes)
  const objectKind = (Object.keys(kinds) as Kind[]).find((name) => kinds[name] === bytes[preambleLayout.kind])
  const known = {
    hash: toHex(sha256(bytes)),
    formatVersion: bytes[preambleLayout.version],
    ...(objectKind === undefined ? {} : { objectKind }),
  }
  const nothing = { ...known, blocks: 0, storedBytes: 0, plainBytes: 0 }
  try {
    const named = /(?:^|\.)([0-9a-f]{64})$/.exec(basename(file.path))?.[1]
    if (named !== undefined && named !== known.hash) {
      throw new ZooArkError('REPOSITORY_DAMAGED', 'its bytes are not those that its name says', { place: { file: file.path } })
    }
    if (objectKind === undefined)
      throw new ZooArkError('REPOSITORY_DAMAGED', 'the object is of no known kind', {
        place: { file: file.path, offset: preambleLayout.kind },
      })
    const index = decodeEnvelope(bytes, file.path, objectKind)
    const codec = await zstd()
    let plainBytes = 0
    for (let block = 0; block < index.blockCount; block++) {
      const stored = bytes.subarray(index.offsets[block], index.offsets[block + 1])
      plainBytes += decodeBlock(codec, index, block, stored, file.path).length
    }
    const storedBytes = index.offsets[index.blockCount] - index.offsets[0]
    return { ...known, header: index.header, blocks: index.blockCount, storedBytes, plainBytes }
  } catch (error) {
    if (!(error instanceof ZooArkError) || !damageCodes.has(error.code)) throw error
    return { ...nothing, fault: error }
  }
}

const damageCodes: ReadonlySet<string> = new Set(['REPOSITORY_DAMAGED', 'REPOSITORY_FORMAT_TOO_NEW', 'LIMIT_EXCEEDED'])
