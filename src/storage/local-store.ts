/**
 * A repository in a directory. `docs/formats/repository.md` ("Order of writes") says what a crash after each step leaves.
 *
 * An object is written to `tmp/`, synced, and given its name by a hard link: a link fails when the name exists, so of several writers one
 * wins, and the name never shows a part of an object. Then the directory is synced, so that the name outlives a power cut.
 */
import { constants, type FileHandle, link, mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { equalBytes } from '../base/bytes.ts'
import { ZooArkError } from '../base/errors.ts'
import { uniqueName } from '../base/unique.ts'
import { codeOf, isAbsent, isWithoutLinks, readFully, storeError, syncDirectory, writeFully } from './local-files.ts'
import { type ByteRange, checkKey, differentBytes, type ObjectStore, type StoredObject } from './object-store.ts'

/** Objects under work; never listed. */
const TMP = 'tmp'
/** A file of `tmp/` this much older than one just made there belongs to nobody: no single write takes a day. */
const LEFTOVER_AGE_MS_MIN = 24 * 3600 * 1000

export type LocalStep = 'created' | 'written' | 'synced' | 'named' | 'unlinked' | 'durable'

export interface LocalStoreOptions {
  /**
   * 'link' (default) as above; 'exclusive' creates the object under its name and fills it there, for file systems without hard links:
   * of several writers still one wins, but a crash in the middle leaves a part of an object under its name. A torn pack or blob is completed by
   * the next `put` of the same bytes; a torn head is found damaged when read and must be deleted by hand (it was never acknowledged).
   * The store takes to it by itself when the file system refuses links.
   */
  readonly naming?: 'link' | 'exclusive'
  /** Called after each step of a write; what it throws stops the write there, as a crash would. For tests. */
  readonly onStep?: (step: LocalStep, key: string) => void
}

/** The directory is made by the first write. */
export function localStore(root: string, options: LocalStoreOptions = {}): ObjectStore {
  return new LocalStore(root, options)
}

class LocalStore implements ObjectStore {
  readonly description: string
  readonly #root: string
  readonly #step: (step: LocalStep, key: string) => void
  #naming: 'link' | 'exclusive'
  /** Directories known to exist and to be synced into their parents. */
  readonly #directories = new Map<string, Promise<void>>()
  #swept = false

  constructor(root: string, options: LocalStoreOptions) {
    this.#root = resolve(root)
    this.description = root
    this.#naming = options.naming ?? 'link'
    this.#step = options.onStep ?? (() => {})
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (await this.putIfAbsent(key, bytes)) return
    const present = await this.get(key)
    if (equalBytes(present, bytes)) return this.#makeDurable(key)
    if (this.#naming === 'exclusive' && present.length < bytes.length && equalBytes(present, bytes.subarray(0, present.length))) {
      return this.#complete(key, bytes)
    }
    throw differentBytes(key)
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    checkKey(key)
    const path = this.#path(key)
    return this.#guard('write', key, async () => {
      await this.#makeDirectory(dirname(path))
      if (this.#naming === 'link') {
        const named = await this.#putByLink(key, path, bytes)
        if (named !== 'no-links') return named === 'created'
        this.#naming = 'exclusive'
      }
      return this.#putExclusive(key, path, bytes)
    })
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    checkKey(key)
    const path = this.#path(key)
    return this.#guard('read', key, async () => {
      const file = await open(path, constants.O_RDONLY)
      try {
        const { size } = await file.stat()
        const start = Math.min(range?.start ?? 0, size)
        const end = Math.max(start, Math.min(range?.end ?? size, size))
        return await readFully(file, start, end)
      } finally {
        await file.close()
      }
    })
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const slash = prefix.lastIndexOf('/')
    yield* this.#walk(slash < 0 ? '' : prefix.slice(0, slash + 1), prefix)
  }

  async stat(key: string): Promise<{ sizeBytes: number } | undefined> {
    checkKey(key)
    const path = this.#path(key)
    return this.#guard('read', key, async () => {
      try {
        const found = await stat(path)
        return found.isFile() ? { sizeBytes: found.size } : undefined
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    const path = this.#path(key)
    await this.#guard('write', key, async () => {
      try {
        await unlink(path)
      } catch (error) {
        if (isAbsent(error)) return
        throw error
      }
      await syncDirectory(dirname(path))
    })
  }

  #path(key: string): string {
    // checkKey has refused `..`, empty parts and a leading slash; `tmp/…` would mix with objects under work.
    if (key === TMP || key.startsWith(`${TMP}/`)) throw new ZooArkError('BUG', `the key ${key} is the store's own`)
    return join(this.#root, key)
  }

  async #putByLink(key: string, path: string, bytes: Uint8Array): Promise<'created' | 'exists' | 'no-links'> {
    const tmpDirectory = join(this.#root, TMP)
    await this.#makeDirectory(tmpDirectory)
    const tmpPath = join(tmpDirectory, uniqueName())
    let crashed = false
    const step = (name: LocalStep) => {
      crashed = true
      this.#step(name, key)
      crashed = false
    }
    try {
      const file = await open(tmpPath, 'wx')
      try {
        step('created')
        await writeFully(file, bytes)
        step('written')
        await file.sync()
        step('synced')
        await this.#sweep(tmpDirectory, await file.stat())
      } finally {
        await file.close()
      }
      try {
        await link(tmpPath, path)
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'exists'
        if (isWithoutLinks(error)) return 'no-links'
        throw error
      }
      step('named')
    } finally {
      // A simulated crash leaves the file as a real one would.
      if (!crashed) await rm(tmpPath, { force: true })
    }
    step('unlinked')
    await syncDirectory(dirname(path))
    step('durable')
    return 'created'
  }

  async #putExclusive(key: string, path: string, bytes: Uint8Array): Promise<boolean> {
    let file: FileHandle
    try {
      file = await open(path, 'wx')
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    }
    let crashed = false
    const step = (name: LocalStep) => {
      crashed = true
      this.#step(name, key)
      crashed = false
    }
    try {
      step('created')
      // In halves, so that a test can stop between them.
      const middle = bytes.length >>> 1
      await writeFully(file, bytes.subarray(0, middle))
      step('named')
      await writeFully(file, bytes.subarray(middle), middle)
      step('written')
      await file.sync()
      step('synced')
    } catch (error) {
      if (!crashed) await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
    await syncDirectory(dirname(path))
    step('durable')
    return true
  }

  /** Fills up a torn object. Two writers may do so at once: they write the same bytes to the same places. */
  async #complete(key: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(key)
    await this.#guard('write', key, async () => {
      const file = await open(path, 'r+')
      try {
        await writeFully(file, bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await syncDirectory(dirname(path))
    })
  }

  /** The object was named by another writer, or by ourselves before a crash, whose directory may not be synced yet. */
  async #makeDurable(key: string): Promise<void> {
    const path = this.#path(key)
    await this.#guard('write', key, async () => {
      const file = await open(path, constants.O_RDONLY)
      try {
        await file.sync()
      } finally {
        await file.close()
      }
      await syncDirectory(dirname(path))
    })
  }

  async #makeDirectory(directory: string): Promise<void> {
    let making = this.#directories.get(directory)
    if (making === undefined) {
      making = this.#makeDirectoryDurable(directory)
      this.#directories.set(directory, making)
      making.catch(() => this.#directories.delete(directory))
    }
    await making
  }

  async #makeDirectoryDurable(directory: string): Promise<void> {
    const first = await mkdir(directory, { recursive: true })
    // Up to the root always, since another process may have made them a moment ago; above it what was made here.
    const outermost = first !== undefined && first.length < this.#root.length ? first : this.#root
    for (let at = directory; at.length > outermost.length; at = dirname(at)) await syncDirectory(dirname(at))
    if (first !== undefined && first.length <= this.#root.length) await syncDirectory(dirname(outermost))
  }

  /**
   * Once per store, removes what crashed writers left in `tmp/`. Age is measured against a file made just now by the same file system, so no
   * clock is believed. A live writer whose file went (its clock a day off) fails with a coded error and nothing is lost.
   */
  async #sweep(tmpDirectory: string, fresh: { mtimeMs: number }): Promise<void> {
    if (this.#swept) return
    this.#swept = true
    for (const name of await readdir(tmpDirectory)) {
      const path = join(tmpDirectory, name)
      try {
        const found = await stat(path)
        if (found.isFile() && fresh.mtimeMs - found.mtimeMs >= LEFTOVER_AGE_MS_MIN) await unlink(path)
      } catch (error) {
        // Another process removed it first.
        if (!isAbsent(error)) throw error
      }
    }
  }

  /** Objects under `directory` (empty, or ending in a slash) that start with prefix. */
  async *#walk(directory: string, prefix: string): AsyncIterable<StoredObject> {
    const names = await this.#guard('read', directory, async () => {
      try {
        const entries = await readdir(join(this.#root, directory), { withFileTypes: true })
        return entries
          .filter((entry) => entry.isFile() || entry.isDirectory())
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      } catch (error) {
        if (isAbsent(error)) return []
        throw error
      }
    })
    // Keys are ASCII, so the order of UTF-16 units is that of bytes; the slash of a directory takes part in it.
    for (const name of names.sort()) {
      const key = directory + name
      if (key === `${TMP}/` || !/^[a-z0-9_-][a-z0-9._-]*\/?$/.test(name)) continue
      if (name.endsWith('/')) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.#walk(key, prefix)
      } else if (key.startsWith(prefix)) {
        const found = await this.stat(key)
        if (found !== undefined) yield { key, sizeBytes: found.sizeBytes }
      }
    }
  }

  async #guard<T>(intent: 'read' | 'write', key: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw storeError(error, intent, key, join(this.#root, key))
    }
  }
}
