/**
 * `npm test`: installs, builds, then checks everything; arguments go to vitest. Tests against real ZooKeeper servers run where Java is
 * found; what did not run is named at the end.
 */
import { ensureOrExit } from './ensure.mjs'

ensureOrExit({ build: 'yes' })
const { runSteps, staticSteps, vitestStep } = await import('./steps.mjs')
process.exitCode = runSteps([...staticSteps, vitestStep(process.argv.slice(2))])
