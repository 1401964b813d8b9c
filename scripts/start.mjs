/** `npm start`: the demonstration; `npm start -- ARGS`: the command line with these arguments. */
import { existsSync } from 'node:fs'
import { ensureOrExit } from './ensure.mjs'

ensureOrExit({ build: 'yes' })
const args = process.argv.slice(2)
const demo = new URL('../dist/cli/demo.js', import.meta.url)
if (args.length === 0 && existsSync(demo)) {
  await import(demo)
} else {
  const { main } = await import('../dist/cli/main.js')
  await main(args.length === 0 ? ['help'] : args)
}
