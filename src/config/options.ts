import { errorTable } from '../base/errors.ts'

/**
 * The one table of options: flag, environment name, kind of value, default and help of each. Which command takes which stands in
 * `commands.ts`. Parser, help, shell completion and docs/reference/commands.md all derive from these two tables.
 */

/** What a value may be. `text` kinds (text, place, point, repository, directory, file) stay text: the floor that uses them parses them. */
export type ValueKind =
  | 'switch'
  | 'text'
  | 'place'
  | 'point'
  | 'repository'
  | 'directory'
  | 'file'
  | 'time'
  | 'count'
  | 'servers'
  | 'choice'

export interface OptionRow {
  readonly flag: `--${string}`
  readonly kind: ValueKind
  /** The word that stands for the value in help; absent for switches. */
  readonly value?: string
  /** For `choice`: every value, the first one the mildest. */
  readonly choices?: readonly string[]
  /** The value that stands when neither flag nor environment gives one, as it would be written. */
  readonly default?: string
  /** For `count`: bounds, both inclusive. */
  readonly min?: number
  readonly max?: number
  /** One sentence, lower-case start, no full stop. */
  readonly help: string
}

/** No epoch of ZooKeeper is greater: it has 31 bits beside the sign. */
const epochMax = 0x7fff_ffff

/** The names of these rows are the names of the parsed values. */
export const options = {
  from: {
    flag: '--from',
    kind: 'place',
    value: 'SOURCE',
    help: 'where the data comes from: file:DATADIR, or file:DATADIR?log=DATALOGDIR where the logs are apart',
  },
  repo: { flag: '--repo', kind: 'repository', value: 'REPO', help: 'the repository: a directory' },
  at: {
    flag: '--at',
    kind: 'point',
    value: 'POINT',
    help: 'the point: latest, 0x<zxid>, a time in ISO form, -15m, name:<name>, before:0x<zxid> or before:delete:<path>; @timeline may follow',
  },
  to: { flag: '--to', kind: 'place', value: 'TARGET', help: 'where the data goes: file:DIRECTORY, which is empty or does not exist' },
  path: { flag: '--path', kind: 'text', value: 'PATH', help: 'only this znode and what is below it' },
  name: { flag: '--name', kind: 'text', value: 'NAME', help: 'give the recovery point this name; it can be restored as name:NAME' },
  timeline: { flag: '--timeline', kind: 'text', value: 'TIMELINE', help: 'only this timeline' },
  plan: {
    flag: '--plan',
    kind: 'file',
    value: 'FILE',
    help: 'with --dry-run: save the restore plan here; without: run the plan saved here',
  },
  dryRun: { flag: '--dry-run', kind: 'switch', help: 'print the restore plan and do nothing' },
  yes: { flag: '--yes', kind: 'switch', help: 'do not ask before acting' },
  exact: {
    flag: '--exact',
    kind: 'switch',
    help: 'keep zxid, epochs, sessions and ephemerals as they were; only for a copy that no old client will reach',
  },
  servers: {
    flag: '--servers',
    kind: 'servers',
    value: 'IDS',
    help: 'the ids of the servers of the ensemble, as 1,2,3: one directory for each below the target',
  },
  epoch: {
    flag: '--epoch',
    kind: 'count',
    value: 'N',
    min: 1,
    max: epochMax,
    help: 'raise the epoch at least to N, where clients have seen a newer one than the repository',
  },
  level: {
    flag: '--level',
    kind: 'choice',
    value: 'LEVEL',
    choices: ['chain', 'hash', 'parse', 'replay', 'boot'],
    default: 'hash',
    help: 'how deep: chain (every link), hash (every byte), parse (every record), replay (every point is reached with its digest), boot (an Apache ZooKeeper starts on a restored copy)',
  },
  zookeeperJars: {
    flag: '--zookeeper-jars',
    kind: 'directory',
    value: 'DIR',
    help: 'directory with the jars of Apache ZooKeeper, for --level boot',
  },
  records: { flag: '--records', kind: 'switch', help: 'one record a line instead of the summary' },
  since: { flag: '--since', kind: 'time', value: 'POINT', help: 'only what is after this zxid or time' },
  until: { flag: '--until', kind: 'time', value: 'POINT', help: 'only what is at or before this zxid or time' },
  limit: { flag: '--limit', kind: 'count', value: 'N', min: 1, max: Number.MAX_SAFE_INTEGER, help: 'stop after N lines' },
  depth: { flag: '--depth', kind: 'count', value: 'N', min: 0, max: 10_000, help: 'go no deeper than N levels below the path' },
  match: { flag: '--match', kind: 'text', value: 'GLOB', help: 'only znodes whose name matches, with * and ?' },
  kind: {
    flag: '--kind',
    kind: 'choice',
    value: 'KIND',
    choices: ['persistent', 'ephemeral', 'container', 'ttl'],
    help: 'only znodes of this kind',
  },
  ignore: {
    flag: '--ignore',
    kind: 'text',
    value: 'LIST',
    help: 'do not count these, as sessions,ephemerals: any of data, acl, kind, owner, counters, sessions, ephemerals (znodes of sessions)',
  },
  recursive: { flag: '--recursive', kind: 'switch', help: 'the znode and everything below it' },
  out: { flag: '--out', kind: 'file', value: 'FILE|DIR', help: 'where the saved prefix is written: a new file, or a new directory' },
  json: {
    flag: '--json',
    kind: 'switch',
    help: 'machine-readable output on stdout, as in docs/reference/json.md; progress as JSON lines on stderr',
  },
} as const satisfies Record<string, OptionRow>

