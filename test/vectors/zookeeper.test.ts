import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

interface Provenance {
  readonly files: Readonly<Record<string, { readonly sizeBytes: number; readonly sha256: string }>>
  readonly states: readonly { readonly zxid: string }[]
  readonly txnTypes: Readonly<Record<string, number>>
}

const vectors = fileURLToPath(new URL('zookeeper', import.meta.url))
const folders = readdirSync(vectors).flatMap((version) => readdirSync(join(vectors, version)).map((name) => join(version, name)))

describe.each(folders)('vector %s', (folder) => {
  const read = (name: string) => readFileSync(join(vectors, folder, name))
  const lines = (name: string) => gunzipSync(read(name)).toString().trimEnd().split('\n')
  const provenance = JSON.parse(read('provenance.json').toString()) as Provenance

  it('holds the very bytes that the server wrote', () => {
    const found = readdirSync(join(vectors, folder, 'version-2')).map((name) => {
      const bytes = read(join('version-2', name))
      return [name, { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }]
    })
    expect(Object.fromEntries(found)).toEqual(provenance.files)
  })

  it('expects one state for each zxid that its provenance names', () => {
    const heads = lines('expected.ndjson.gz').filter((line) => line.startsWith('{"zxid"'))
    expect(heads.map((line) => (JSON.parse(line) as { zxid: string }).zxid)).toEqual(provenance.states.map(({ zxid }) => zxid))
  })

  it('lists every txn of its logs', () => {
    const total = Object.values(provenance.txnTypes).reduce((sum, count) => sum + count, 0)
    expect(lines('txns.ndjson.gz')).toHaveLength(total)
  })
})
