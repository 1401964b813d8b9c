import { LeafColumns } from '../../archive/leaf-reader.ts'
import { readSessions } from '../../archive/read-sessions.ts'
import { chunkIdLength, dataPieceBytesMax, dataPieces, levelsMax } from '../../archive/state-format.ts'
import { contradiction, placed, readTop } from '../../archive/state-reader.ts'
import { checkStateRef, type ChunkSource, type StateRef } from '../../archive/state-ref.ts'
import { type ChildEntry, decodeTreeNode } from '../../archive/tree-nodes.ts'
import { longAt } from '../../jute/long.ts'
import { compareTreeOrder } from '../../model/znode-path.ts'

/** What the one above must know of a checked part of a tree. */
interface CheckedPart {
  /** Last path in it, as latin1 text: order against the next part is checked with it. */
  readonly last: string
  /** Largest ACL key that is used without a list; the state names a floor for it. */
  readonly danglingMax: bigint
}

/** Data out of line asked for at once. */
const pieceBatchBytesMax = 16 * 1024 * 1024

/**
 * Decodes every chunk of states and holds it against what the one above it claims, down from the root: its id is the SHA-256 of its
 * bytes, so what holds here is the state of that root. Parts that states share are looked at once: the cost is that of the chunks that
 * differ, and about 100 bytes of memory a leaf.
 */
export class StateChecker {
  /** Chunks decoded. */
  chunks = 0
  readonly #source: ChunkSource
  readonly #parts = new Map<string, CheckedPart>()
  readonly #pieces = new Set<string>()
  readonly #leaf = new LeafColumns()

  constructor(source: ChunkSource) {
    this.#source = source
  }

  /** @throws REPOSITORY_DAMAGED, OBJECT_NOT_FOUND, REPOSITORY_FORMAT_TOO_NEW naming the chunk */
  async check(ref: StateRef): Promise<void> {
    checkStateRef(ref)
    const top = await readTop(this.#source, ref)
    if (top.level > levelsMax) throw contradiction(ref.treeRoot)
    const [part] = await this.#checkAll(top.entries, top.level)
    if (part.danglingMax > ref.aclKeyFloor) throw contradiction(ref.treeRoot)
    await readSessions(this.#source, ref)
  }

  /** Siblings, in order. */
  async #checkAll(entries: readonly ChildEntry[], level: number): Promise<CheckedPart[]> {
    const unknown = entries.filter((entry) => !this.#parts.has(claimOf(entry, level)))
    const chunks = await this.#source.chunks(unknown.map((entry) => entry.id))
    for (const [i, entry] of unknown.entries()) {
      const part = level === 0 ? await this.#checkLeaf(entry, chunks[i]) : await this.#checkNode(entry, chunks[i], level)
      this.chunks++
      this.#parts.set(claimOf(entry, level), part)
    }
    const parts = entries.map((entry) => this.#parts.get(claimOf(entry, level)) as CheckedPart)
    for (let i = 1; i < entries.length; i++) {
      if (compareTreeOrder(Buffer.from(parts[i - 1].last, 'latin1'), entries[i].first) >= 0) throw contradiction(entries[i].id)
    }
    return parts
  }

  async #checkNode(entry: ChildEntry, bytes: Uint8Array, level: number): Promise<CheckedPart> {
    const node = placed(entry.id, () => decodeTreeNode(bytes))
    const { children } = node
    const znodes = children.reduce((sum, child) => sum + child.znodes, 0)
    const dataBytes = children.reduce((sum, child) => sum + child.dataBytes, 0)
    const isAsClaimed = node.level === level && znodes === entry.znodes && dataBytes === entry.dataBytes
    if (!isAsClaimed || compareTreeOrder(children[0].first, entry.first) !== 0) throw contradiction(entry.id)
    const parts = await this.#checkAll(children, level - 1)
    return {
      last: parts[parts.length - 1].last,
      danglingMax: parts.reduce((most, part) => (part.danglingMax > most ? part.danglingMax : most), 0n),
    }
  }

  async #checkLeaf(entry: ChildEntry, bytes: Uint8Array): Promise<CheckedPart> {
    const leaf = this.#leaf
    const paths = new Uint8Array(placed(entry.id, () => decodeLeaf(leaf, bytes)))
    if (leaf.count !== entry.znodes || leaf.dataBytes !== entry.dataBytes) throw contradiction(entry.id)
    const lastStart = placed(entry.id, () => copyPaths(leaf, paths))
    if (compareTreeOrder(paths.subarray(0, leaf.pathLengths[0]), entry.first) !== 0) throw contradiction(entry.id)
    let danglingMax = 0n
    for (const acl of leaf.acls) {
      const key = acl.kind === 'dangling' ? longAt(leaf.bytes, acl.start) : 0n
      if (key > danglingMax) danglingMax = key
    }
    const part = { last: Buffer.from(paths.subarray(lastStart)).toString('latin1'), danglingMax }
    // Last: it waits, and another leaf may be decoded into the same columns by then.
    await this.#checkPieces(piecesOf(leaf))
    return part
  }

  /** Data that stand in chunks of their own: each is there and has its length. */
  async #checkPieces(all: readonly Piece[]): Promise<void> {
    const pieces = all.filter((piece) => !this.#pieces.has(piece.name))
    for (let at = 0; at < pieces.length; ) {
      let end = at
      for (let bytes = 0; end < pieces.length && (end === at || bytes < pieceBatchBytesMax); end++) bytes += pieces[end].length
      const batch = pieces.slice(at, end)
      const chunks = await this.#source.chunks(batch.map((piece) => piece.id))
      for (const [i, bytes] of chunks.entries()) {
        if (bytes.length !== batch[i].length) throw contradiction(batch[i].id)
        this.#pieces.add(batch[i].name)
        this.chunks++
      }
      at = end
    }
  }
}

/** The chunk with all that its parent claims of it: a part is known only under the very same claims. */
function claimOf({ id, first, znodes, dataBytes }: ChildEntry, level: number): string {
  return `${level} ${znodes} ${dataBytes} ${latin1(id)} ${latin1(first)}`
}

/** @returns the bytes of all its paths */
function decodeLeaf(leaf: LeafColumns, bytes: Uint8Array): number {
  leaf.decode(bytes)
  return leaf.pathBytes
}

/** Writes all paths, which checks their order. @returns where the last one starts */
function copyPaths(leaf: LeafColumns, into: Uint8Array): number {
  let at = 0
  let previous = 0
  for (let i = 0; i < leaf.count; i++) {
    leaf.copyPath(i, into, at, previous)
    previous = at
    at += leaf.pathLengths[i]
  }
  return previous
}

interface Piece {
  readonly id: Uint8Array
  readonly length: number
  readonly name: string
}

function piecesOf(leaf: LeafColumns): Piece[] {
  const pieces: Piece[] = []
  for (let i = 0; i < leaf.count; i++) {
    const length = leaf.dataLengths[i]
    for (let piece = 0; piece < dataPieces(length); piece++) {
      const start = leaf.dataStarts[i] + piece * chunkIdLength
      const id = leaf.bytes.slice(start, start + chunkIdLength)
      const pieceLength = Math.min(dataPieceBytesMax, length - piece * dataPieceBytesMax)
      pieces.push({ id, length: pieceLength, name: `${pieceLength} ${latin1(id)}` })
    }
  }
  return pieces
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
