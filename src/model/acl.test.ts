import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../test/formats/hand-written.ts'
import { JuteReader } from '../jute/jute-reader.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { formatAcl, parseAcl, readAcls, writeAcls } from './acl.ts'

const open = bytesOf('00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65')

describe('ACL', () => {
  it('is read from its jute vector and written back', () => {
    const acls = readAcls(new JuteReader(open))
    expect(acls?.map(formatAcl)).toEqual(['world:anyone:cdrwa'])
    const writer = new JuteWriter()
    writeAcls(writer, acls)
    expect(writer.toBytes()).toEqual(open)
  })

  it('may be null, and may hold null', () => {
    expect(readAcls(new JuteReader(bytesOf('ffffffff')))).toBeNull()
    const holed = bytesOf('00000001 00000001 ffffffff ffffffff')
    const acls = readAcls(new JuteReader(holed))
    const writer = new JuteWriter()
    writeAcls(writer, acls)
    expect(writer.toBytes()).toEqual(holed)
    expect(acls?.map(formatAcl)).toEqual(['::r'])
  })

  it.each(['world:anyone:cdrwa', 'digest:bob:a+b/c=:r', 'ip:10.0.0.0/8:rw', 'x509:CN=a, O=b:cd', 'sasl:u@R:', 'world:anyone:64'])(
    '%s reads back to itself',
    (text) => {
      expect(formatAcl(parseAcl(text))).toBe(text)
    },
  )

  it('has the bits of ZooDefs.Perms', () => {
    expect(['r', 'w', 'c', 'd', 'a'].map((letter) => parseAcl(`world:anyone:${letter}`).perms)).toEqual([1, 2, 4, 8, 16])
  })

  it.each(['', 'world', 'world:anyone', ':anyone:r', 'world:anyone:x', 'world:anyone:rr', 'world:anyone:99999999999'])(
    'is not %j',
    (text) => {
      expect(() => parseAcl(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )

  it('with a huge or negative count is refused', () => {
    for (const count of ['7fffffff', 'fffffffe', '00010001']) {
      expect(() => readAcls(new JuteReader(bytesOf(`${count} 00000000`)))).toThrow(expect.objectContaining({ code: 'RECORD_DAMAGED' }))
    }
  })
})
