import { mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildCheckout } from './run-zooark.ts'
import { normalise, replayTranscript, splitWords } from './transcript.ts'

const folder = fileURLToPath(new URL('transcripts', import.meta.url))
const names = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort()

beforeAll(buildCheckout)

describe('the command line answers as in the transcript', () => {
  it.each(names)('%s', async (name) => {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'zooark-transcript-')))
    try {
      const expected = await readFile(join(folder, name), 'utf8')
      expect(expected).toContain('$ zooark')
      const seen = await replayTranscript(expected, directory)
      if (process.env.UPDATE_TRANSCRIPTS === '1') await writeFile(join(folder, name), seen)
      else expect(seen).toBe(expected)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

describe('a transcript', () => {
  it('divides words as a shell does', () => {
    expect(splitWords(`zooark a 'b c' "d 'e'" f'g'h "" `)).toEqual(['zooark', 'a', 'b c', "d 'e'", 'fgh', ''])
  })

  it('hides what changes from run to run and nothing else', () => {
    expect(normalise('/tmp/x/a 2026-11-20T03:00:00.123Z 3.2 s 12 ms 0x5 17 B', '/tmp/x')).toBe('DIR/a TIME DURATION DURATION 0x5 17 B')
    expect(normalise('{"ageMs":55,"ttlMs":60}', '/tmp/x')).toBe('{"ageMs":N,"ttlMs":60}')
  })

  it('differs when the output, the error or the exit code differs', async () => {
    const wrong = '$ zooark nix\n? 3\n'
    const seen = await replayTranscript(wrong, tmpdir())
    expect(seen).not.toBe(wrong)
    expect(seen).toContain("! error: there is no command 'nix' (USAGE)\n")
    expect(seen).toContain('\n? 2\n')
  })
})
