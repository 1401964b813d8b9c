import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { referencePages } from './reference.ts'

describe('docs/reference', () => {
  it.each(Object.entries(referencePages()))('%s is what the tables say; else run `npm run docs`', (name, text) => {
    expect(readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8')).toBe(text)
  })
})
