import { fileSize } from '../formats/byte-source.ts'
import { type FileInput, withFile } from '../formats/file-input.ts'
import { type SnapshotSink, type SnapshotSummary, readSnapshot } from '../formats/snapshot-reader.ts'
import { ZooArkError } from '../base/errors.ts'
import type { Zxid } from '../model/zxid.ts'
import { DataTree, type DataTreeOptions } from '../tree/data-tree.ts'

export interface LoadedSnapshot {
  readonly tree: DataTree
  readonly summary: SnapshotSummary
  /** The zxid of its name, from which the logs are replayed. */
  readonly zxid: Zxid
  /** The tree as loaded has the digest that the file carries for its own zxid: then it is the state at that zxid. */
  readonly proved: boolean
}

/** Digest versions below this were computed in another way; a tree cannot be held against them. */
const digestVersionKnown = 2

/**
 * Loads a snapshot into a tree as a server does, quotas counted anew. The tree is fuzzy until the logs have been replayed; see settling.ts.
 * @param options.zxid the zxid of the state where the file's name does not say it
 * @throws SNAPSHOT_DAMAGED, and what opening and reading throw; SOURCE_NOT_ZOOKEEPER when nothing says the zxid
 */
export async function loadSnapshotTree(
  file: FileInput,
  options: { readonly zxid?: Zxid; readonly tree?: DataTreeOptions } = {},
): Promise<LoadedSnapshot> {
  const tree = new DataTree(options.tree)
  const summary = await withFile(file, async (opened) => readSnapshot(opened, treeSink(tree, await fileSize(opened)), { adopt: 'windows' }))
  const zxid = options.zxid ?? summary.zxidOfName ?? summary.lastProcessedZxid
  if (zxid === undefined) {
    throw new ZooArkError('SOURCE_NOT_ZOOKEEPER', 'neither its name nor its content says at which zxid the snapshot begins', {
      place: { file: typeof file === 'string' ? file : file.path },
      hint: 'Give the file its own name back: snapshot.<zxid in hexadecimal>.',
    })
  }
  tree.finishLoad(zxid, { quotaStats: 'recount' })
  const { digest } = summary
  const isComparable = digest !== undefined && digest.zxid === zxid && digest.version === digestVersionKnown
  const proved = isComparable && BigInt.asUintN(64, digest.digest) === tree.digest()
  return { tree, summary, zxid, proved }
}

/** Room is made beforehand for no more znodes than this (500 MB): a file may hold less than its length and its beginning promise. */
const expectedMax = 1 << 24

/** Adopts everything. Room for all znodes is made by how many stand in the first window: of a file that is not compressed that is nearly right. */
function treeSink(tree: DataTree, fileBytes: number): SnapshotSink {
  let isFirst = true
  return {
    session: (idHi, idLo, timeoutMs) => tree.addSession(idHi, idLo, timeoutMs),
    acl: (keyHi, keyLo, bytes, start, end) => tree.addAcl(keyHi, keyLo, bytes, start, end),
    records: (window, starts, count) => {
      if (isFirst && count > 0) tree.expectNodes(Math.min(expectedMax, Math.ceil((count * fileBytes) / (starts[count] - starts[0]))))
      isFirst = false
      tree.adoptRecords(window, starts, count)
    },
  }
}
