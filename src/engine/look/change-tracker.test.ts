import { describe, expect, it } from 'vitest'
import type { Txn, TxnRecord } from '../../model/txn.ts'
import { toSessionId } from '../../model/session-id.ts'
import { formatPath } from '../../model/znode-path.ts'
import { formatZxid, toZxid } from '../../model/zxid.ts'
import { readChangeLog } from './change-log.ts'
import { ChangeTracker, type ZnodeChange } from './change-tracker.ts'
import { parseHistoryBounds } from './history-bounds.ts'
import type { HistorySink } from './history-source.ts'
import { blameZnode } from './blame.ts'
import { ZnodeSelection } from './znode-selection.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const noAcl = [{ perms: 31, scheme: utf8('world'), id: utf8('anyone') }]
const otherAcl = [{ perms: 1, scheme: utf8('world'), id: utf8('anyone') }]

function txn(zxid: number, record: TxnRecord, session = 7n): Txn {
  return { header: { clientId: toSessionId(session), cxid: zxid, zxid: toZxid(BigInt(zxid)), time: BigInt(zxid * 1000), type: 0 }, record }
}

const create = (path: string, data = '', ephemeral = false): TxnRecord => ({
  kind: 'create',
  path: utf8(path),
  data: utf8(data),
  acl: noAcl,
  ephemeral,
  parentCversion: 1,
})
const setData = (path: string, data: string, version: number): TxnRecord => ({
  kind: 'setData',
  path: utf8(path),
  data: utf8(data),
  version,
})
const remove = (path: string): TxnRecord => ({ kind: 'delete', path: utf8(path) })

function changesOf(txns: readonly Txn[], path: string, reach: 'self' | 'children' | 'subtree' = 'subtree'): ZnodeChange[] {
  const changes: ZnodeChange[] = []
  const tracker = new ChangeTracker(new ZnodeSelection(utf8(path), reach), (change) => changes.push(change))
  for (const each of txns) tracker.apply(each)
  return changes
}

const brief = (changes: readonly ZnodeChange[]): string[] =>
  changes.map(
    ({ zxid, operation, path, txnType, part }) =>
      `${formatZxid(zxid)} ${operation} ${formatPath(path)} by ${txnType}${part === undefined ? '' : ` part ${part}`}`,
  )

describe('the changes of a znode', () => {
  it('tell from what to what', () => {
    const changes = changesOf([txn(1, create('/a', 'x')), txn(2, setData('/a', 'y', 1)), txn(3, remove('/a'))], '/a', 'self')
    expect(brief(changes)).toEqual(['0x1 create /a by create', '0x2 setData /a by setData', '0x3 delete /a by delete'])
    expect(changes[1]).toMatchObject({ before: { data: utf8('x'), version: 0 }, after: { data: utf8('y'), version: 1 } })
    expect(changes[2].before).toMatchObject({ data: utf8('y') })
    expect('after' in changes[2]).toBe(false)
    expect('before' in changes[0]).toBe(false)
  })

  it('leave out others whose path only begins alike', () => {
    const txns = ['/a', '/ab', '/a/b', '/a/b/c', '/b'].map((path, i) => txn(i + 1, create(path)))
    expect(brief(changesOf(txns, '/a', 'self'))).toEqual(['0x1 create /a by create'])
    expect(brief(changesOf(txns, '/a', 'children')).length).toBe(2)
    expect(brief(changesOf(txns, '/a', 'subtree')).length).toBe(3)
    expect(brief(changesOf(txns, '', 'children')).length).toBe(3)
  })

  it('take all parts of a multi, or none where one failed', () => {
    const parts = [{ record: create('/a') }, { record: setData('/a', 'z', 1) }] as const
    const failed = txn(1, { kind: 'multi', parts: [...parts, { record: { kind: 'error', err: -101 } }] as never })
    const done = txn(2, { kind: 'multi', parts: parts as never })
    expect(brief(changesOf([failed, done], '/a'))).toEqual(['0x2 create /a by create part 0', '0x2 setData /a by setData part 1'])
  })

  it('end ephemerals with their session, whether or not the transaction lists them', () => {
    const txns = [
      txn(1, create('/a', '', true), 7n),
      txn(2, create('/b', '', true), 8n),
      txn(3, create('/c'), 7n),
      txn(4, { kind: 'closeSession' }, 7n),
      txn(5, { kind: 'closeSession', paths: [utf8('/b'), utf8('/unseen')] }, 8n),
    ]
    expect(brief(changesOf(txns, '').slice(3))).toEqual([
      '0x4 expire /a by closeSession',
      '0x5 expire /b by closeSession',
      '0x5 expire /unseen by closeSession',
    ])
  })

  it('do not end an ephemeral that was deleted, or made again by another session', () => {
    const txns = [
      txn(1, create('/a', '', true), 7n),
      txn(2, remove('/a'), 9n),
      txn(3, create('/a', '', true), 8n),
      txn(4, { kind: 'closeSession' }, 7n),
    ]
    expect(brief(changesOf(txns, '/a')).length).toBe(3)
  })

  it('tell the removal of a container by the server from a deletion', () => {
    const record = { kind: 'createContainer', path: utf8('/c'), data: null, acl: noAcl, parentCversion: 1 } as const
    const txns = [txn(1, record), txn(2, { kind: 'deleteContainer', path: utf8('/c') }, 0n)]
    expect(brief(changesOf(txns, '/c'))).toEqual(['0x1 create /c by createContainer', '0x2 expire /c by deleteContainer'])
  })

  it('of the root are found under the path that transactions give it', () => {
    expect(brief(changesOf([txn(1, setData('/', 'x', 1))], '', 'self'))).toEqual(['0x1 setData / by setData'])
  })
})

