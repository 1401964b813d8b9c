import type { SessionId } from '../../model/session-id.ts'
import type { Txn } from '../../model/txn.ts'
import type { Zxid } from '../../model/zxid.ts'
import { ChangeTracker, type ZnodeChange } from './change-tracker.ts'
import type { HistoryGap, HistorySource } from './history-source.ts'
import type { ZnodeView } from './state-view.ts'
import { ZnodeSelection } from './znode-selection.ts'

export type BlamedPartName = 'existence' | 'data' | 'acl' | 'children'

/** The transaction that last touched a part of a znode. */
export interface BlamedPart {
  readonly part: BlamedPartName
  /** Absent only for an ACL that was changed before the history begins: nothing else remembers when. */
  readonly zxid?: Zxid
  readonly timeMs?: bigint
  /** Absent where the transaction is older than the history. */
  readonly session?: SessionId
  readonly cxid?: number
  readonly operation?: string
  /** Of the children: which one came or went. */
  readonly path?: Uint8Array
}

export interface Blame {
  readonly parts: readonly BlamedPart[]
  readonly gaps: readonly HistoryGap[]
}

/**
 * Who last touched each part of a znode as it is at `at`. Its stat says by which transaction for all but the ACL; the history says when, by
 * whom and how.
 */
export async function blameZnode(source: HistorySource, znode: ZnodeView, at: Zxid): Promise<Blame> {
  const { stat, path } = znode
  const selection = new ZnodeSelection(path, 'children', { zxids: [stat.czxid, stat.mzxid, stat.pzxid] })
  const found = new Map<BlamedPartName, ZnodeChange>()
  const headers = new Map<Zxid, Txn['header']>()
  const gaps: HistoryGap[] = []
  const tracker = new ChangeTracker(selection, (change) => {
    const isSelf = change.path.length === path.length
    if (!isSelf) {
      if (change.zxid === stat.pzxid && change.operation !== 'setData' && change.operation !== 'setACL') found.set('children', change)
      return
    }
    if (change.operation === 'create' && change.zxid === stat.czxid) found.set('existence', change)
    if ((change.operation === 'create' || change.operation === 'setData') && change.zxid === stat.mzxid) found.set('data', change)
    if (change.operation === 'create' || change.operation === 'setACL') found.set('acl', change)
  })
  await source.read(
    selection,
    { through: at },
    {
      gap: (gap) => {
        gaps.push(gap)
        // An ACL that was seen before a gap may have been changed in it.
        found.delete('acl')
        tracker.forget()
      },
      seed: (seedPath, known) => tracker.seed(seedPath, known),
      txn: (txn) => {
        const { zxid } = txn.header
        if (zxid === stat.czxid || zxid === stat.mzxid || zxid === stat.pzxid) headers.set(zxid, txn.header)
        tracker.apply(txn)
      },
      batchEnd: () => undefined,
      get owners() {
        return tracker.owners
      },
    },
  )
  const header = (zxid: Zxid): Txn['header'] | undefined => headers.get(zxid)
  return {
    parts: [
      partOf('existence', stat.czxid, stat.ctime, found.get('existence'), header(stat.czxid)),
      partOf('data', stat.mzxid, stat.mtime, found.get('data'), header(stat.mzxid)),
      aclPart(znode, found),
      partOf('children', stat.pzxid, undefined, found.get('children'), header(stat.pzxid)),
    ],
    gaps,
  }
}

function partOf(
  part: BlamedPartName,
  zxid: Zxid,
  timeOfStatMs: bigint | undefined,
  change: ZnodeChange | undefined,
  header: Txn['header'] | undefined,
): BlamedPart {
  const timeMs = header?.time ?? timeOfStatMs
  return {
    part,
    zxid,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(header === undefined ? {} : { session: header.clientId, cxid: header.cxid }),
    ...(change === undefined ? {} : { operation: change.operation }),
    ...(change === undefined || part !== 'children' ? {} : { path: change.path }),
  }
}

/** The aversion says how often the ACL was set; the change found must be the one that made the present version. */
function aclPart({ stat }: ZnodeView, found: ReadonlyMap<BlamedPartName, ZnodeChange>): BlamedPart {
  const change = found.get('acl')
  if (change !== undefined && change.after?.aversion === stat.aversion && change.zxid >= stat.czxid) {
    const { zxid, timeMs, session, cxid, operation } = change
    return { part: 'acl', zxid, timeMs, session, cxid, operation }
  }
  return stat.aversion === 0 ? { part: 'acl', zxid: stat.czxid, timeMs: stat.ctime } : { part: 'acl' }
}
