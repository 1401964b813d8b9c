/** Every size that the repository's format and writers hold to. docs/formats/repository.md quotes them and a test compares. */

/**
 * Chunks of a pack are compressed together until this much is reached: larger is smaller on disk and quicker to compress (half as much makes a state
 * of a million znodes 3% larger and takes up to twice the time), smaller is less to read for one chunk.
 */
export const TARGET_BLOCK_BYTES = 32 * 1024
/** The same for chunks that are read one here and one there. */
export const SMALL_BLOCK_BYTES = 2 * 1024
/** A pack is closed when its stored blocks reach this: few objects, and one upload that can be repeated when it fails. */
export const TARGET_PACK_BYTES = 8 * 1024 * 1024
/** One chunk, one block. A leaf of a few znodes, each as large as the largest jute.maxbuffer seen in the field, fits. */
export const CHUNK_BYTES_MAX = 256 * 1024 * 1024
/** Meta bytes of one block: the bloom filter or the path list of a txn segment's block is far below. */
export const BLOCK_META_BYTES_MAX = 1024 * 1024
/** One object: offsets are 31 bits, and a store may hand it out as one array. */
export const OBJECT_BYTES_MAX = 2 ** 31 - 1
/** JSON of an envelope's header. The body of a commit is in blocks, not here. */
export const HEADER_BYTES_MAX = 16 * 1024 * 1024
/** Plain bytes handed to the compressor at a time: large enough that the hand-over to a thread costs nothing. */
export const BATCH_BYTES = 1024 * 1024
/** A draft with more than this between the caller and the store is `full`. */
export const IN_FLIGHT_BYTES_MAX = 48 * 1024 * 1024
/** A caller that ignores `full` up to this is wrong. Room for two of the largest chunks above the mark. */
export const IN_FLIGHT_BYTES_HARD_MAX = IN_FLIGHT_BYTES_MAX + 2 * CHUNK_BYTES_MAX
/** Decoded blocks kept, unless the caller says otherwise. */
export const CACHE_BYTES_DEFAULT = 32 * 1024 * 1024
/** Blocks of one pack that lie no further apart than this are read in one go: a request costs more than these bytes. */
export const READ_GAP_BYTES = 16 * 1024
/** One ranged read. */
export const READ_BYTES_MAX = 8 * 1024 * 1024
/** Requests to the store under way at once. */
export const READS_AT_ONCE = 8
