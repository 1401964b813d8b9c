import { describe, expect, it } from 'vitest'
import { ZooArkError } from '../base/errors.ts'
import { failureDocument, formatFailure, toZooArkError } from './report-failure.ts'

const systemError = (code: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: refused, open '/d'`), { code, syscall: 'open', path: '/d' })

describe('a failure', () => {
  it('says what, where, why and what next, each on its line', () => {
    const cause = new ZooArkError('RECORD_DAMAGED', 'length -7')
    const error = new ZooArkError('TXN_LOG_DAMAGED', 'the log is\ndamaged', { place: { file: '/d/log.1', offset: 16, zxid: '0x1' }, cause })
    expect(formatFailure(error)).toBe(
      [
        'error: the log is\\x0adamaged (TXN_LOG_DAMAGED)',
        'where: /d/log.1 at byte 16, zxid 0x1',
        'cause: length -7 (RECORD_DAMAGED)',
        'next:  Run `zooark salvage` on the file to see what can be saved.',
        '',
      ].join('\n'),
    )
  })

  it('ends with causes that form a ring', () => {
    const error = new Error('a')
    error.cause = error
    expect(formatFailure(new ZooArkError('IO_FAILED', 'b', { cause: error })).match(/cause: a/g)).toHaveLength(5)
  })

  it.each([
    ['EACCES', 'STORE_UNREADABLE', 31],
    ['ENOSPC', 'STORE_FULL', 1],
    ['EIO', 'IO_FAILED', 1],
  ])('of the system with %s is %s', (code, expected, exitCode) => {
    const error = toZooArkError(systemError(code))
    expect(error).toMatchObject({ code: expected, exitCode, place: { file: '/d' } })
  })

  it('that nobody named is a bug of ours, with its stack', () => {
    const thrown = new RangeError('Invalid array length')
    const error = toZooArkError(thrown)
    expect(error).toMatchObject({ code: 'BUG', exitCode: 70 })
    expect(formatFailure(error)).toContain(`RangeError: Invalid array length\n    at `)
    expect(toZooArkError('text')).toMatchObject({ code: 'BUG', message: 'text' })
  })

  it('is the same in JSON', () => {
    expect(failureDocument(new ZooArkError('TARGET_IN_USE', 'a server runs', { place: { file: '/d' }, hint: 'Stop it.' }), 32)).toEqual({
      error: { code: 'TARGET_IN_USE', message: 'a server runs', place: { file: '/d' }, hint: 'Stop it.', exitCode: 32, retryable: false },
    })
  })
})
