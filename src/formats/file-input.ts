import { type FileHandle, open } from 'node:fs/promises'
import { type ErrorCode, ZooArkError } from '../base/errors.ts'

/**
 * A file to read: by its path, or already open. A backup opens all files before it reads the first, so that a purge by the server
 * cannot take them away; such a handle stays open, and only positional reads are made on it.
 */
export type FileInput = string | OpenFile

export interface OpenFile {
  /** For names and errors only. */
  readonly path: string
  readonly handle: FileHandle
}

const codeOfSystemError: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'SOURCE_NOT_FOUND',
  ENOTDIR: 'SOURCE_NOT_FOUND',
  EACCES: 'SOURCE_UNREADABLE',
  EPERM: 'SOURCE_UNREADABLE',
  EISDIR: 'SOURCE_NOT_ZOOKEEPER',
}

/** The coded error for a failure of the operating system on a source file; a ZooArkError is returned as it is. */
export function sourceError(error: unknown, path: string): ZooArkError {
  if (error instanceof ZooArkError) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const message = error instanceof Error ? error.message : String(error)
  return new ZooArkError(codeOfSystemError[code] ?? 'IO_FAILED', message, { place: { file: path }, cause: error })
}

/** Opens `file` where it is a path, hands it to `use`, and closes what it opened. @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, IO_FAILED */
export async function withFile<T>(file: FileInput, use: (opened: OpenFile) => Promise<T>): Promise<T> {
  if (typeof file !== 'string') return use(file)
  const opened = await openFile(file)
  try {
    return await use(opened)
  } finally {
    await opened.handle.close()
  }
}

/** Opens a file for reading; the caller closes the handle. @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, IO_FAILED */
export async function openFile(path: string): Promise<OpenFile> {
  try {
    return { path, handle: await open(path, 'r') }
  } catch (error) {
    throw sourceError(error, path)
  }
}
