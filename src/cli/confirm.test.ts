import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ZooArkError } from '../base/errors.ts'
import { confirm } from './confirm.ts'

function terminal(options: { isTTY: boolean; signal?: AbortSignal }) {
  const stdin = Object.assign(new PassThrough(), { isTTY: options.isTTY, setRawMode: () => {} })
  const stderr = Object.assign(new PassThrough(), { isTTY: options.isTTY })
  return { stdin, stderr, signal: options.signal ?? new AbortController().signal }
}

describe('confirm', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    [' yes \n', true],
    ['n\n', false],
    ['\n', false],
    ['yess\n', false],
    ['\u0004', false],
  ])('takes %j as %s', async (typed, answer) => {
    const streams = terminal({ isTTY: true })
    const asked = confirm(streams, 'Restore?')
    streams.stderr.once('data', () => streams.stdin.write(typed))
    expect(await asked).toBe(answer)
  })

  it('refuses to guess where there is no terminal', async () => {
    await expect(confirm(terminal({ isTTY: false }), 'Restore?')).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED' })
  })

  it('ends with the reason of the signal', async () => {
    const controller = new AbortController()
    const streams = terminal({ isTTY: true, signal: controller.signal })
    const asked = confirm(streams, 'Restore?')
    streams.stderr.once('data', () => controller.abort(new ZooArkError('INTERRUPTED', 'stopped')))
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})
