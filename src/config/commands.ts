import type { OptionName } from './options.ts'

/** The one table of commands: arguments, options, exit codes, examples. A command is added here first; see CONTRIBUTING.md. */

export interface ArgumentRow {
  /** The word in help. */
  readonly value: string
  readonly need: 'required' | 'optional'
  readonly help: string
}

export interface CommandRow {
  /** One sentence, lower-case start, no full stop. */
  readonly summary: string
  /** Paragraphs for help and reference; what a tired person must know. */
  readonly details?: readonly string[]
  readonly arguments: readonly ArgumentRow[]
  /** Beside --json and --help, which every command has. */
  readonly options: readonly OptionName[]
  readonly required: readonly OptionName[]
  /** Beside `commonExitCodes`. */
  readonly exitCodes: readonly number[]
  /** Whether a reader that goes away (a closed pipe) ends the command. */
  readonly whenOutputCloses: 'stop' | 'carry on'
  readonly examples: readonly string[]
}

const place: ArgumentRow = {
  value: 'PLACE[/path]',
  need: 'required',
  help: 'a dataDir, a snapshot file, or repo:REPO@POINT, each with the path of a znode behind it; the root when there is none',
}
const znode: ArgumentRow = { value: '/path', need: 'required', help: 'the path of a znode' }
const side = (value: string): ArgumentRow => ({
  value,
  need: 'required',
  help: 'a place as dataDir, snapshot file or repo:REPO@POINT; with --repo, a POINT of that repository is enough',
})

const readsSource = [21, 22] as const
const readsRepository = [10, 12, 13, 20] as const
/** A timeline or a point is asked for that is not there. */
const readsPoints = [...readsRepository, 22] as const
const readsBoth = [...readsRepository, ...readsSource] as const

