/**
 * A lock between processes that prepare the same checkout: a directory that appears by one rename, with the holder's process id in it.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Longer than the slowest install on a slow line; afterwards somebody has to look. */
const waitMsMax = 15 * 60_000
const pollMs = 100

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** @returns {'alive' | 'dead'} */
function processState(pid) {
  try {
    process.kill(pid, 0)
    return 'alive'
  } catch (error) {
    return error.code === 'ESRCH' ? 'dead' : 'alive'
  }
}

const isTaken = (error) => ['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'ENOTDIR'].includes(error.code)

/** The holder's process id; undefined while the lock is being taken away. */
function holderOf(lock) {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'))
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** One attempt. A directory with something in it is never replaced by a rename, so only one process can win. */
function tryTake(lock) {
  const mine = `${lock}.${process.pid}`
  rmSync(mine, { recursive: true, force: true })
  mkdirSync(mine, { recursive: true })
  writeFileSync(join(mine, 'pid'), String(process.pid))
  try {
    renameSync(mine, lock)
    return true
  } catch (error) {
    rmSync(mine, { recursive: true, force: true })
    if (isTaken(error)) return false
    throw error
  }
}

/** Removes the lock of a dead process. A second lock serialises this, so that nobody removes a lock taken meanwhile. */
function removeDead(lock, pid) {
  const removal = `${lock}-removal`
  if (!tryTake(removal)) return
  try {
    if (holderOf(lock) === pid) rmSync(lock, { recursive: true, force: true })
  } finally {
    rmSync(removal, { recursive: true, force: true })
  }
}

/**
 * Runs `work` while holding the lock directory; waits while a living process holds it.
 * @template T
 * @param {string} lock path of the lock directory; its parent exists
 * @param {{ work: () => T, onWait?: (pid: number) => void, waitMs?: number }} options
 * @returns {T}
 */
export function withLock(lock, options) {
  const waitMs = options.waitMs ?? waitMsMax
  let waitedMs = 0
  while (!tryTake(lock)) {
    const holder = holderOf(lock)
    if (holder !== undefined && processState(holder) === 'dead') {
      removeDead(lock, holder)
    } else if (waitedMs === 0 && holder !== undefined) {
      options.onWait?.(holder)
    }
    if (waitedMs >= waitMs) {
      throw new Error(
        `${lock} is held by process ${holder ?? 'unknown'} for more than ${Math.round(waitMs / 1000)} s; end it, or remove the folder ${dirname(lock)}`,
      )
    }
    sleep(pollMs)
    waitedMs += pollMs
  }
  try {
    return options.work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
