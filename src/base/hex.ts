import { ZooArkError } from './errors.ts'

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** The bytes of lower-case hexadecimal text. Throws USAGE on anything else; what read the text gives the error its place. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new ZooArkError('USAGE', 'not lower-case hexadecimal of whole bytes')
  return new Uint8Array(Buffer.from(text, 'hex'))
}