export const commands = {
  backup: {
    summary: 'bring the repository up to the newest transaction of a source',
    details: [
      'Takes the txns that came since the last backup; takes a new base where there is none or where a gap is real. The server may run, write and purge meanwhile.',
      'A local repository that does not exist is created by the first backup.',
      'Exit code 3: the backup is complete, but the history before it now has a gap that was not there; `zooark status` names it.',
    ],
    arguments: [],
    options: ['from', 'repo', 'name'],
    required: ['from', 'repo'],
    exitCodes: [10, 11, 12, 13, 20, 21, 30],
    whenOutputCloses: 'carry on',
    examples: [
      'zooark backup --from file:/var/lib/zookeeper --repo /backups/zk',
      'zooark backup --from "file:/data?log=/datalog" --repo /backups/zk --name before-upgrade',
    ],
  },
  points: {
    summary: 'list the recovery points of a repository',
    arguments: [],
    options: ['repo', 'timeline'],
    required: ['repo'],
    exitCodes: readsPoints,
    whenOutputCloses: 'stop',
    examples: ['zooark points --repo /backups/zk'],
  },
  timelines: {
    summary: 'list the timelines of a repository, where each came from and why',
    arguments: [],
    options: ['repo'],
    required: ['repo'],
    exitCodes: readsRepository,
    whenOutputCloses: 'stop',
    examples: ['zooark timelines --repo /backups/zk'],
  },
  status: {
    summary: 'say what can be restored right now: restorable intervals, gaps and their causes',
    arguments: [],
    options: ['repo', 'timeline'],
    required: ['repo'],
    exitCodes: readsPoints,
    whenOutputCloses: 'stop',
    examples: ['zooark status --repo /backups/zk', 'zooark status --repo /backups/zk --json'],
  },
  verify: {
    summary: 'prove that a repository is whole',
    details: ['Each level includes the ones before it. The first finding makes the exit code 20; every finding is in the report.'],
    arguments: [],
    options: ['repo', 'level', 'timeline', 'zookeeperJars'],
    required: ['repo'],
    exitCodes: readsPoints,
    whenOutputCloses: 'carry on',
    examples: [
      'zooark verify --repo /backups/zk --level replay',
      'zooark verify --repo /backups/zk --level boot --zookeeper-jars /usr/share/java',
    ],
  },
  restore: {
    summary: 'write the data directory of a ZooKeeper server as it was at a point, and prove it',
    details: [
      'Stages beside the target, reads back, compares, and publishes with one rename. A target that is not empty is refused.',
      'By default zxid and epoch move forward past everything ever seen and sessions and ephemerals are dropped, so that clients of the old ensemble connect. --exact keeps everything as it was.',
      'On a terminal it shows the plan and asks. Where there is none it needs --yes, or a plan saved with --dry-run --plan FILE.',
    ],
    arguments: [],
    options: ['repo', 'at', 'to', 'plan', 'dryRun', 'yes', 'exact', 'servers', 'epoch', 'path'],
    required: [],
    exitCodes: [10, 12, 13, 20, 22, 32],
    whenOutputCloses: 'carry on',
    examples: [
      'zooark restore --repo /backups/zk --at -15m --to file:/var/lib/zookeeper-restored',
      'zooark restore --repo /backups/zk --at before:delete:/kafka/brokers --to file:/restored --servers 1,2,3 --dry-run --plan plan.json',
      'zooark restore --plan plan.json',
    ],
  },
  ls: {
    summary: 'list the children of a znode',
    arguments: [place],
    options: ['at', 'limit'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark ls /var/lib/zookeeper/kafka/brokers', 'zooark ls repo:/backups/zk@-15m/kafka'],
  },
  cat: {
    summary: 'write the data of a znode to stdout, byte for byte',
    arguments: [place],
    options: ['at'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark cat repo:/backups/zk@latest/controller_epoch'],
  },
  stat: {
    summary: 'show everything about a znode: stat, kind, ACL, size',
    arguments: [place],
    options: ['at'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark stat /var/lib/zookeeper/kafka'],
  },
  du: {
    summary: 'count znodes and bytes below a znode',
    arguments: [place],
    options: ['at', 'depth'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark du /var/lib/zookeeper --depth 2'],
  },
  find: {
    summary: 'print the path of every znode below a znode, one a line',
    arguments: [place],
    options: ['at', 'match', 'kind', 'depth', 'limit'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark find repo:/backups/zk@latest/kafka --kind ephemeral'],
  },
  tree: {
    summary: 'draw the znodes below a znode as a tree',
    arguments: [place],
    options: ['at', 'depth', 'limit'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark tree repo:/backups/zk@latest --depth 2'],
  },
  log: {
    summary: 'list every change of a znode: when, by which session, from what to what',
    details: ['Give --repo for a repository, or --from for a data directory.'],
    arguments: [znode],
    options: ['repo', 'from', 'timeline', 'since', 'until', 'limit', 'recursive'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark log --repo /backups/zk /kafka/controller', 'zooark log --repo /backups/zk /kafka --recursive --since -1h'],
  },
  blame: {
    summary: 'say which transaction last touched each part of a znode: existence, data, ACL, children',
    details: ['Give --repo for a repository, or --from for a data directory.'],
    arguments: [znode],
    options: ['repo', 'from', 'at'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark blame --repo /backups/zk /kafka/controller'],
  },
  diff: {
    summary: 'list what differs between two places or two points: data, ACL, kind, counters',
    details: ['Exit code 3 when anything differs.'],
    arguments: [side('A'), side('B')],
    options: ['repo', 'path', 'ignore', 'limit'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'stop',
    examples: ['zooark diff --repo /backups/zk -1h latest', 'zooark diff repo:/backups/zk@latest /var/lib/zookeeper --path /kafka'],
  },
  compare: {
    summary: 'say whether two places or two points hold the same state, with counts of what differs',
    details: ['Exit code 3 when anything differs.'],
    arguments: [side('A'), side('B')],
    options: ['repo', 'path', 'ignore'],
    required: [],
    exitCodes: readsBoth,
    whenOutputCloses: 'carry on',
    examples: ['zooark compare /data/server1 /data/server2'],
  },
  inspect: {
    summary: 'verify and summarise a snapshot, a txn log or an object of a repository',
    details: [
      'Exit code 21 (20 for an object of a repository) when it is damaged; what is good is still summarised. 3 when every checksum is right, but something is missing or left over: a torn tail, a hole, bytes behind the end.',
    ],
    arguments: [{ value: 'FILE', need: 'required', help: 'a snapshot, a txn log or an object of a repository; told apart by its bytes' }],
    options: ['records', 'limit'],
    required: [],
    exitCodes: [13, 20, 21],
    whenOutputCloses: 'carry on',
    examples: ['zooark inspect /var/lib/zookeeper/version-2/snapshot.1400000003', 'zooark inspect version-2/log.1 --records --json'],
  },
  salvage: {
    summary: 'find the longest valid prefix of damaged files, and name what is lost by path and zxid',
    details: ['Writes only where --out says; the damaged files stay as they are. Exit code 3 when anything is lost.'],
    arguments: [{ value: 'FILE|DIR', need: 'required', help: 'a snapshot, a txn log, or a data directory' }],
    options: ['out'],
    required: [],
    exitCodes: [21, 32],
    whenOutputCloses: 'carry on',
    examples: ['zooark salvage version-2/log.1400000001', 'zooark salvage /var/lib/zookeeper --out /var/lib/zookeeper-saved'],
  },
  help: {
    summary: 'explain ZooArk or one of its commands',
    arguments: [{ value: 'COMMAND', need: 'optional', help: 'the command to explain' }],
    options: [],
    required: [],
    exitCodes: [],
    whenOutputCloses: 'stop',
    examples: ['zooark help restore'],
  },
  completion: {
    summary: 'print the completion script of a shell',
    arguments: [{ value: 'bash|zsh|fish', need: 'required', help: 'the shell' }],
    options: [],
    required: [],
    exitCodes: [],
    whenOutputCloses: 'stop',
    examples: ['zooark completion bash > /etc/bash_completion.d/zooark'],
  },
} as const satisfies Record<string, CommandRow>

export type CommandName = keyof typeof commands

export const commandNames = Object.keys(commands) as CommandName[]

/** Every command has these beside its own. */
export const optionsOfEveryCommand: readonly OptionName[] = ['json']

export function optionsOf(name: CommandName): readonly OptionName[] {
  return [...commands[name].options, ...optionsOfEveryCommand]
}

/** Commands that are planned and answer with NOT_SUPPORTED until they exist; the text says what does the job today. */
export const notYet: Readonly<Record<string, string>> = {
  up: 'Run `zooark backup` from a timer beside your own servers.',
  serve: 'Restore with `zooark restore` and start an Apache ZooKeeper on the result.',
  protect: 'Run `zooark backup` from a timer: it takes only what is new.',
  drill: 'Run `zooark verify --level boot`.',
  undo: 'Restore the point before the change to a new directory with `zooark restore`.',
  mount: 'Look into a point with `zooark ls`, `cat` and `tree`, or restore it with `zooark restore`.',
  export: 'Use `zooark find --json` and `zooark cat`, or restore native files with `zooark restore`.',
  import: 'Start an Apache ZooKeeper on the files, and `zooark backup` its data directory.',
  assess: 'Run `zooark inspect` on the files of the data directory, and `zooark du` on it.',
  migrate: 'Back up the old data directory and restore it for the new servers with `zooark restore --servers`.',
  expire: 'Everything is kept; start a new repository when the old one is too large.',
  gc: 'Nothing is left behind that could be collected: interrupted backups leave only objects that the next one uses.',
  repo: 'The first `zooark backup` creates the repository; `zooark verify` checks it.',
  check: 'Use the exit code of `zooark verify` and the JSON of `zooark status`.',
  daemon: 'Run `zooark backup` from a timer.',
}
