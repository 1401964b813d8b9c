import { describe, expect, it } from 'vitest'
import { checkJsonOutput } from './json-contract.ts'

const timelines = {
  command: 'timelines',
  schema: 1,
  repository: 'r',
  timelines: [{ name: 'main', reason: 'first backup', commits: 1, last: '0x5' }],
}
const check = (document: object) => checkJsonOutput(['timelines', '--json'], `${JSON.stringify(document)}\n`)

describe('the JSON contract', () => {
  it('is kept by what it documents, with and without optional fields', () => {
    expect(check(timelines)).toEqual([])
    expect(check({ ...timelines, timelines: [] })).toEqual([])
  })

  it.each([
    [{ ...timelines, extra: 1 }, 'extra is not documented'],
    [{ ...timelines, repository: undefined }, 'repository is missing'],
    [{ ...timelines, repository: 7 }, 'repository is no string: 7'],
    [{ ...timelines, timelines: {} }, 'timelines is no array: {}'],
    [{ ...timelines, timelines: [{ name: 'main', reason: 'x', commits: 1, last: 5 }] }, 'timelines[].last is no zxid: 5'],
    [{ ...timelines, timelines: [{ name: 'main', reason: 'x' }] }, 'timelines[].commits is missing'],
    [{ ...timelines, schema: undefined }, 'the object does not carry its command and schema 1'],
  ])('is broken by %j', (document, departure) => {
    expect(check(document)).toContain(departure)
  })

  it('holds lines against their type, and wants the summary last', () => {
    const summary = {
      type: 'summary',
      command: 'diff',
      schema: 1,
      a: {},
      b: {},
      path: '/',
      equal: false,
      created: 1,
      deleted: 0,
      changed: 0,
      sessions: 0,
    }
    const change = { type: 'change', path: '/a', change: 'created' }
    const lines = (...documents: object[]) =>
      checkJsonOutput(['diff', 'a', 'b', '--json'], documents.map((document) => `${JSON.stringify(document)}\n`).join(''))
    expect(lines(change, summary)).toEqual([])
    expect(lines(summary, change)).toEqual(['a summary is not the last line'])
    expect(lines({ type: 'other' })).toEqual(['a line of the unknown type other'])
  })

  it('holds for failures', () => {
    expect(checkJsonOutput(['nix', '--json'], '{"error":{"code":"USAGE"}}')).toContain('error.message is missing')
  })
})
