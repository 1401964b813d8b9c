import { juteLengthMax } from '../jute/jute-limits.ts'
import { nodeRecordLengthMin, nodeTail } from '../model/node-record.ts'

const slash = 0x2f
/** Offsets from the end of the data of the three zxids of a stat. */
const { czxid, mzxid, pzxid, length: tailLength } = nodeTail

/**
 * Finds the bounds of the node records in a window; the hot loop of reading a snapshot. Makes nothing per record.
 * The fields are its results, valid until the next `run`; `nodes` and the maximum count on from run to run.
 */
export class NodeScan {
  /** Starts of the records found, and the end of the last. */
  starts = new Uint32Array(0)
  count = 0
  /** Where the next record begins; after the end mark: where the seal begins. */
  position = 0
  /** What is wrong at `position` when the result is `damaged`. */
  fault = ''
  nodes = 0
  /** The newest zxid seen, in halves, compared as signed 64-bit values. */
  maxHi = -0x80000000
  maxLo = 0

  /**
   * @returns `end-mark`: all records were found; `more`: the rest of the window is less than a record;
   * `damaged`: what follows is not a record. The records before are in `starts` in every case.
   */
  run(window: Uint8Array, from: number, end: number): 'more' | 'end-mark' | 'damaged' {
    const starts = this.#startsFor(end - from)
    let count = 0
    let at = from
    let state: 'more' | 'end-mark' | 'damaged' = 'more'
    let maxHi = this.maxHi
    let maxLo = this.maxLo
    while (end - at >= 5) {
      const pathLength = (window[at] << 24) | (window[at + 1] << 16) | (window[at + 2] << 8) | window[at + 3]
      if (pathLength <= 1 || pathLength > juteLengthMax || window[at + 4] !== slash) {
        // The end mark, the root, or damage.
        if (pathLength === 1 && window[at + 4] === slash && this.nodes + count > 0) {
          at += 5
          state = 'end-mark'
          break
        }
        if (pathLength !== 0 || this.nodes + count > 0) {
          state = 'damaged'
          break
        }
      } else if (this.nodes + count === 0) {
        state = 'damaged'
        break
      }
      const dataAt = at + 8 + pathLength
      if (dataAt > end) break
      const dataLength = (window[dataAt - 4] << 24) | (window[dataAt - 3] << 16) | (window[dataAt - 2] << 8) | window[dataAt - 1]
      if (dataLength < -1 || dataLength > juteLengthMax) {
        state = 'damaged'
        break
      }
      const tail = dataLength > 0 ? dataAt + dataLength : dataAt
      if (tail + tailLength > end) break
      starts[count++] = at
      at = tail + tailLength
      for (let k = 0; k < 3; k++) {
        const z = tail + (k === 0 ? mzxid : k === 1 ? pzxid : czxid)
        const hi = (window[z] << 24) | (window[z + 1] << 16) | (window[z + 2] << 8) | window[z + 3]
        if (hi < maxHi) continue
        const lo = ((window[z + 4] << 24) | (window[z + 5] << 16) | (window[z + 6] << 8) | window[z + 7]) >>> 0
        if (hi > maxHi || lo > maxLo) {
          maxHi = hi
          maxLo = lo
        }
      }
    }
    starts[count] = at
    if (state === 'end-mark') starts[count] = at - 5
    if (state === 'damaged') this.fault = this.#faultAt(window, at)
    this.count = count
    this.nodes += count
    this.position = at
    this.maxHi = maxHi
    this.maxLo = maxLo
    return state
  }

  #startsFor(length: number): Uint32Array {
    const capacity = Math.floor(length / nodeRecordLengthMin) + 2
    if (this.starts.length < capacity) this.starts = new Uint32Array(capacity)
    return this.starts
  }

  #faultAt(window: Uint8Array, at: number): string {
    const pathLength = (window[at] << 24) | (window[at + 1] << 16) | (window[at + 2] << 8) | window[at + 3]
    if (pathLength < 0 || pathLength > juteLengthMax) return `a path has the length ${pathLength}`
    if (this.nodes === 0 && this.count === 0 && pathLength > 0) return 'the first node is not the root'
    if (pathLength === 0) return 'a path is empty that is not the first'
    if (window[at + 4] !== slash) return 'a path does not begin with /'
    return 'the length of a data field is impossible'
  }
}
