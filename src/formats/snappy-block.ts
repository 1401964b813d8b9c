/**
 * The raw block format of snappy: a varint with the plain length, then literals and copies
 * (https://github.com/google/snappy/blob/main/format_description.txt).
 */

/** Plain length that a block announces and where its elements begin; undefined when the varint is not one of 32 bits. */
export function snappyPlainLength(bytes: Uint8Array, start: number, end: number): { length: number; at: number } | undefined {
  let length = 0
  for (let i = 0; i < 5 && start + i < end; i++) {
    const byte = bytes[start + i]
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length > 0xffffffff ? undefined : { length, at: start + i + 1 }
  }
  return undefined
}

/**
 * Decodes the elements `bytes[start..end)` into `output[0..length)`.
 * @returns false unless they give exactly `length` bytes and never reach outside input or output.
 */
export function decodeSnappyElements(bytes: Uint8Array, start: number, end: number, output: Uint8Array, length: number): boolean {
  let at = start
  let out = 0
  while (at < end) {
    const tag = bytes[at++]
    let count = (tag >>> 2) + 1
    if ((tag & 3) === 0) {
      if (count > 60) {
        const extra = count - 60
        if (extra > end - at) return false
        count = 0
        for (let i = extra - 1; i >= 0; i--) count = count * 256 + bytes[at + i]
        count++
        at += extra
      }
      if (count > end - at || count > length - out) return false
      if (count > 32) output.set(bytes.subarray(at, at + count), out)
      else for (let i = 0; i < count; i++) output[out + i] = bytes[at + i]
      at += count
      out += count
      continue
    }
    const offsetBytes = (tag & 3) === 1 ? 1 : (tag & 3) === 2 ? 2 : 4
    if (offsetBytes > end - at) return false
    let offset = bytes[at]
    if (offsetBytes === 1) {
      count = ((tag >>> 2) & 7) + 4
      offset |= (tag >>> 5) << 8
    } else {
      offset |= bytes[at + 1] << 8
      if (offsetBytes === 4) offset += bytes[at + 2] * 0x10000 + bytes[at + 3] * 0x1000000
    }
    at += offsetBytes
    if (offset === 0 || offset > out || count > length - out) return false
    if (offset >= count && count > 32) output.copyWithin(out, out - offset, out - offset + count)
    else for (let i = 0; i < count; i++) output[out + i] = output[out + i - offset]
    out += count
  }
  return out === length
}
