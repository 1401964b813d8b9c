import type { CommandName } from './commands.ts'

/**
 * What every command prints with --json: the contract that docs/reference/json.md is made of and that tests hold the output against.
 * Additive only: a field may be added, none renamed, removed or given another meaning.
 */

export type JsonType = 'string' | 'number' | 'boolean' | 'zxid' | 'time' | 'object' | 'array' | 'value'

export interface JsonField {
  /** Path from the top: `intervals[].first` is a field of every element of the array `intervals`. */
  readonly path: string
  readonly type: JsonType
  /** `optional`: absent where it does not apply. */
  readonly need: 'always' | 'optional'
  /** One phrase, with the unit of a number. */
  readonly meaning: string
}

/** `object`: one document. `lines`: one document a line, told apart by the field `type`; the last one has the type `summary`. */
export type JsonOutput =
  | { readonly shape: 'object'; readonly fields: readonly JsonField[] }
  | { readonly shape: 'lines'; readonly lines: Readonly<Record<string, readonly JsonField[]>> }
  | { readonly shape: 'none'; readonly why: string }

const field = (path: string, type: JsonType, meaning: string): JsonField => ({ path, type, need: 'always', meaning })
const maybe = (path: string, type: JsonType, meaning: string): JsonField => ({ path, type, need: 'optional', meaning })
const below = (prefix: string, fields: readonly JsonField[]): readonly JsonField[] =>
  fields.map((f) => ({ ...f, path: `${prefix}.${f.path}` }))

const interval: readonly JsonField[] = [
  field('timeline', 'string', 'the timeline'),
  field('first', 'zxid', 'first zxid that can be restored'),
  field('last', 'zxid', 'last zxid that can be restored'),
  maybe('firstTime', 'time', 'time of the first txn, by the clock of the leader'),
  maybe('lastTime', 'time', 'time of the last txn'),
]

const gap: readonly JsonField[] = [
  field('timeline', 'string', 'the timeline'),
  field('after', 'zxid', 'last zxid that can be restored before the gap'),
  field('before', 'zxid', 'first zxid that can be restored behind the gap'),
  maybe('afterTime', 'time', 'time of `after`'),
  maybe('beforeTime', 'time', 'time of `before`'),
  field('cause', 'string', 'why these zxids cannot be restored'),
]

const historyGap: readonly JsonField[] = [
  maybe('timeline', 'string', 'the timeline, in a repository'),
  field('after', 'zxid', 'last zxid before the gap'),
  field('before', 'zxid', 'first zxid behind the gap'),
  field('cause', 'string', 'why these txns are not there'),
]

const point: readonly JsonField[] = [
  field('timeline', 'string', 'the timeline'),
  field('zxid', 'zxid', 'the zxid of the state'),
  maybe('time', 'time', 'time of its last txn'),
  maybe('name', 'string', 'the name given with --name'),
  field('class', 'string', 'consistency class: exact, contiguous, settled or per-node'),
  field('znodes', 'number', 'number of znodes'),
  field('sessions', 'number', 'number of sessions'),
  field('root', 'string', 'Merkle root of the state: equal states have equal roots'),
  maybe('digest', 'string', "ZooKeeper's own digest, in hexadecimal with 0x"),
]

const stat: readonly JsonField[] = [
  field('path', 'string', 'path of the znode'),
  field('kind', 'string', 'persistent, ephemeral, container or ttl'),
  field('czxid', 'zxid', 'zxid that created it'),
  field('mzxid', 'zxid', 'zxid that last changed its data'),
  field('pzxid', 'zxid', 'zxid that last changed its children'),
  field('ctime', 'time', 'time of creation'),
  field('mtime', 'time', 'time of the last change of data'),
  field('version', 'number', 'version of the data'),
  field('cversion', 'number', 'version of the children'),
  field('aversion', 'number', 'version of the ACL'),
  field('ephemeralOwner', 'string', 'session id of the owner, 0x0 when there is none'),
  maybe('ttlMs', 'number', 'time to live in milliseconds'),
  field('dataLength', 'number', 'bytes of data'),
  maybe('numChildren', 'number', 'number of children; absent where only a walk through all of them would tell'),
  maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
]

