import { readdir, readlink } from 'node:fs/promises'
import { ZooArkError } from '../base/errors.ts'

/** A file or directory that a process has open. */
export interface OpenFileOfProcess {
  readonly pid: number
  readonly file: string
}

const processesDirectory = '/proc'
/** What hides a process from us, or a process that ended meanwhile: neither is a reason to stop. */
const passedOver = new Set(['ENOENT', 'EACCES', 'EPERM', 'ESRCH', 'ENOTDIR', 'EINVAL'])

/** Open files in or below `directory`, as /proc tells; empty where there is no /proc. */
export async function openFilesUnder(directory: string): Promise<OpenFileOfProcess[]> {
  const found: OpenFileOfProcess[] = []
  for (const name of await tolerant(() => readdir(processesDirectory), [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    const base = `${processesDirectory}/${name}`
    const descriptors = await tolerant(() => readdir(`${base}/fd`), [])
    for (const descriptor of descriptors) {
      const file = await tolerant(() => readlink(`${base}/fd/${descriptor}`), '')
      if (file === directory || file.startsWith(`${directory}/`)) found.push({ pid: Number(name), file })
    }
  }
  return found
}

async function tolerant<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await act()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (passedOver.has(code)) return otherwise
    throw new ZooArkError('IO_FAILED', error instanceof Error ? error.message : String(error), {
      place: { file: processesDirectory },
      cause: error,
    })
  }
}

/** Whether a process of this number runs; one that we may not signal does. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
