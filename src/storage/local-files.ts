/** What the local store does to files, and how it names what the operating system answers. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { ZooArkError } from '../base/errors.ts'

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}

export const isAbsent = (error: unknown) => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'

/** What file systems without hard links answer (vfat EPERM, exfat EPERM, some FUSE and SMB ENOTSUP or ENOSYS). */
export const isWithoutLinks = (error: unknown) => ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')

/** Maps what the operating system said to a row of the error table. Errors that are coded already pass. */
export function storeError(error: unknown, intent: 'read' | 'write', key: string, file: string): unknown {
  const code = codeOf(error)
  if (error instanceof ZooArkError || code === undefined || !(error instanceof Error)) return error
  const details = { place: { file, object: key }, cause: error }
  if (intent === 'read' && (isAbsent(error) || code === 'EISDIR'))
    return new ZooArkError('OBJECT_NOT_FOUND', 'the object is not there', details)
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      // A link that finds its name taken is no failure and never comes here: it is a directory that could not be made.
      return new ZooArkError('REPOSITORY_PLACE_TAKEN', 'a file stands where a directory of the repository must be', details)
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new ZooArkError('STORE_FULL', `no room for the object (${code})`, details)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ZooArkError('STORE_UNREADABLE', `the operating system refuses (${code})`, details)
    default:
      return new ZooArkError('STORE_FAILED', error.message, details)
  }
}

export async function readFully(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at)
    // The file shrank while it was read: a short answer is the caller's to notice.
    if (bytesRead === 0) return bytes.subarray(0, at)
    at += bytesRead
  }
  return bytes
}

export async function writeFully(file: FileHandle, bytes: Uint8Array, position = 0): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } catch (error) {
    // Some network file systems cannot sync a directory; they make names durable on their own.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}
