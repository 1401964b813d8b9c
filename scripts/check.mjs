/** `npm run check`: structure, lint, format and types; no tests. */
import { ensureOrExit } from './ensure.mjs'

ensureOrExit({ build: 'no' })
const { runSteps, staticSteps } = await import('./steps.mjs')
process.exitCode = runSteps(staticSteps)