const where: readonly JsonField[] = [
  field('place', 'string', 'the place that was read'),
  field('zxid', 'zxid', 'the zxid of the state shown'),
  field(
    'consistency',
    'string',
    'exact (proved by digest), contiguous, settled, per-node, or fuzzy (a snapshot file alone: no state of one moment)',
  ),
  maybe('settledZxid', 'zxid', 'of a fuzzy snapshot: the newest zxid that it shows'),
]

const change: readonly JsonField[] = [
  field('zxid', 'zxid', 'the txn'),
  field('time', 'time', 'time of the txn'),
  maybe('timeline', 'string', 'the timeline, in a repository'),
  field('session', 'string', 'session id of the client'),
  field('cxid', 'number', 'number of the request in its session'),
  field('path', 'string', 'path of the znode'),
  maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
  field('operation', 'string', 'create, setData, setACL, delete, or expire (with its session, or by the server)'),
  field('txnType', 'string', "ZooKeeper's name of the txn or of the part of a multi"),
  maybe('multiPart', 'number', 'which part of a multi it was, from 0'),
  maybe(
    'before',
    'object',
    'what the txn replaced, as far as it is known: dataBase64, dataLength, version, acl, aversion, kind, ephemeralOwner',
  ),
  maybe('after', 'object', 'what it left, with the same fields; absent when the znode is gone'),
]

const difference: readonly JsonField[] = [
  field('path', 'string', 'path of the znode'),
  field('change', 'string', 'created, deleted or changed'),
  maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
  maybe('aspects', 'array', 'what differs: data, acl, kind, owner, counters'),
  maybe('counters', 'array', 'which counters differ: version, cversion, aversion, czxid, mzxid, pzxid, ctime, mtime'),
  maybe('before', 'object', 'the znode on the side of A: the fields of its stat, dataBase64 and acl'),
  maybe('after', 'object', 'the znode on the side of B'),
]

const differenceCounts: readonly JsonField[] = [
  field('a', 'object', 'side A: `place`, `zxid` and `consistency`'),
  field('b', 'object', 'side B: `place`, `zxid` and `consistency`'),
  field('path', 'string', 'the znode that the comparison is limited to, `/` for all'),
  field('equal', 'boolean', 'whether nothing differs'),
  field('created', 'number', 'znodes only in B'),
  field('deleted', 'number', 'znodes only in A'),
  field('changed', 'number', 'znodes in both that differ'),
  field('sessions', 'number', 'sessions that only one side has or that have another timeout; 0 when limited to a path'),
]

const finding: readonly JsonField[] = [
  field('code', 'string', 'error code, as in errors.md'),
  field('message', 'string', 'what is wrong'),
  field('place', 'object', 'where it is, as far as known: file, offset, object, zxid, path'),
]