/** A history of these transactions, with what a state showed of some znodes before them. */
function historyOf(txns: readonly Txn[], tell: (sink: HistorySink) => void = () => {}) {
  return {
    description: 'a history',
    read: async (_selection: ZnodeSelection, _range: object, sink: HistorySink): Promise<void> => {
      tell(sink)
      for (const each of txns) sink.txn(each)
    },
  }
}

describe('a change log', () => {
  const txns = [1, 2, 3, 4, 5].map((zxid) => txn(zxid, setData('/a', `${zxid}`, zxid)))
  const selection = new ZnodeSelection(utf8('/a'), 'self')
  const logOf = async (since?: string, until?: string, limit?: number) => {
    const seen: string[] = []
    const options = { bounds: parseHistoryBounds(since, until, 0), ...(limit === undefined ? {} : { limit }) }
    const result = await readChangeLog(historyOf(txns), selection, options, (change) => seen.push(formatZxid(change.zxid)))
    return { seen, ...result }
  }

  it('holds what is after since, and at or before until, by zxid and by time', async () => {
    expect((await logOf('0x2', '0x4')).seen).toEqual(['0x3', '0x4'])
    expect((await logOf('1970-01-01T00:00:02Z', '1970-01-01T00:00:04Z')).seen).toEqual(['0x3', '0x4'])
    expect((await logOf('before:0x3')).seen).toEqual(['0x3', '0x4', '0x5'])
  })

  it('keeps the newest where it is limited, and says how many it left out', async () => {
    expect(await logOf(undefined, undefined, 2)).toMatchObject({ seen: ['0x4', '0x5'], changes: 2, leftOut: 3 })
  })

  it('knows what the first change replaced where a state before it shows that', async () => {
    const seen: ZnodeChange[] = []
    const history = historyOf(txns.slice(0, 1), (sink) => sink.seed(utf8('/a'), { data: utf8('old'), version: 0 }))
    await readChangeLog(history, selection, { bounds: parseHistoryBounds(undefined, undefined, 0) }, (change) => seen.push(change))
    expect(seen[0].before).toEqual({ data: utf8('old'), version: 0 })
  })

  it('forgets at a gap what was known', async () => {
    const gap = { after: toZxid(0n), before: toZxid(1n), cause: 'lost' }
    const seen: ZnodeChange[] = []
    const history = historyOf(txns.slice(0, 1), (sink) => {
      sink.seed(utf8('/a'), { data: utf8('old') })
      sink.gap(gap)
    })
    const { gaps } = await readChangeLog(history, selection, { bounds: parseHistoryBounds(undefined, undefined, 0) }, (change) =>
      seen.push(change),
    )
    expect(gaps).toEqual([gap])
    expect('before' in seen[0]).toBe(false)
  })
})

describe('blame', () => {
  const stat = {
    czxid: toZxid(1n),
    mzxid: toZxid(2n),
    pzxid: toZxid(4n),
    ctime: 1000n,
    mtime: 2000n,
    version: 1,
    cversion: 1,
    aversion: 1,
    ephemeralOwner: 0n,
  }
  const znode = { path: utf8('/a'), data: utf8('y'), stat, acl: otherAcl, childCount: 1 }
  const txns = [
    txn(1, create('/a', 'x'), 11n),
    txn(2, setData('/a', 'y', 1), 12n),
    txn(3, { kind: 'setACL', path: utf8('/a'), acl: otherAcl, version: 1 }, 13n),
    txn(4, create('/a/k'), 14n),
  ]
  const partsOf = async (history: readonly Txn[]) =>
    (await blameZnode(historyOf(history), znode, toZxid(4n))).parts.map(({ part, zxid, session, operation }) => [
      part,
      zxid,
      session,
      operation,
    ])

  it('names the transaction, session and operation that last touched each part', async () => {
    expect(await partsOf(txns)).toEqual([
      ['existence', 1n, 11n, 'create'],
      ['data', 2n, 12n, 'setData'],
      ['acl', 3n, 13n, 'setACL'],
      ['children', 4n, 14n, 'create'],
    ])
  })

  it('says what the stat says where the history begins later, and nothing of the ACL', async () => {
    expect(await partsOf([])).toEqual([
      ['existence', 1n, undefined, undefined],
      ['data', 2n, undefined, undefined],
      ['acl', undefined, undefined, undefined],
      ['children', 4n, undefined, undefined],
    ])
  })
})
