import { describe, expect, it } from 'vitest'
import { fixedClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { Output } from './output.ts'
import type { TextStream } from './output.ts'
import { formatProgress } from './progress-line.ts'

function recorder(properties: { isTTY?: boolean; columns?: number } = {}): TextStream & { text: string } {
  return {
    ...properties,
    text: '',
    write(chunk, callback) {
      this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1')
      callback?.()
      return true
    },
  }
}

function make(format: 'text' | 'json', options: { tty?: boolean; clock?: Clock } = {}) {
  const stdout = recorder()
  const stderr = recorder({ isTTY: options.tty ?? false, columns: 40 })
  return { stdout, stderr, output: new Output({ command: 'status', format, stdout, stderr, clock: options.clock ?? fixedClock(0) }) }
}

describe('Output', () => {
  it('says text in text and JSON in JSON', async () => {
    const say = async (output: Output): Promise<void> => {
      output.line('hello')
      output.table([{ title: 'a' }], [['1']])
      output.fields([['b', '2']])
      output.result({ c: 3 })
      output.item('d', { e: 4 })
      output.summary({ f: 5 })
      await output.flush()
    }
    const text = make('text')
    await say(text.output)
    expect(text.stdout.text).toBe('hello\na\n1\nb  2\n')
    const json = make('json')
    await say(json.output)
    expect(json.stdout.text).toBe(
      '{"command":"status","schema":1,"c":3}\n{"type":"d","e":4}\n{"type":"summary","command":"status","schema":1,"f":5}\n',
    )
  })

  it('keeps the order of lines and bytes', async () => {
    const { output, stdout } = make('text')
    output.line('before')
    await output.bytes(Uint8Array.of(0x00, 0xff))
    output.line('after')
    await output.flush()
    expect(stdout.text).toBe('before\n\u0000\u00ffafter\n')
  })

  it('puts notices on stderr, visible in both formats', () => {
    const text = make('text')
    text.output.notice('a\u001bb')
    expect(text.stderr.text).toBe('note: a\\x1bb\n')
    const json = make('json')
    json.output.notice('a\u001bb')
    expect(json.stderr.text).toBe('{"event":"notice","text":"a\\u001bb"}\n')
  })

  it('waits for a reader that is slow', async () => {
    const stdout = recorder()
    const callbacks: (() => void)[] = []
    stdout.write = (chunk, callback) => {
      stdout.text += String(chunk)
      callbacks.push(() => callback?.())
      return false
    }
    const output = new Output({ command: 'find', format: 'text', stdout, stderr: recorder(), clock: fixedClock(0) })
    let isReady = false
    for (let i = 0; i < 10_000; i++) output.line('0123456789')
    const ready = output.ready().then(() => {
      isReady = true
    })
    await Promise.resolve()
    expect({ isReady, writes: callbacks.length }).toEqual({ isReady: false, writes: 1 })
    for (const callback of callbacks) callback()
    await ready
    expect(isReady).toBe(true)
  })
})

describe('progress', () => {
  it('is one line on a terminal, taken away before other text', () => {
    let nowMs = 0
    const { output, stderr } = make('text', { tty: true, clock: { nowMs: () => nowMs } })
    output.progress({ step: 'read', unit: 'bytes', done: 0, total: 1024 })
    nowMs = 50
    output.progress({ step: 'read', unit: 'bytes', done: 100, total: 1024 })
    nowMs = 150
    output.progress({ step: 'read', unit: 'bytes', done: 512, total: 1024 })
    output.notice('x')
    const clear = '\r\u001b[2K'
    expect(stderr.text).toBe(`${clear}read: 0 B of 1.00 KiB (0%)${clear}read: 512 B of 1.00 KiB (50%), 3.33 KiB${clear}note: x\n`)
  })

  it('is silent where nobody watches, and lines of JSON with --json', () => {
    const text = make('text')
    text.output.progress({ step: 'read', unit: 'txns', done: 1 })
    expect(text.stderr.text).toBe('')
    const json = make('json', { tty: true })
    json.output.progress({ step: 'read', unit: 'txns', done: 1 })
    expect(json.stderr.text).toBe('{"event":"progress","step":"read","unit":"txns","done":1}\n')
  })

  it('tells rate and remaining time once they mean something', () => {
    const event = { step: 'replay', unit: 'txns', done: 2_000_000, total: 6_000_000 } as const
    expect(formatProgress(event, 1000)).toBe('replay: 2,000,000 txns of 6,000,000 txns (33%), 2,000,000 txns/s')
    expect(formatProgress(event, 4000)).toBe('replay: 2,000,000 txns of 6,000,000 txns (33%), 500,000 txns/s, 8.0 s left')
    expect(formatProgress({ step: 'read', unit: 'objects', done: 3 }, 0)).toBe('read: 3 objects')
  })
})
