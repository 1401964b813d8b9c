#!/usr/bin/env node
/** Writes docs/reference from the tables of the build (`npm run docs` builds first). */
import { mkdirSync, writeFileSync } from 'node:fs'
import { referencePages } from '../dist/config/reference.js'

const folder = new URL('../docs/reference/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(referencePages())) writeFileSync(new URL(name, folder), text)
