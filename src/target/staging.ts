import { constants } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type ErrorCode, ZooArkError } from '../base/errors.ts'
import { openFilesUnder, processIsAlive } from './open-files.ts'

/**
 * A directory that appears whole or not at all. It is filled under a name beside the destination and published by one rename.
 * A crash leaves a partial directory beside the destination, which the next staging of the same destination removes.
 */
export interface StagingDirectory {
  /** Fill this one. */
  readonly path: string
  readonly destination: string
  /**
   * The single irreversible step. Everything in it is made durable first.
   * @throws TARGET_NOT_EMPTY when somebody was quicker; what the sync of the parent says, when the destination is there already: the hint says so
   */
  publish(): Promise<void>
  /** Removes what was staged, and the directories made for it. Does nothing after `publish`. */
  discard(): Promise<void>
}

const errorCodes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'TARGET_UNWRITABLE',
  EPERM: 'TARGET_UNWRITABLE',
  EROFS: 'TARGET_UNWRITABLE',
  ENOTDIR: 'TARGET_UNWRITABLE',
  EBUSY: 'TARGET_UNWRITABLE',
  EXDEV: 'TARGET_UNWRITABLE',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  ENOTEMPTY: 'TARGET_NOT_EMPTY',
  EEXIST: 'TARGET_NOT_EMPTY',
}

const hints: Readonly<Record<string, string>> = {
  EBUSY: 'The directory is a mount point; name a new directory inside it.',
  EXDEV: 'The directory is a mount point; name a new directory inside it.',
  ENOSPC: 'Free some space and run the restore again; nothing was published.',
  EDQUOT: 'Free some space and run the restore again; nothing was published.',
}

/** The coded error for a failure of the operating system at a target. */
export function targetError(error: unknown, file: string, details: { readonly hint?: string } = {}): ZooArkError {
  if (error instanceof ZooArkError) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const message = error instanceof Error ? error.message : String(error)
  const hint = details.hint ?? hints[code]
  return new ZooArkError(errorCodes[code] ?? 'IO_FAILED', message, {
    place: { file },
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

/**
 * Refuses a destination that is not an empty or absent directory, that some process has open, or that cannot be written; changes nothing.
 * Processes are seen where /proc tells of them (Linux) and as far as we may look.
 * @throws TARGET_NOT_EMPTY, TARGET_IN_USE, TARGET_UNWRITABLE
 */
export async function checkEmptyTarget(directory: string): Promise<void> {
  const destination = resolve(directory)
  const users = await openFilesUnder(destination)
  if (users.length > 0) {
    throw new ZooArkError('TARGET_IN_USE', `process ${users[0].pid} has ${users[0].file} open`, { place: { file: destination } })
  }
  const entries = await entriesOf(destination)
  if (entries !== undefined && entries.length > 0) {
    throw new ZooArkError('TARGET_NOT_EMPTY', `the directory holds ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}`, {
      place: { file: destination },
    })
  }
  if (entries !== undefined) await checkNoMountPoint(destination)
  await checkWritable(entries === undefined ? await nearestExisting(destination) : destination)
  await checkWritable(await nearestExisting(dirname(destination)))
}

/** A rename cannot replace a mount point; said here, before the work. One of the same device is found by the rename. */
async function checkNoMountPoint(destination: string): Promise<void> {
  const [own, above] = [await stat(destination), await stat(dirname(destination))]
  if (own.dev === above.dev) return
  throw targetError(Object.assign(new Error('the directory is a file system of its own'), { code: 'EXDEV' }), destination)
}

async function entriesOf(directory: string): Promise<string[] | undefined> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw targetError(error, directory)
  }
}

async function checkWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw targetError(error, directory)
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await stat(at)
      return at
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(at) === at) throw targetError(error, at)
    }
  }
}

/** @param owner a number that names this process among those alive: its pid. */
export async function stageDirectory(directory: string, owner: number): Promise<StagingDirectory> {
  const destination = resolve(directory)
  const parent = dirname(destination)
  const path = join(parent, `${partialPrefix(destination)}${owner}`)
  let made: string | undefined
  let isPublished = false
  const discard = async (): Promise<void> => {
    if (isPublished) return
    await rm(path, { recursive: true, force: true })
    if (made !== undefined) await removeEmptyDirectories(parent, made)
  }
  try {
    made = await mkdir(parent, { recursive: true })
    await removeLeftovers(parent, partialPrefix(destination), owner)
    await mkdir(path)
  } catch (error) {
    await discard()
    throw targetError(error, path)
  }
  const publish = async (): Promise<void> => {
    try {
      await syncTree(path)
      // Replaces nothing but an empty directory: rename refuses any other.
      await rename(path, destination)
    } catch (error) {
      throw targetError(error, destination)
    }
    isPublished = true
    try {
      await syncParents(parent, made)
    } catch (error) {
      const hint = `${destination} is there, whole and proved; that it would outlive a power cut now is not sure. Run sync, or remove it and restore again.`
      throw targetError(error, destination, { hint })
    }
  }
  return { path, destination, discard, publish }
}

/** From `directory` up to `outermost`, as far as they are empty: they were made for what is now discarded. */
async function removeEmptyDirectories(directory: string, outermost: string): Promise<void> {
  for (let at = directory; at.length >= outermost.length; at = dirname(at)) {
    try {
      await rmdir(at)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return
      if (code !== 'ENOENT') throw targetError(error, at)
    }
  }
}

/** The names of the destination and of every directory made above it. */
async function syncParents(parent: string, made: string | undefined): Promise<void> {
  const outermost = made === undefined ? parent : dirname(made)
  for (let at = parent; at.length >= outermost.length; at = dirname(at)) {
    await syncDirectory(at)
    if (at === dirname(at)) return
  }
}

function partialPrefix(destination: string): string {
  return `.${basename(destination)}.zooark-partial-`
}

/** What a restore that died left here. One that is at work keeps its own. */
async function removeLeftovers(parent: string, prefix: string, owner: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.slice(prefix.length))
    if (pid !== owner && processIsAlive(pid)) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
}

/** Files are synced by their writers; here the directories, from the leaves up. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await syncTree(join(directory, entry.name))
  await syncDirectory(directory)
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
