import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZooArkError } from '../../base/errors.ts'
import { formatZxid, parseZxid } from '../../model/zxid.ts'
import { openDataDirectory } from '../../source/data-directory.ts'
import { replayFiles } from '../../source/replay-files.ts'
import { dumpFile } from './dump-file.ts'
import { inspectFile } from './inspect-file.ts'
import { salvageDirectory } from './salvage-directory.ts'
import { salvageFile } from './salvage-file.ts'
import { writeSalvagedDirectory, writeSalvagedFile } from './write-salvaged.ts'

const vector = fileURLToPath(new URL('../../../test/vectors/zookeeper/3.8.4/mixed', import.meta.url))
const snapshotBytes = readFileSync(join(vector, 'version-2/snapshot.0'))
/** Without its padding, so that every byte counts. */
const logBytes = trimPadding(readFileSync(join(vector, 'version-2/log.209')))

/** The readers' own tests take every byte and bit; these look at what becomes of it, at every so many. */
const everyByte = 3
const everyBit = 17

let work = ''
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'zooark-damage-'))
})
afterEach(() => {
  rmSync(work, { recursive: true, force: true })
})

function trimPadding(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(work, name)
  writeFileSync(path, bytes)
  return path
}

async function dumped(file: string): Promise<string> {
  const parts: Buffer[] = []
  try {
    await dumpFile(file, { form: 'json' }, async (bytes) => {
      parts.push(Buffer.from(bytes))
    })
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Whether inspect found something wrong; anything but a coded error fails the test. */
async function isFaulty(file: string): Promise<boolean> {
  const { findings } = await inspectFile(file)
  return findings.length > 0
}

/** A file that cannot even be recognised is as little whole as one that is. */
async function isSalvagedWhole(file: string): Promise<boolean> {
  try {
    return (await salvageFile(file)).ok
  } catch (error) {
    if (error instanceof ZooArkError) return false
    throw error
  }
}

describe('a damaged file', () => {
  it('snapshot, cut off, is reported damaged and dumped as far as it goes', async () => {
    for (let length = 0; length < snapshotBytes.length; length += everyByte) {
      const file = write('snapshot.0', snapshotBytes.subarray(0, length))
      // A cut right behind the first seal leaves what a server of 3.5 would have written.
      const isWhole = !(await isFaulty(file))
      if (isWhole) expect(snapshotBytes.length - length).toBe(33)
      await dumped(file)
      expect(await isSalvagedWhole(file)).toBe(isWhole)
    }
  })

  it('snapshot with one bit flipped is reported damaged', async () => {
    for (let bit = 0; bit < snapshotBytes.length * 8; bit += everyBit) {
      const bytes = Uint8Array.from(snapshotBytes)
      bytes[bit >> 3] ^= 1 << (bit & 7)
      const file = write('snapshot.0', bytes)
      // The dbId is under the checksum too, and no byte is not.
      expect([bit, await isFaulty(file)]).toEqual([bit, true])
    }
  })

  it('log, cut off, is reported torn and dumped up to there', async () => {
    const whole = (await dumped(write('log.209', logBytes))).trimEnd().split('\n')
    const ends = new Set(whole.map((line) => (JSON.parse(line) as { offset: number }).offset).slice(1))
    for (let length = 0; length < logBytes.length; length += everyByte * 5) {
      const file = write('log.209', logBytes.subarray(0, length))
      const isAtEnd = length === 0 || length === 16 || ends.has(length)
      // Up to 11 zeros of a checksum could as well be padding.
      const isLikePadding = logBytes
        .subarray(
          [...ends, 16].filter((end) => end <= length).reduce((a, b) => Math.max(a, b), 0),
          length,
        )
        .every((byte) => byte === 0)
      expect([length, await isFaulty(file)]).toEqual([length, !isAtEnd && !isLikePadding])
      const lines = (await dumped(file)).split('\n').slice(0, -1)
      expect(lines).toEqual(whole.slice(0, lines.length))
    }
  })

  it('log with one bit flipped never gives other transactions than were written', async () => {
    const good = new Set((await dumped(write('log.209', logBytes))).split('\n'))
    for (let at = 0; at < logBytes.length; at += everyByte * 3) {
      const bytes = Uint8Array.from(logBytes)
      bytes[at] ^= 1 << (at % 8)
      const file = write('log.209', bytes)
      // The dbId is a number that nothing checks, and neither do servers.
      if (at < 8 || at >= 16) expect([at, await isFaulty(file)]).toEqual([at, true])
      for (const line of (await dumped(file)).split('\n')) expect(good.has(line)).toBe(true)
    }
  })

  it('of random bytes ends in a coded answer', async () => {
    let seed = 12345
    for (let round = 0; round < 40; round++) {
      const bytes = new Uint8Array(round * 25)
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) | 0
        bytes[i] = seed >>> 16
      }
      for (const head of [
        [0x5a, 0x4b, 0x53, 0x4e, 0, 0, 0, 2],
        [0x5a, 0x4b, 0x4c, 0x47, 0, 0, 0, 2],
        [0x1f, 0x8b],
        [0x8a, 0x5a, 0x4f, 0x4f, 0x41, 0x52, 0x4b, 0x0a],
      ]) {
        const file = write('any', Buffer.concat([Buffer.from(head), bytes]))
        await inspectFile(file)
        await dumped(file)
      }
    }
  })
})

