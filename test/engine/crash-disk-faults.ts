import type * as fsPromises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

type FsPromises = typeof fsPromises

export interface DiskFaultPlan {
  /** The operation that changes the disk (mkdir, rename, rm, open to write, write, truncate, sync) at which it happens, counted from 1. */
  readonly failAt: number
  /** `before`: nothing of it happens. `after`: it happens, but nobody learns. `torn`: half of a write happens; else as `before`. */
  readonly mode: 'before' | 'after' | 'torn'
  /** `killed`: nothing happens at all from then on, as for a process that died. Else what the operating system answers, once. */
  readonly answer: 'killed' | 'ENOSPC' | 'EIO' | 'EROFS'
}

/** Stops a process at the k-th thing that it does to the disk under one directory. */
export class DiskFaults {
  operations = 0
  isDead = false
  last = ''
  readonly #plan: DiskFaultPlan
  readonly #directory: string

  constructor(directory: string, plan: DiskFaultPlan) {
    this.#directory = directory
    this.#plan = plan
  }

  concerns(path: unknown): boolean {
    return typeof path === 'string' && path.startsWith(this.#directory)
  }

  async act<T>(what: string, act: () => Promise<T>, actHalf?: () => Promise<unknown>): Promise<T> {
    if (this.isDead) throw new Error('killed')
    this.operations++
    if (this.operations !== this.#plan.failAt) return await act()
    this.last = what
    const { mode, answer } = this.#plan
    if (mode === 'after') await closeIfHandle(await act())
    if (mode === 'torn') await actHalf?.()
    if (answer === 'killed') {
      this.isDead = true
      throw new Error('killed')
    }
    throw Object.assign(new Error(`${answer}: by the fault plan, ${what}`), { code: answer, syscall: what })
  }
}

/** node:fs/promises, but with the faults of the moment. Nothing is really synced: no test here cuts the power, and disks are slow. */
export function faultyDisk(real: FsPromises, faultsNow: () => DiskFaults | undefined): FsPromises {
  const guarded = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      const faults = faultsNow()
      return faults?.concerns(args[0]) === true ? faults.act(name, () => call(...args)) : call(...args)
    }
  }
  const open = async (...args: Parameters<FsPromises['open']>): Promise<FileHandle> => {
    const faults = faultsNow()
    if (faults?.concerns(args[0]) !== true) return faultyHandle(await real.open(...args), undefined)
    const isWrite = typeof args[1] === 'string' && args[1] !== 'r'
    const handle = isWrite ? await faults.act('open', () => real.open(...args)) : await real.open(...args)
    return faultyHandle(handle, faults)
  }
  const changed = {
    ...real,
    open,
    mkdir: guarded('mkdir', real.mkdir as (...args: unknown[]) => Promise<unknown>) as FsPromises['mkdir'],
    rename: guarded('rename', real.rename),
    rm: guarded('rm', real.rm),
    writeFile: guarded('writeFile', real.writeFile),
  }
  const withDefault = { ...changed, default: changed }
  return withDefault
}

/** What a process has open when it dies is closed by the system. */
async function closeIfHandle(result: unknown): Promise<void> {
  if (typeof result === 'object' && result !== null && 'close' in result) await (result as FileHandle).close()
}

const counted = new Set(['write', 'writeFile', 'sync', 'datasync', 'truncate'])

function faultyHandle(handle: FileHandle, faults: DiskFaults | undefined): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (typeof name !== 'string' || !counted.has(name)) return call
      return (...args: unknown[]) => {
        const act = (): Promise<unknown> => (name === 'sync' || name === 'datasync' ? Promise.resolve() : call(...args))
        return faults === undefined ? act() : faults.act(name, act, () => writeHalf(target, name, args))
      }
    },
  })
}

async function writeHalf(handle: FileHandle, name: string, args: readonly unknown[]): Promise<void> {
  const [bytes, start, length] = args
  if (name === 'write' && bytes instanceof Uint8Array && typeof start === 'number' && typeof length === 'number') {
    await handle.write(bytes, start, length >>> 1)
  }
}
