/**
 * The contract of every place that can hold a repository. `test/conformance/object-store.ts` is its suite: a driver is right when it passes.
 *
 * Keys are `[a-z0-9/._-]+`, parts between slashes neither empty nor starting with a dot, at most KEY_LENGTH_MAX characters.
 * Errors: STORE_FULL, STORE_UNREADABLE, STORE_FAILED, OBJECT_NOT_FOUND, each with the object (and the file where there is one) as its place.
 */
import { ZooArkError } from '../base/errors.ts'

export interface ByteRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
}

export interface ObjectStore {
  /** For messages, for example the path of the directory. */
  readonly description: string
  /**
   * Creates the object whole, durable when it resolves. An object of that key that already holds these very bytes is success;
   * different bytes are REPOSITORY_DAMAGED and stay as they are. For objects whose key names their content.
   */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Creates the object whole, durable when it resolves to true; false when the key exists, whatever it holds. Of several writers one wins. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** The bytes, the caller's to keep. A range is clipped to the object: a short answer is the caller's to notice. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>
  /** Every object whose key starts with prefix (plain text, not a directory), in bytewise order of keys. */
  list(prefix: string): AsyncIterable<StoredObject>
  stat(key: string): Promise<{ readonly sizeBytes: number } | undefined>
  /** Success when the object is not there. */
  delete(key: string): Promise<void>
}

/** Fits every file system and every object store together with a prefix of theirs. */
export const KEY_LENGTH_MAX = 512

export function checkKey(key: string): void {
  if (key.length <= KEY_LENGTH_MAX && /^[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*)*$/.test(key)) return
  throw new ZooArkError('BUG', `not an object key: ${JSON.stringify(key.slice(0, KEY_LENGTH_MAX))}`)
}

export function objectNotFound(key: string): ZooArkError {
  return new ZooArkError('OBJECT_NOT_FOUND', 'the object is not there', { place: { object: key } })
}

/** A key that names its content stands for other bytes: one of the two is not what it says. */
export function differentBytes(key: string): ZooArkError {
  return new ZooArkError('REPOSITORY_DAMAGED', 'an object of this name is there and holds other bytes', { place: { object: key } })
}
