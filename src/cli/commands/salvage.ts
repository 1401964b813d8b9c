import { stat } from 'node:fs/promises'
import { exitCodes } from '../../base/errors.ts'
import { salvageDirectory } from '../../engine/look/salvage-directory.ts'
import { salvageFile } from '../../engine/look/salvage-file.ts'
import { writeSalvagedDirectory, writeSalvagedFile } from '../../engine/look/write-salvaged.ts'
import { sourceError } from '../../formats/file-input.ts'
import { parsePlace } from '../../source/place.ts'
import type { CommandContext, ExitCode } from '../command-context.ts'
import { type SalvageToRender, renderSalvage } from '../render/salvage.ts'

/** `zooark salvage` */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { args, options, output } = context
  const salvage = await salvagePlace(args[0], options.out)
  renderSalvage(output, salvage)
  const isWhole = salvage.files.every((file) => file.ok) && salvage.lost.length === 0 && (salvage.directory?.missing.length ?? 0) === 0
  return isWhole ? exitCodes.clean : exitCodes.incompleteOrDifferent
}

async function salvagePlace(text: string, out: string | undefined): Promise<SalvageToRender> {
  const place = parsePlace(text)
  const path = place.kind === 'file' ? place.path : text
  if (!(await isDirectory(path))) {
    const file = await salvageFile(path)
    const written = out === undefined ? new Map<string, string>() : await writeSalvagedFile(file, out)
    return { files: [file], lost: file.lost, written }
  }
  const directory = await salvageDirectory(path, place.kind === 'file' ? place.logDir : undefined)
  const written = out === undefined ? new Map<string, string>() : await writeSalvagedDirectory(directory, out, process.pid)
  return { files: directory.files, lost: directory.lost, directory, written }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw sourceError(error, path)
  }
}
