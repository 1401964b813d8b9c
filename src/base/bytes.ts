/** Byte compares and copies. A Buffer's own pool is never handed out: results stand alone unless said otherwise. */

/** The same bytes as a plain array: `slice` of a Buffer is a view, and what is handed out must not differ from one Node to another. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Negative, zero or positive, byte by byte, unsigned, the shorter first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** One new array of all parts, in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const utf8Bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
