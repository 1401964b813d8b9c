import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countingStore } from '../../src/storage/counting-store.ts'
import { faultyStore } from '../../src/storage/faulty-store.ts'
import { type LocalStoreOptions, localStore } from '../../src/storage/local-store.ts'
import { memoryStore } from '../../src/storage/memory-store.ts'
import { describeObjectStore } from './object-store.ts'

const local = (options: LocalStoreOptions) => async () => {
  const directory = await mkdtemp(join(tmpdir(), 'zooark-store-'))
  const root = join(directory, 'not/there/yet')
  return { store: localStore(root, options), again: () => localStore(root, options), dispose: () => rm(directory, { recursive: true }) }
}

describeObjectStore('local', local({}))
describeObjectStore('local without hard links', local({ naming: 'exclusive' }))

describeObjectStore('memory', async () => {
  const store = memoryStore()
  return { store, again: () => store, dispose: async () => {} }
})

describeObjectStore('counting', async () => {
  const store = memoryStore()
  return { store: countingStore(store), again: () => countingStore(store), dispose: async () => {} }
})

describeObjectStore('faulty, before its fault', async () => {
  const store = memoryStore()
  const plan = { failAtWrite: 1000, mode: 'before' } as const
  return { store: faultyStore(store, plan), again: () => faultyStore(store, plan), dispose: async () => {} }
})