export const jsonOutputs: Readonly<Record<CommandName, JsonOutput>> = {
  backup: {
    shape: 'object',
    fields: [
      field('repository', 'string', 'the repository'),
      field('source', 'string', 'the source'),
      field('timeline', 'string', 'the timeline that grew'),
      field('first', 'zxid', 'first zxid that can be restored after this backup without crossing a gap'),
      field('last', 'zxid', 'last zxid that can be restored'),
      field('base', 'string', 'new, continued, or unchanged when nothing came since: how this backup stands to the repository'),
      field('txns', 'number', 'txns added'),
      field('znodes', 'number', 'znodes of the newest recovery point'),
      field('root', 'string', 'its state root'),
      field('class', 'string', 'its consistency class'),
      field('bytesRead', 'number', 'bytes read from the source'),
      field('bytesStored', 'number', 'bytes written to the repository'),
      field('gaps', 'array', 'gaps that this backup recorded'),
      ...below('gaps[]', gap),
      field('notices', 'array', 'what a person should know, as text'),
    ],
  },
  points: {
    shape: 'object',
    fields: [
      field('repository', 'string', 'the repository'),
      field('points', 'array', 'recovery points in the order of (timeline, zxid)'),
      ...below('points[]', point),
    ],
  },
  timelines: {
    shape: 'object',
    fields: [
      field('repository', 'string', 'the repository'),
      field('timelines', 'array', 'all timelines, parents first'),
      field('timelines[].name', 'string', 'the timeline'),
      maybe('timelines[].parent', 'string', 'the timeline it left'),
      maybe('timelines[].parentZxid', 'zxid', 'where it left it'),
      field('timelines[].reason', 'string', 'why it began'),
      field('timelines[].commits', 'number', 'number of commits'),
      maybe('timelines[].last', 'zxid', 'last zxid'),
    ],
  },
  status: {
    shape: 'object',
    fields: [
      field('repository', 'string', 'the repository'),
      field('timelines', 'number', 'number of timelines'),
      field('points', 'number', 'number of recovery points'),
      field('objects', 'number', 'number of objects that commits refer to, and of commits'),
      field('bytes', 'number', 'bytes of these objects'),
      field('unreferenced', 'number', 'objects that no commit refers to: left by interrupted backups, and harmless'),
      field('intervals', 'array', 'restorable intervals in the order of (timeline, zxid)'),
      ...below('intervals[]', interval),
      field('gaps', 'array', 'gaps between them; empty when there are none'),
      ...below('gaps[]', gap),
      maybe('last', 'zxid', 'newest zxid that can be restored'),
      maybe('lastTime', 'time', 'time of its txn'),
      maybe('lookedAtTime', 'time', 'when the source was last looked at: what was committed later is not here'),
      maybe('ageMs', 'number', 'milliseconds since then: what was committed in this time a disaster now would lose'),
      maybe(
        'restore',
        'object',
        'an estimate of the slowest restore: `estimateMs`, and the work it stands for as `znodes`, `dataBytes` and `txns` to replay',
      ),
      field('findings', 'array', 'objects that are missing, damaged or of another size; empty when there are none'),
      ...below('findings[]', finding),
    ],
  },
  verify: {
    shape: 'object',
    fields: [
      field('repository', 'string', 'the repository'),
      field('level', 'string', 'the level asked for'),
      field('ok', 'boolean', 'whether nothing was found; what `boot` says to be skipped is not proved by that'),
      field('timelines', 'number', 'timelines checked'),
      field('commits', 'number', 'commits checked'),
      field('points', 'number', 'recovery points on them'),
      field('segments', 'number', 'segments of txns on them'),
      field('objects', 'number', 'objects checked'),
      field('bytes', 'number', 'bytes of these objects; the level chain reads only those of commits'),
      maybe('txns', 'number', 'txns replayed or parsed'),
      maybe('digestsChecked', 'number', "comparisons with ZooKeeper's own digest"),
      maybe(
        'boot',
        'object',
        'the server that was started: `version`, `znodes` and `states`, or `skipped` or `failed` with the reason; each state has `timeline`, `zxid`, `name`, `znodes` and `digest` (match or none)',
      ),
      field('findings', 'array', 'everything that is wrong'),
      ...below('findings[]', finding),
      field('findingsLeftOut', 'number', 'findings beyond the 10,000 that are listed'),
      field('unreferenced', 'array', 'keys of objects that no readable commit refers to; harmless where nothing else was found'),
      field('unread', 'array', 'timelines whose commits cannot be read, so that nothing behind them was checked'),
    ],
  },
  restore: {
    shape: 'object',
    fields: [
      field('plan', 'object', 'the restore plan that was shown and run; its fields stand in docs/formats/restore-plan.md'),
      field('done', 'boolean', 'false after --dry-run'),
      maybe('root', 'string', 'Merkle root of what was read back'),
      maybe('digest', 'string', "ZooKeeper's digest of what was read back, 16 hex digits"),
      maybe('directories', 'array', 'data directories published'),
      maybe('steps', 'array', 'what a person has to do next, as text'),
    ],
  },
  ls: {
    shape: 'object',
    fields: [
      ...where,
      field('path', 'string', 'path of the znode'),
      field('children', 'array', 'its children in tree order'),
      ...below('children[]', stat),
      field('leftOut', 'number', 'children that --limit left out'),
    ],
  },
  cat: {
    shape: 'object',
    fields: [
      ...where,
      field('path', 'string', 'path of the znode'),
      field('dataBase64', 'value', 'the data in base64; null when the znode has none (which is not the same as empty)'),
      field('dataLength', 'number', 'bytes of data'),
      maybe('text', 'string', 'the data as text, where they are UTF-8'),
      maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
    ],
  },
  stat: {
    shape: 'object',
    fields: [
      ...where,
      ...stat,
      field('hasData', 'boolean', 'false when the data are null, which is not the same as empty'),
      field('clientCversion', 'number', 'cversion as a client sees it: twice the creations, less the children'),
      field('nextSequence', 'number', 'the number that the next sequential child gets'),
      maybe('aclState', 'string', 'dangling or null, where there is no list'),
      field('acl', 'array', 'the ACL'),
      field('acl[].perms', 'string', 'letters of cdrwa'),
      field('acl[].scheme', 'string', 'the scheme'),
      field('acl[].id', 'string', 'the id'),
    ],
  },
  du: {
    shape: 'object',
    fields: [
      ...where,
      field('entries', 'array', 'the path asked for and, down to --depth, those below it'),
      field('entries[].path', 'string', 'path of the znode'),
      maybe('entries[].pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
      field('entries[].level', 'number', 'levels below the path asked for'),
      field('entries[].znodes', 'number', 'znodes, itself included'),
      field('entries[].ephemerals', 'number', 'ephemerals among them'),
      field('entries[].dataBytes', 'number', 'bytes of data'),
      field('entries[].bytes', 'number', 'bytes of the node records, as in a snapshot'),
    ],
  },
  find: { shape: 'lines', lines: { znode: stat, summary: [...where, field('znodes', 'number', 'znodes printed')] } },
  tree: {
    shape: 'lines',
    lines: {
      znode: [...stat, field('level', 'number', 'levels below the path asked for')],
      summary: [...where, field('znodes', 'number', 'znodes printed'), field('leftOut', 'number', 'znodes that the limit left out')],
    },
  },
  log: {
    shape: 'lines',
    lines: {
      change,
      summary: [
        field('place', 'string', 'the place that was read'),
        field('changes', 'number', 'changes printed'),
        field('leftOut', 'number', 'older changes that --limit left out'),
        field('gaps', 'array', 'gaps in which changes may be missing'),
        ...below('gaps[]', historyGap),
      ],
    },
  },
  blame: {
    shape: 'object',
    fields: [
      ...where,
      field('path', 'string', 'path of the znode'),
      field('parts', 'array', 'existence, data, acl and children'),
      field('parts[].part', 'string', 'existence, data, acl or children'),
      maybe('parts[].zxid', 'zxid', 'the txn that last touched it; absent for an ACL that was set before the history begins'),
      maybe('parts[].time', 'time', 'its time'),
      maybe('parts[].session', 'string', 'session id of the client; absent where the txn is older than the history'),
      maybe('parts[].cxid', 'number', 'number of the request in its session'),
      maybe('parts[].operation', 'string', 'what it did'),
      maybe('parts[].path', 'string', 'of the children: which one came or went'),
      maybe('parts[].pathBase64', 'string', 'the bytes of that path, where they are not UTF-8'),
      maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
      field('gaps', 'array', 'gaps in which changes may be missing'),
      ...below('gaps[]', historyGap),
    ],
  },
  diff: { shape: 'lines', lines: { change: difference, summary: differenceCounts } },
  compare: {
    shape: 'object',
    fields: [...differenceCounts, field('aspects', 'object', 'of the changed: how many differ in data, acl, kind, owner and counters')],
  },
  inspect: {
    shape: 'lines',
    lines: {
      record: [
        field('kind', 'string', 'session, acl, znode or txn'),
        field('offset', 'number', 'byte in the plain file where the record starts'),
        maybe('zxid', 'zxid', 'of a txn'),
        maybe('path', 'string', 'of a znode, or that a txn touches'),
        maybe('pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
        maybe('czxid', 'zxid', 'of a znode'),
        maybe('mzxid', 'zxid', 'of a znode'),
        maybe('pzxid', 'zxid', 'of a znode'),
        maybe('ctime', 'time', 'of a znode'),
        maybe('mtime', 'time', 'of a znode'),
        maybe('version', 'number', 'of a znode; of a txn: the version after it'),
        maybe('cversion', 'number', 'of a znode, as the file has it'),
        maybe('aversion', 'number', 'of a znode'),
        maybe('ephemeralOwner', 'string', 'of a znode, as the file has it'),
        maybe('znodeKind', 'string', 'persistent, ephemeral, container, ttl or reserved'),
        maybe('aclKey', 'string', 'of a znode or an ACL: the number of its list in this file'),
        maybe('acl', 'array', 'of an ACL or a txn: entries as scheme:id:perms'),
        maybe('dataBase64', 'value', 'of a znode or a txn; null for no data'),
        maybe('session', 'string', 'of a session or a txn: session id'),
        maybe('timeoutMs', 'number', 'of a session, in milliseconds'),
        maybe('time', 'time', 'of a txn'),
        maybe('cxid', 'number', 'of a txn: number of the request in its session'),
        maybe('operation', 'string', "of a txn: ZooKeeper's name of its type"),
        maybe('ephemeral', 'boolean', 'of a create'),
        maybe('parentCversion', 'number', 'of a create: cversion of the parent after it'),
        maybe('ttlMs', 'string', 'of a createTTL, in milliseconds'),
        maybe('parts', 'array', 'of a multi: its parts, with `operation` and the fields of a txn'),
        maybe('paths', 'array', 'of a closeSession: the ephemerals that go with it'),
        maybe('err', 'number', 'of an error: its code'),
        maybe('body', 'string', 'in base64, of a txn that could not be decoded or has an unknown type'),
        maybe('undecodable', 'string', 'why a txn could not be decoded'),
        maybe('trailing', 'string', 'in base64, bytes behind the record of a txn'),
        maybe('digest', 'string', 'of a txn: digest of the tree after it'),
      ],
      finding: [field('severity', 'string', 'damage, incomplete or notice'), ...finding, maybe('hint', 'string', 'the next step')],
      summary: [
        field('file', 'string', 'the file'),
        field('kind', 'string', 'snapshot, txn-log or repository-object'),
        field('ok', 'boolean', 'whether it is whole'),
        maybe('bytes', 'number', 'bytes of the file; absent with --records'),
        maybe('compression', 'string', 'none, gz or snappy'),
        maybe('zxid', 'zxid', 'zxid in the name of a snapshot'),
        maybe('znodes', 'number', 'znodes of a snapshot'),
        maybe('sessions', 'number', 'sessions of a snapshot'),
        maybe('acls', 'number', 'ACLs of a snapshot'),
        maybe('digest', 'object', 'digest trailer of a snapshot: `zxid`, `version`, `digest`'),
        maybe('lastProcessedZxid', 'zxid', 'trailer of a snapshot of 3.9 and later'),
        maybe('txns', 'number', 'txns of a log'),
        maybe('first', 'zxid', 'first txn of a log'),
        maybe('last', 'zxid', 'last txn of a log'),
        maybe('end', 'string', 'how a log ends: padding, end-of-file, torn or empty'),
        maybe('kinds', 'object', 'znodes of a snapshot by kind'),
        maybe('dataBytes', 'number', 'bytes of all data in a snapshot'),
        maybe('danglingAcls', 'number', 'znodes whose ACL the snapshot does not define'),
        maybe('plainBytes', 'number', 'bytes of the content, uncompressed'),
        maybe('maxZxid', 'zxid', 'newest zxid that a snapshot shows'),
        maybe('fuzzy', 'object', 'range that the logs must cover to make a state of it: `from`, `through`, `logsBeside`'),
        maybe('firstTime', 'time', 'time of the first txn of a log'),
        maybe('lastTime', 'time', 'time of the last txn of a log'),
        maybe('validBytes', 'number', 'bytes of a log up to the end of the last valid record'),
        maybe('types', 'object', 'txns of a log by type'),
        maybe('epochs', 'array', 'epochs of a log: `epoch`, `first`, `last`, `txns`'),
        maybe('holes', 'array', 'zxids that a log leaves out: `after`, `before`'),
        maybe('stepsBack', 'number', "how often the leader's clock stepped back in a log"),
        maybe('largestStepBackMs', 'number', 'the largest step, in milliseconds'),
        maybe('objectKind', 'string', 'repository, head, pack or blob'),
        maybe('formatVersion', 'number', 'format version of an object'),
        maybe('header', 'object', 'header of an object'),
        maybe('blocks', 'number', 'blocks of an object'),
        maybe('storedBytes', 'number', 'bytes of its blocks as stored'),
        maybe('sha256', 'string', 'of the whole object'),
        maybe('records', 'number', 'with --records: records printed'),
        maybe('undecodable', 'number', 'with --records: txns that could not be decoded'),
      ],
    },
  },
  salvage: {
    shape: 'object',
    fields: [
      field('files', 'array', 'every file that was read'),
      field('files[].file', 'string', 'the file'),
      field('files[].kind', 'string', 'snapshot or txn-log'),
      field('files[].ok', 'boolean', 'whether it is whole'),
      field('files[].savedBytes', 'number', 'length of the longest valid prefix'),
      field('files[].lostBytes', 'number', 'bytes behind it'),
      field('files[].fileBytes', 'number', 'bytes of the file'),
      maybe('files[].savedThrough', 'zxid', 'last zxid saved'),
      maybe('files[].out', 'string', 'where the prefix was written'),
      maybe('files[].verdict', 'string', 'of a snapshot: whole, unsealed-end, checksum-mismatch, broken-off or nothing'),
      maybe('files[].compression', 'string', 'of a snapshot: none, gz or snappy'),
      maybe('files[].znodes', 'number', 'of a snapshot: znodes that can be read'),
      maybe('files[].sessions', 'number', 'of a snapshot: sessions that can be read'),
      maybe('files[].acls', 'number', 'of a snapshot: ACLs that can be read'),
      maybe('files[].stretches', 'array', 'of a log: runs of valid records'),
      maybe('files[].searchComplete', 'boolean', 'of a log: false when the search behind the damage stopped at a limit'),
      maybe('files[].stretches[].first', 'zxid', 'its first txn'),
      maybe('files[].stretches[].last', 'zxid', 'its last txn'),
      maybe('files[].stretches[].txns', 'number', 'txns in it'),
      maybe('files[].stretches[].startOffset', 'number', 'byte where it starts'),
      maybe('files[].stretches[].endOffset', 'number', 'byte where it ends'),
      field('lost', 'array', 'what is known to be lost'),
      maybe('lost[].file', 'string', 'the damaged file'),
      maybe('lost[].offset', 'number', 'byte where the damage starts'),
      maybe('lost[].zxid', 'zxid', 'of a txn'),
      maybe('lost[].after', 'zxid', 'last txn before the loss'),
      maybe('lost[].before', 'zxid', 'first txn behind the loss'),
      maybe('lost[].path', 'string', 'of a znode'),
      maybe('lost[].pathBase64', 'string', 'the bytes of the path, where they are not UTF-8'),
      field('lost[].why', 'string', 'what is wrong with it'),
      maybe('missing', 'array', 'of a directory: txns that no log holds'),
      maybe('missing[].after', 'zxid', 'last txn before them'),
      maybe('missing[].before', 'zxid', 'first txn behind them'),
      maybe('reachable', 'array', 'of a directory: the points that can still be reached'),
      maybe('reachable[].snapshot', 'string', 'the snapshot that leads there'),
      maybe('reachable[].from', 'zxid', 'first of them'),
      maybe('reachable[].through', 'zxid', 'last of them'),
    ],
  },
  help: { shape: 'none', why: 'help is for people; docs/reference has it as files' },
  completion: { shape: 'none', why: 'a completion script is for a shell' },
}

/** What stands on stdout, as the last line, when a command fails with --json. */
export const jsonError: readonly JsonField[] = [
  field('error', 'object', 'the failure'),
  field('error.code', 'string', 'its code, as in errors.md'),
  field('error.message', 'string', 'what happened'),
  field('error.place', 'object', 'where it is, as far as known: file, offset, zxid, path, server, object'),
  field('error.hint', 'string', 'the next step'),
  field('error.exitCode', 'number', 'the exit code of the process'),
  field('error.retryable', 'boolean', 'whether the same command can succeed later'),
]

/** Lines on stderr while a command works with --json. */
export const jsonEvents: Readonly<Record<string, readonly JsonField[]>> = {
  progress: [
    field('step', 'string', 'what is being done'),
    field('unit', 'string', 'bytes, znodes, txns or objects'),
    field('done', 'number', 'units done'),
    maybe('total', 'number', 'units in all, where it is known'),
  ],
  notice: [field('text', 'string', 'what a person should know; it is in the result as well')],
}
