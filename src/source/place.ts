import { ZooArkError } from '../base/errors.ts'

/**
 * Places as people write them (PRODUCT: SOURCE, TARGET, PLACE). Pure text: nothing here touches a disk.
 *
 * | Form | Meaning |
 * |---|---|
 * | `DIR`, `FILE`, `file:DIR`, `file:///DIR` | a data directory, a snapshot, a txn log |
 * | `file:DIR?log=LOGDIR` | dataDir and dataLogDir apart |
 * | `repo:REPO` | the latest point of a repository |
 * | `repo:REPO@POINT[@TIMELINE][/path]` | a point; `before:delete:/a/b` holds slashes and ends at the next `@` only, so that a path behind it is written `@/path` |
 */

export interface FilePlace {
  readonly kind: 'file'
  /** As written, without scheme and query; may be relative. Before `splitPath`, a znode path may still hang on it. */
  readonly path: string
  /** dataLogDir, where it is apart. */
  readonly logDir?: string
}

export interface RepositoryPlace {
  readonly kind: 'repository'
  readonly repository: string
  /** The POINT as text; whoever knows the history resolves it. */
  readonly point: string
  readonly timeline?: string
  /** Path of a znode, `/` when none was written. */
  readonly znode: string
}

export type Place = FilePlace | RepositoryPlace

/** Longer text is no place of a person, and no file system takes it. */
const placeLengthMax = 16_384

/** Schemes of PRODUCT's table that this version knows by name and refuses. */
const planned = new Set(['zk', 'observer', 'json', 'xml', 'yaml', 's3', 'gs', 'az', 'sftp', 'https', 'http'])

/** Where the point begins: an `@` with something behind it that only a point looks like. */
const pointStart = /@(?=latest(?:[@/]|$)|0x[0-9a-f]|\d{4}-\d\d|-\d+[a-z]|name:|before:)/i

/** @throws BAD_PLACE with what is wrong, NOT_SUPPORTED for places of later versions. */
export function parsePlace(text: string): Place {
  if (text === '') throw new ZooArkError('BAD_PLACE', 'the place is empty')
  if (text.length > placeLengthMax) throw new ZooArkError('BAD_PLACE', `the place is longer than ${placeLengthMax} characters`)
  if (text.includes('\0')) throw new ZooArkError('BAD_PLACE', 'the place holds a NUL character')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1].toLowerCase()
  if (scheme === undefined) return parseFile(text, text)
  if (scheme === 'file') return parseFile(text, stripAuthority(text, text.slice('file:'.length)))
  if (scheme === 'repo') return parseRepository(text, text.slice('repo:'.length))
  if (planned.has(scheme)) {
    throw new ZooArkError('NOT_SUPPORTED', `places of the kind ${scheme}: are not built yet: ${text}`, {
      hint: 'Name the data directory of a server (file:DIR) or a point of a repository (repo:REPO@POINT).',
    })
  }
  throw new ZooArkError('BAD_PLACE', `'${scheme}:' is no kind of place: ${text}`, {
    hint: `Write file:DIR or repo:REPO@POINT; a file whose name holds a colon is written ./${text}.`,
  })
}

/** `//host/path` of a URL: only the empty host and localhost are this machine. */
function stripAuthority(text: string, rest: string): string {
  if (!rest.startsWith('//')) return rest
  const slash = rest.indexOf('/', 2)
  const host = slash === -1 ? rest.slice(2) : rest.slice(2, slash)
  if (slash === -1 || (host !== '' && host !== 'localhost')) throw new ZooArkError('BAD_PLACE', `'${host}' is not this machine: ${text}`)
  return rest.slice(slash)
}

function parseFile(text: string, rest: string): FilePlace {
  const query = /\?([a-z]+=.*)$/i.exec(rest)
  const path = query === null ? rest : rest.slice(0, query.index)
  if (path === '') throw new ZooArkError('BAD_PLACE', `no directory or file is named: ${text}`)
  if (query === null) return { kind: 'file', path }
  const [name, ...value] = query[1].split('=')
  const logDir = value.join('=')
  if (name !== 'log') throw new ZooArkError('BAD_PLACE', `'${name}' is not known behind the question mark, only log=: ${text}`)
  if (logDir === '') throw new ZooArkError('BAD_PLACE', `log= names no directory: ${text}`)
  return { kind: 'file', path, logDir }
}

function parseRepository(text: string, rest: string): RepositoryPlace {
  const start = pointStart.exec(rest)
  const repository = start === null ? rest : rest.slice(0, start.index)
  if (repository === '') throw new ZooArkError('BAD_PLACE', `no repository is named: ${text}`)
  if (start === null) {
    if (repository.endsWith('@')) throw new ZooArkError('BAD_PLACE', `no point stands behind the @: ${text}`)
    return { kind: 'repository', repository, point: 'latest', znode: '/' }
  }
  const behind = rest.slice(start.index + 1)
  const holdsPath = /^before:(?!0x)/i.test(behind)
  const pointEnd = behind.search(holdsPath ? /@/ : /[@/]/)
  if (pointEnd === -1) return { kind: 'repository', repository, point: behind, znode: '/' }
  const point = behind.slice(0, pointEnd)
  if (behind[pointEnd] === '/') return { kind: 'repository', repository, point, znode: normalZnode(behind.slice(pointEnd)) }
  const tail = behind.slice(pointEnd + 1)
  const slash = tail.indexOf('/')
  const timeline = slash === -1 ? tail : tail.slice(0, slash)
  const znode = slash === -1 ? '/' : normalZnode(tail.slice(slash))
  return { kind: 'repository', repository, point, ...(timeline === '' ? {} : { timeline }), znode }
}

/** Path of a znode from what a person wrote behind a place: one `/` in front, none behind. */
function normalZnode(text: string): string {
  const trimmed = text.replace(/\/+$/, '')
  if (trimmed === '') return '/'
  return trimmed.startsWith('/') ? trimmed : `/${trimmed}`
}

/**
 * Divides `DIR/a/b` into the longest part that exists in the file system and the znode path behind it.
 * @param exists asked for ever shorter parts, at most once for each slash
 * @throws SOURCE_NOT_FOUND when not even the first name exists
 */
export async function splitPath(
  place: FilePlace,
  exists: (path: string) => Promise<boolean>,
): Promise<{ place: FilePlace; znode: string }> {
  let path = place.path.length > 1 ? place.path.replace(/\/+$/, '') || '/' : place.path
  let znode = ''
  for (;;) {
    if (path !== '/' && (await exists(path))) return { place: { ...place, path }, znode: normalZnode(znode) }
    const slash = path.lastIndexOf('/')
    if (slash <= 0) break
    znode = path.slice(slash) + znode
    path = path.slice(0, slash).replace(/\/+$/, '') || '/'
  }
  throw new ZooArkError('SOURCE_NOT_FOUND', 'there is no such file or directory', { place: { file: place.path } })
}

/** Text that `parsePlace` reads as the same place. */
export function formatPlaceText(place: Place): string {
  if (place.kind === 'file') return place.logDir === undefined ? `file:${place.path}` : `file:${place.path}?log=${place.logDir}`
  const znode = place.znode === '/' ? '' : place.znode
  const needsTimeline = /^before:(?!0x)/i.test(place.point) && znode !== ''
  const timeline = place.timeline === undefined && !needsTimeline ? '' : `@${place.timeline ?? ''}`
  return `repo:${place.repository}@${place.point}${timeline}${znode}`
}
