import type { JsonObject } from '../../base/json.ts'
import { aclText } from '../../engine/look/difference.ts'
import type { KnownZnode, ZnodeChange } from '../../engine/look/change-tracker.ts'
import type { HistoryGap } from '../../engine/look/history-source.ts'
import { znodeKindOf } from '../../engine/look/state-view.ts'
import { formatPath, formatText } from '../../model/znode-path.ts'
import { formatZxid } from '../../model/zxid.ts'
import { formatCount } from '../format-text.ts'
import { aclDocument, base64, pathDocument, sessionText, timeText } from './znode.ts'

/** Characters of data that a line shows. */
const previewLengthMax = 60

export function changeDocument(change: ZnodeChange, timeline: string | undefined): JsonObject {
  const { before, after, part } = change
  return {
    zxid: formatZxid(change.zxid),
    time: timeText(change.timeMs),
    ...(timeline === undefined ? {} : { timeline }),
    session: sessionText(change.session),
    cxid: change.cxid,
    ...pathDocument(change.path),
    operation: change.operation,
    txnType: change.txnType,
    ...(part === undefined ? {} : { multiPart: part }),
    ...(before === undefined ? {} : { before: knownDocument(before) }),
    ...(after === undefined ? {} : { after: knownDocument(after) }),
  }
}

function knownDocument(znode: KnownZnode): JsonObject {
  const { data, version, acl, aversion, owner } = znode
  return {
    ...(data === undefined ? {} : { dataBase64: data === null ? null : base64(data), dataLength: data?.length ?? 0 }),
    ...(version === undefined ? {} : { version }),
    ...(acl === undefined ? {} : { acl: aclDocument(acl) }),
    ...(aversion === undefined ? {} : { aversion }),
    ...(owner === undefined ? {} : { kind: znodeKindOf(owner), ephemeralOwner: sessionText(owner) }),
  }
}

/** One line for a person: when, who, what, from what to what. */
export function changeLine(change: ZnodeChange): string {
  const { operation, before, after } = change
  const how = howText(change)
  const head = `${formatZxid(change.zxid)}  ${timeText(change.timeMs)}  session ${sessionText(change.session)}  ${formatPath(change.path)}  ${operation}${how}`
  switch (operation) {
    case 'create':
      return `${head}  ${kindOf(after)}, ${dataText(after)}, ACL ${aclText(after?.acl ?? null)}`
    case 'setData':
      return `${head}  ${versionText(before?.version)} -> ${versionText(after?.version)}, ${dataText(before)} -> ${dataText(after)}`
    case 'setACL':
      return `${head}  ${versionText(before?.aversion)} -> ${versionText(after?.aversion)}, ${before?.acl === undefined ? 'not known' : aclText(before.acl)} -> ${aclText(after?.acl ?? null)}`
    case 'delete':
    case 'expire':
      return before === undefined ? head : `${head}  was ${kindOf(before)}, ${dataText(before)}`
  }
}

/** What the operation alone does not say: the multi it was part of, the session that ended, the server's own cleaning. */
function howText({ operation, txnType, part }: ZnodeChange): string {
  const notes = [
    ...(part === undefined ? [] : [`part ${part + 1} of a multi`]),
    ...(txnType === 'closeSession' ? ['with its session'] : []),
    ...(txnType === 'deleteContainer' && operation === 'expire' ? ['by the server: empty container, or time to live over'] : []),
    ...(txnType === 'reconfig' ? ['by a reconfig'] : []),
  ]
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`
}

const kindOf = (znode: KnownZnode | undefined): string => (znode?.owner === undefined ? 'kind not known' : znodeKindOf(znode.owner))
const versionText = (version: number | undefined): string => (version === undefined ? 'v?' : `v${version}`)

function dataText(znode: KnownZnode | undefined): string {
  const data = znode?.data
  if (data === undefined) return 'data not known'
  if (data === null) return 'null'
  if (data.length === 0) return 'empty'
  return `${formatCount(data.length)} B ${previewText(data)}`
}

/** The beginning of the data: as text where it is text, else in hexadecimal. */
export function previewText(data: Uint8Array): string {
  const head = data.subarray(0, previewLengthMax)
  const cut = data.length > head.length ? '…' : ''
  const isText = head.every((byte) => byte >= 0x20 && byte !== 0x7f)
  const text = isText ? formatText(trimmed(head, data.length)) : undefined
  if (text !== undefined && !text.includes('\\x')) return `"${text}${cut}"`
  return `0x${Buffer.from(head.subarray(0, previewLengthMax / 2)).toString('hex')}${data.length > previewLengthMax / 2 ? '…' : ''}`
}

/** Without the first bytes of a character whose others were cut off. */
function trimmed(head: Uint8Array, length: number): Uint8Array {
  if (head.length === length) return head
  let end = head.length
  while (end > 0 && head.length - end < 4 && (head[end - 1] & 0xc0) === 0x80) end--
  return end > 0 && head[end - 1] >= 0xc0 ? head.subarray(0, end - 1) : head.subarray(0, end)
}

export function gapDocument(gap: HistoryGap): JsonObject {
  return {
    ...(gap.timeline === undefined ? {} : { timeline: gap.timeline }),
    after: formatZxid(gap.after),
    before: formatZxid(gap.before),
    cause: gap.cause,
  }
}

export function gapLine(gap: HistoryGap): string {
  return `changes between ${formatZxid(gap.after)} and ${formatZxid(gap.before)} may be missing: ${gap.cause}`
}
