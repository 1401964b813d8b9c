import type { JsonObject, JsonValue } from '../../base/json.ts'
import type { AclView, StateView, ZnodeView } from '../../engine/look/state-view.ts'
import { clientCversion, znodeKindOf } from '../../engine/look/state-view.ts'
import { formatPerms } from '../../model/acl.ts'
import { interpretOwner } from '../../model/ephemeral-owner.ts'
import { formatSessionId, toSessionId } from '../../model/session-id.ts'
import type { Stat } from '../../model/stat.ts'
import { formatPath, formatText } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatTime } from '../format-text.ts'
import type { Output } from '../output.ts'

/** Where something was looked at, for every document about a state. */
export function whereDocument(view: StateView): JsonObject {
  const { consistency } = view
  return {
    place: view.description,
    zxid: formatZxid(view.zxid),
    consistency: consistency.class,
    ...(consistency.class === 'fuzzy' ? { settledZxid: formatZxid(consistency.settledZxid) } : {}),
  }
}

/** Says on stderr when what is shown is no state of any one moment. */
export function noticeIfFuzzy(output: Output, view: StateView): void {
  const { consistency } = view
  if (consistency.class !== 'fuzzy') return
  const what =
    consistency.settledZxid > view.zxid
      ? `the server went on while it wrote it, so that it shows a mixture of ${formatZxid(view.zxid)} to ${formatZxid(consistency.settledZxid)}`
      : `it shows nothing newer than ${formatZxid(view.zxid)}, but what was deleted while the server wrote it leaves no trace`
  output.notice(`one snapshot file alone: ${what}; name the data directory to see one moment`)
}

/** The path as text, and its bytes where these are not UTF-8. */
export function pathDocument(path: Uint8Array): JsonObject {
  const text = formatPath(path)
  const isText = path.length === 0 || Buffer.from(text, 'utf8').equals(path)
  return isText ? { path: text } : { path: text, pathBase64: base64(path) }
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export const timeText = (ms: bigint): string => formatTime(Number(ms))
export const sessionText = (id: bigint): string => formatSessionId(toSessionId(id))

/** @param childCount -1 where it is not known; then the field is left out. */
export function statDocument(stat: Stat, dataLength: number, childCount: number): JsonObject {
  const owner = interpretOwner(stat.ephemeralOwner, 'extended')
  return {
    kind: znodeKindOf(stat.ephemeralOwner),
    czxid: formatZxid(stat.czxid),
    mzxid: formatZxid(stat.mzxid),
    pzxid: formatZxid(stat.pzxid),
    ctime: timeText(stat.ctime),
    mtime: timeText(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: sessionText(stat.ephemeralOwner),
    ...(owner.kind === 'ttl' ? { ttlMs: Number(owner.ttlMs) } : {}),
    dataLength: Math.max(dataLength, 0),
    ...(childCount < 0 ? {} : { numChildren: childCount }),
  }
}

export function znodeDocument(path: Uint8Array, stat: Stat, dataLength: number, childCount: number): JsonObject {
  return { ...pathDocument(path), ...statDocument(stat, dataLength, childCount) }
}

/** As an array of entries, or the word for what it is instead. */
export function aclDocument(acl: AclView): JsonValue {
  if (acl === 'dangling' || acl === null) return []
  return acl.map((entry) => ({
    perms: formatPerms(entry.perms),
    scheme: formatText(entry.scheme ?? new Uint8Array(0)),
    id: formatText(entry.id ?? new Uint8Array(0)),
  }))
}

/** What a client would see, and what it would not, of one znode. */
export function fullStatDocument(znode: ZnodeView): JsonObject {
  const { stat, childCount, data, acl } = znode
  return {
    ...znodeDocument(znode.path, stat, data === null ? -1 : data.length, childCount),
    hasData: data !== null,
    clientCversion: clientCversion(stat.cversion, childCount),
    nextSequence: stat.cversion,
    acl: aclDocument(acl),
    ...(acl === 'dangling' ? { aclState: 'dangling' } : acl === null ? { aclState: 'null' } : {}),
  }
}

/** The kind in one word, with its session or time to live. */
export function kindText(stat: Stat): string {
  const owner = interpretOwner(stat.ephemeralOwner, 'extended')
  switch (owner.kind) {
    case 'persistent':
    case 'container':
      return owner.kind
    case 'session':
      return `ephemeral of session ${formatSessionId(owner.sessionId)}`
    case 'ttl':
      return `ttl ${owner.ttlMs} ms`
    case 'reserved':
      return `reserved type, owner ${sessionText(owner.owner)}`
  }
}

/** The last part of a path; `/` for the root. */
export function nameText(path: Uint8Array): string {
  const text = formatPath(path)
  return text === '/' ? text : text.slice(text.lastIndexOf('/') + 1)
}