/** A copy of the vector to damage. */
function copyOfVector(): string {
  const directory = join(work, 'data')
  cpSync(join(vector, 'version-2'), join(directory, 'version-2'), { recursive: true })
  return directory
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file)
  bytes[offset] ^= 0xff
  writeFileSync(file, bytes)
}

async function latestOf(directory: string): Promise<string> {
  const opened = await openDataDirectory(directory)
  try {
    return formatZxid((await replayFiles(opened, 'latest')).zxid)
  } finally {
    await opened.close()
  }
}

describe('a data directory with a damaged log', () => {
  /** Record in the middle of log.ad, which spans 0xad to 0x171. */
  async function damageLog(directory: string): Promise<{ zxid: string; offset: number }> {
    const file = join(directory, 'version-2/log.ad')
    const lines = (await dumped(file)).trimEnd().split('\n')
    const { offset, zxid } = JSON.parse(lines[40]) as { offset: number; zxid: string }
    flip(file, offset + 60)
    return { zxid, offset }
  }

  it('names the transaction that is lost and the points that remain', async () => {
    const directory = copyOfVector()
    const { zxid, offset } = await damageLog(directory)
    const lost = parseZxid(zxid)
    const salvage = await salvageDirectory(directory, undefined)
    expect(salvage.missing).toEqual([{ after: lost - 1n, before: lost + 1n }])
    expect(salvage.lost).toContainEqual(expect.objectContaining({ offset, after: lost - 1n, before: lost + 1n }))
    expect(salvage.files.filter(({ ok }) => !ok).map(({ file }) => file)).toEqual([join(directory, 'version-2/log.ad')])
    const throughs = new Set(salvage.reachable.map(({ through }) => formatZxid(through)))
    expect(throughs).toEqual(new Set([formatZxid((lost - 1n) as typeof lost), await latestOf(vector)]))
  })

  it('refuses every point behind the loss that no later snapshot leads to, and reaches the others', async () => {
    const directory = copyOfVector()
    const lost = parseZxid((await damageLog(directory)).zxid)
    const opened = await openDataDirectory(directory)
    try {
      expect(formatZxid((await replayFiles(opened, (lost - 1n) as typeof lost)).zxid)).toBe(formatZxid((lost - 1n) as typeof lost))
      await expect(replayFiles(opened, lost)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED' })
      await expect(replayFiles(opened, (lost + 1n) as typeof lost)).rejects.toMatchObject({ code: 'TXN_LOG_DAMAGED' })
    } finally {
      await opened.close()
    }
    expect(await latestOf(directory)).toBe(await latestOf(vector))
  })

  it('is written as one that leads to the same newest state, and nothing doubtful in it', async () => {
    const directory = copyOfVector()
    await damageLog(directory)
    const salvage = await salvageDirectory(directory, undefined)
    const out = join(work, 'saved')
    await writeSalvagedDirectory(salvage, out, process.pid)
    expect(await latestOf(out)).toBe(await latestOf(vector))
    for (const name of readdirSync(join(out, 'version-2'))) {
      if (/^(?:snapshot|log)\./.test(name)) expect((await salvageFile(join(out, 'version-2', name))).ok).toBe(true)
    }
    await expect(writeSalvagedDirectory(salvage, out, process.pid)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' })
    expect(readdirSync(work).toSorted()).toEqual(['data', 'saved'])
  })

  it('keeps logs behind a loss that no snapshot bridges away from servers', async () => {
    const directory = copyOfVector()
    for (const name of readdirSync(join(directory, 'version-2'))) {
      if (name.startsWith('snapshot.') && name !== 'snapshot.0' && name !== 'snapshot.a9') rmSync(join(directory, 'version-2', name))
    }
    const lost = parseZxid((await damageLog(directory)).zxid)
    const out = join(work, 'saved')
    await writeSalvagedDirectory(await salvageDirectory(directory, undefined), out, process.pid)
    expect(await latestOf(out)).toBe(formatZxid((lost - 1n) as typeof lost))
    expect(readdirSync(join(out, 'unverified'))).toContain('log.172')
  })
})

describe('a data directory with a damaged snapshot', () => {
  it('falls back to the one before it and comes to the same newest state', async () => {
    const directory = copyOfVector()
    const newest =
      readdirSync(join(directory, 'version-2'))
        .filter((name) => name.startsWith('snapshot.'))
        .toSorted()
        .at(-1) ?? ''
    flip(join(directory, 'version-2', newest), 300)
    expect(await latestOf(directory)).toBe(await latestOf(vector))
  })

  it('says how much of a snapshot can be read, and writes that much', async () => {
    const directory = copyOfVector()
    const file = join(directory, 'version-2/snapshot.16c')
    truncateSync(file, 12_000)
    const salvage = await salvageFile(file)
    expect(salvage).toMatchObject({ kind: 'snapshot', ok: false, report: { verdict: 'broken-off' } })
    const out = join(work, 'part')
    await writeSalvagedFile(salvage, out)
    const report = await inspectFile(out)
    expect(report.findings.filter(({ severity }) => severity !== 'notice')).toEqual([])
    expect(report.kind === 'snapshot' && report.facts.znodes).toBe(salvage.kind === 'snapshot' && salvage.report.nodes)
    await expect(writeSalvagedFile(salvage, out)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' })
  })
})
