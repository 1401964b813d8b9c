import { equalBytes } from '../../base/bytes.ts'
import type { Stat } from '../../model/stat.ts'
import { formatAcl } from '../../model/acl.ts'
import { type AclView, znodeKindOf } from './state-view.ts'

/** What two states can disagree about in one znode. `counters`: zxids, times and versions. */
export type Aspect = 'data' | 'acl' | 'kind' | 'owner' | 'counters'

/** A znode on one side of a comparison. */
export interface ComparedZnode {
  readonly data: Uint8Array | null
  readonly acl: AclView
  readonly stat: Stat
}

export interface Difference {
  readonly path: Uint8Array
  readonly change: 'created' | 'deleted' | 'changed'
  readonly before?: ComparedZnode
  readonly after?: ComparedZnode
  /** Of a change: what differs, data first. */
  readonly aspects: readonly Aspect[]
  /** Of a change: the names of the counters that differ. */
  readonly counters: readonly CounterName[]
}

export type CounterName = 'czxid' | 'mzxid' | 'pzxid' | 'ctime' | 'mtime' | 'version' | 'cversion' | 'aversion'

const counterNames: readonly CounterName[] = ['version', 'cversion', 'aversion', 'czxid', 'mzxid', 'pzxid', 'ctime', 'mtime']

export function changedZnode(path: Uint8Array, before: ComparedZnode, after: ComparedZnode): Difference {
  const aspects: Aspect[] = []
  if (!sameData(before.data, after.data)) aspects.push('data')
  if (aclText(before.acl) !== aclText(after.acl)) aspects.push('acl')
  const isKindChanged = znodeKindOf(before.stat.ephemeralOwner) !== znodeKindOf(after.stat.ephemeralOwner)
  if (isKindChanged) aspects.push('kind')
  else if (before.stat.ephemeralOwner !== after.stat.ephemeralOwner) aspects.push('owner')
  const counters = counterNames.filter((name) => before.stat[name] !== after.stat[name])
  if (counters.length > 0) aspects.push('counters')
  return { path, change: 'changed', before, after, aspects, counters }
}

export function createdZnode(path: Uint8Array, after: ComparedZnode): Difference {
  return { path, change: 'created', after, aspects: [], counters: [] }
}

export function deletedZnode(path: Uint8Array, before: ComparedZnode): Difference {
  return { path, change: 'deleted', before, aspects: [], counters: [] }
}

function sameData(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}

/** The list as people write it, or why there is none. */
export function aclText(acl: AclView): string {
  if (acl === 'dangling') return 'not defined in this state'
  return acl === null ? 'null' : acl.map(formatAcl).join(',')
}
