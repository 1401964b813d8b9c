/** The CLI's main with one of three commands in place of `status`, to see what main does with signals, closed pipes and defects. */
import { main } from '../../../dist/cli/main.js'

const commands = {
  /** Ends when it is told to stop, as flows do. */
  wait: async ({ signal, output }) => {
    output.line('working')
    output.item('working', {})
    await output.flush()
    const alive = setInterval(() => {}, 1000)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    clearInterval(alive)
    signal.throwIfAborted()
  },
  /** Does not listen. */
  deaf: async ({ output, signal }) => {
    signal.addEventListener('abort', () => process.stdout.write('heard\n'))
    output.line('working')
    await output.flush()
    await new Promise(() => setInterval(() => {}, 1000))
  },
  /** More lines than any pipe holds. */
  list: async ({ output }) => {
    for (let i = 0; i < 1_000_000; i++) {
      output.line(`line ${i}`)
      if (i % 1000 === 0) await output.ready()
    }
    return 0
  },
  bug: async () => {
    throw new TypeError('x is undefined')
  },
  late: async ({ output }) => {
    output.line('working')
    await output.flush()
    setTimeout(() => {
      throw new TypeError('thrown behind the back')
    }, 10)
    await new Promise(() => setInterval(() => {}, 1000))
  },
}

const [stub, ...args] = process.argv.slice(2)
await main(args, () => Promise.resolve(commands[stub]))
