import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { zstd } from '../../src/base/zstd.ts'
import { type BlockBatch, type BlockCompressor, inlineCompressor } from '../../src/repository/block-compressor.ts'
import { builtWorkerUrl, threadedCompressor } from '../../src/repository/threaded-compressor.ts'
import { noise, textChunk } from './helpers.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Inside the work tree, so that the built worker finds node_modules. */
const built = join(root, '.build', `block-worker-${process.pid}`)
let workerUrl: URL

beforeAll(() => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options =
    '--rootDir src --target es2023 --module nodenext --moduleResolution nodenext --types node --rewriteRelativeImportExtensions --skipLibCheck'
  execFileSync(process.execPath, [tsc, '--ignoreConfig', ...options.split(' '), '--outDir', built, 'src/repository/block-worker.ts'], {
    cwd: root,
  })
  workerUrl = pathToFileURL(join(built, 'repository/block-worker.js'))
  expect(existsSync(workerUrl)).toBe(true)
})
afterAll(() => rm(built, { recursive: true, force: true }))

function batchAt(seed: number, hash: BlockBatch['hash']): BlockBatch {
  const pieces = [textChunk(seed), noise(20_000, seed), textChunk(seed + 1), new Uint8Array(0), Uint8Array.of(seed)]
  const plain = new Uint8Array(1 << 20)
  const ends: number[] = []
  let at = 0
  for (const piece of pieces) {
    plain.set(piece, at)
    at += piece.length
    ends.push(at)
  }
  return { plain: plain.subarray(0, at), ends: Uint32Array.from(ends), hash }
}

async function using<T>(compressor: BlockCompressor, act: (compressor: BlockCompressor) => Promise<T>): Promise<T> {
  try {
    return await act(compressor)
  } finally {
    await compressor.close()
  }
}

it('threads give the very bytes that this thread gives, and the buffers back', async () => {
  const inline = inlineCompressor(await zstd())
  await using(threadedCompressor(inline, { threads: 2, workerUrl, inlineBatches: 1 }), async (compressor) => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const results = await Promise.all(seeds.map((seed) => compressor.compress(batchAt(seed, seed % 2 === 0 ? 'sha256' : 'none'))))
    for (const seed of seeds) {
      const expected = await inline.compress(batchAt(seed, seed % 2 === 0 ? 'sha256' : 'none'))
      expect(Buffer.compare(results[seed].stored, expected.stored)).toBe(0)
      expect(results[seed].ends).toEqual(expected.ends)
      expect(results[seed].hashes).toEqual(expected.hashes)
      expect(results[seed].spent.byteLength).toBe(1 << 20)
    }
  })
})

it('a thread that cannot start, or dies, is an error for every batch under way and to come', async () => {
  const missing = pathToFileURL(join(built, 'no-such-worker.js'))
  await using(
    threadedCompressor(inlineCompressor(await zstd()), { threads: 1, workerUrl: missing, inlineBatches: 0 }),
    async (compressor) => {
      const bug = expect.objectContaining({ code: 'BUG' })
      await Promise.all([1, 2].map((seed) => expect(compressor.compress(batchAt(seed, 'none'))).rejects.toThrow(bug)))
      await expect(compressor.compress(batchAt(3, 'none'))).rejects.toThrow(bug)
    },
  )
})

it('closing while batches are under way ends them with an error', async () => {
  const compressor = threadedCompressor(inlineCompressor(await zstd()), { threads: 1, workerUrl, inlineBatches: 0 })
  const underWay = Array.from({ length: 10 }, (_, seed) => compressor.compress(batchAt(seed, 'none')).catch((error: unknown) => error))
  await compressor.close()
  const results = await Promise.all(underWay)
  expect(results.at(-1)).toMatchObject({ code: 'BUG' })
  await expect(compressor.compress(batchAt(1, 'none'))).rejects.toThrow(expect.objectContaining({ code: 'BUG' }))
})

it('from TypeScript source there is no built worker, so drafts compress in their own thread', () => {
  expect(builtWorkerUrl()).toBeUndefined()
})