export type OptionName = keyof typeof options

type ValueOf<Row extends OptionRow> = Row['kind'] extends 'switch'
  ? boolean
  : Row['kind'] extends 'count'
    ? number
    : Row['kind'] extends 'servers'
      ? readonly number[]
      : Row extends { readonly choices: readonly (infer Choice)[] }
        ? Choice
        : string

/** The parsed options of one run. A switch that was not given is absent. */
export type OptionValues = { readonly [Name in OptionName]?: ValueOf<(typeof options)[Name]> }

/** The environment variable that stands in for the flag: ZOOARK_ and the flag in capitals. */
export function environmentName(name: OptionName): string {
  return `ZOOARK_${options[name].flag.slice(2).replaceAll('-', '_').toUpperCase()}`
}

/** Options that the environment must not give: what acts is said on the command line. */
const neverFromEnvironment: ReadonlySet<OptionName> = new Set<OptionName>([
  'yes',
  'dryRun',
  'exact',
  'at',
  'to',
  'plan',
  'out',
  'epoch',
  'servers',
  'path',
  'name',
])

export function mayComeFromEnvironment(name: OptionName): boolean {
  return !neverFromEnvironment.has(name)
}

/** What is known of an exit code: used by help and by the reference. */
export const exitCodeMeanings: Readonly<Record<number, string>> = {
  0: 'clean',
  1: 'other failure',
  2: 'usage or configuration',
  3: 'done, but incomplete or different; also when the reader of stdout goes away',
  10: 'no repository',
  11: 'locked or fenced',
  12: 'wrong key',
  13: 'format too new',
  20: 'repository damaged',
  21: 'source damaged',
  22: 'point not reachable',
  30: 'unreachable',
  31: 'not authorised',
  32: 'target not empty or plan stale',
  70: 'our bug',
  130: 'interrupted (SIGINT)',
  143: 'interrupted (SIGTERM)',
}

/** Exit codes that any command can end with. */
export const commonExitCodes: readonly number[] = [0, 1, 2, 3, 31, 70, 130, 143]

/** All codes that the error table knows, ascending: the meanings above cover them. */
export function exitCodesInUse(): readonly number[] {
  return [...new Set(Object.values(errorTable).map((row) => row.exitCode))].sort((a, b) => a - b)
}
