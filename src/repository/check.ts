/** Is everything there that commits refer to, and is it what it was? Reads the store afresh and goes on after a finding. */
import { mapAtOnce } from '../base/async.ts'
import { sha256 } from '../base/checksum.ts'
import { ZooArkError } from '../base/errors.ts'
import { toHex } from '../base/hex.ts'
import type { Zstd } from '../base/zstd.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { checkLink, decodeHead, hashOfKey, parseHeadKey } from './head.ts'
import { decodeEnvelope } from './envelope.ts'
import { READS_AT_ONCE } from './limits.ts'
import type { CheckFinding, CheckProgress, CheckReport, Commit, ObjectRef } from './types.ts'

export const REPOSITORY_KEY = 'repository'

export async function checkObjects(
  store: ObjectStore,
  zstd: Zstd,
  level: 'chain' | 'hash',
  onProgress: (progress: CheckProgress) => void = () => {},
): Promise<CheckReport> {
  const findings: CheckFinding[] = []
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of store.list('')) sizes.set(key, sizeBytes)
  const heads = [...sizes.keys()].filter((key) => key.startsWith('head/'))
  const own = await note(REPOSITORY_KEY, async () => void decodeEnvelope(await store.get(REPOSITORY_KEY), REPOSITORY_KEY, 'repository'))
  if (own !== undefined) findings.push(own)
  const refs = await checkChains(store, zstd, heads, findings)
  const referenced = new Set([REPOSITORY_KEY, ...heads, ...refs.keys()])
  const objects = [...heads.map((key) => ({ key, sizeBytes: sizes.get(key) ?? 0 })), ...refs.values()]
  const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let doneBytes = 0
  let doneObjects = 0
  await mapAtOnce(objects, READS_AT_ONCE, async ({ key, sizeBytes }) => {
    const ref = refs.get(key)
    if (ref !== undefined) {
      const finding = await note(key, () => checkObject(store, ref, sizes.get(key), level))
      if (finding !== undefined) findings.push(finding)
    }
    doneBytes += sizeBytes
    onProgress({ object: key, doneObjects: ++doneObjects, doneBytes, totalObjects: objects.length, totalBytes })
  })
  findings.sort((a, b) => (a.object < b.object ? -1 : a.object > b.object ? 1 : 0))
  return { objects: objects.length, bytes: totalBytes, findings, unreferenced: [...sizes.keys()].filter((key) => !referenced.has(key)) }
}

/** Every head and link. Returns what the heads that could be read refer to. */
async function checkChains(
  store: ObjectStore,
  zstd: Zstd,
  heads: readonly string[],
  findings: CheckFinding[],
): Promise<Map<string, ObjectRef>> {
  const refs = new Map<string, ObjectRef>()
  let last: Commit | undefined
  let timeline: string | undefined
  let unread = false
  for (const key of heads) {
    const finding = await note(key, async () => {
      const head = parseHeadKey(key)
      if (head.timeline !== timeline) {
        timeline = head.timeline
        last = undefined
        unread = false
      }
      let commit: Commit
      try {
        commit = decodeHead(zstd, await store.get(key), key)
      } catch (error) {
        unread = true
        throw error
      }
      for (const ref of [...commit.packs, ...commit.blobs]) refs.set(ref.key, ref)
      const before = last
      last = commit
      // The link to a head that could not be read is not a second finding.
      if (!unread) checkLink(before, commit)
      unread = false
    })
    if (finding !== undefined) findings.push(finding)
  }
  return refs
}

async function checkObject(store: ObjectStore, ref: ObjectRef, sizeBytes: number | undefined, level: 'chain' | 'hash'): Promise<void> {
  const place = { object: ref.key }
  if (sizeBytes === undefined) throw new ZooArkError('OBJECT_NOT_FOUND', 'a commit refers to it and it is not there', { place })
  if (sizeBytes !== ref.sizeBytes) {
    throw new ZooArkError('REPOSITORY_DAMAGED', `it has ${sizeBytes} bytes, its commit says ${ref.sizeBytes}`, { place })
  }
  if (level === 'chain') return
  const bytes = await store.get(ref.key)
  if (toHex(sha256(bytes)) !== hashOfKey(ref.key))
    throw new ZooArkError('REPOSITORY_DAMAGED', 'its bytes are not those that its name says', { place })
  decodeEnvelope(bytes, ref.key, ref.key.startsWith('pack/') ? 'pack' : 'blob')
}

/** Damage, absence and a version from the future become a finding; what keeps us from looking (permissions, a failing store) is thrown. */
async function note(key: string, act: () => Promise<void>): Promise<CheckFinding | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    if (!(error instanceof ZooArkError)) throw error
    const object = error.place.object ?? key
    if (error.code === 'OBJECT_NOT_FOUND') return { object, problem: 'missing', message: error.message }
    if (error.code === 'REPOSITORY_DAMAGED') return { object, problem: 'damaged', message: error.message }
    if (error.code === 'REPOSITORY_FORMAT_TOO_NEW') return { object, problem: 'too-new', message: error.message }
    throw error
  }
}
