import { commandNames, commands, optionsOf } from './commands.ts'
import type { CommandName } from './commands.ts'
import { options } from './options.ts'
import type { OptionRow } from './options.ts'

/** Completion scripts of shells, from the tables: commands, then the flags of the command, then choices, else files. */

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

const flagsOf = (name: CommandName): string[] => [...optionsOf(name).map((option): string => options[option].flag), '--help']

/** Options whose values are known words. */
const choiceRows = (Object.values(options) as OptionRow[]).filter((row) => row.choices !== undefined)

function bash(): string {
  const flags = commandNames.map((name) => `    ${name}) words='${flagsOf(name).join(' ')}' ;;`)
  const choices = choiceRows.map((row) => `    ${row.flag}) COMPREPLY=($(compgen -W '${row.choices?.join(' ')}' -- "$current")); return ;;`)
  return `# bash completion of zooark: source it, or put it into /etc/bash_completion.d
_zooark() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commandNames.join(' ')}' -- "$current"))
    return
  fi
  case "$previous" in
${choices.join('\n')}
    help) COMPREPLY=($(compgen -W '${commandNames.join(' ')}' -- "$current")); return ;;
    completion) COMPREPLY=($(compgen -W '${shells.join(' ')}' -- "$current")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${flags.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _zooark zooark
`
}

/** Text inside single quotes of zsh and fish. */
const quoted = (text: string): string => `'${text.replaceAll("'", '’')}'`

function zsh(): string {
  const described = commandNames.map((name) => `    ${quoted(`${name}:${commands[name].summary}`)}`)
  const cases = commandNames.map((name) => {
    const specs = optionsOf(name).map((option) => {
      const row: OptionRow = options[option]
      const help = row.help.replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' ')
      const action = row.kind === 'switch' ? '' : `:${row.value}:${row.choices === undefined ? '_files' : `(${row.choices.join(' ')})`}`
      return quoted(`${row.flag}[${help}]${action}`)
    })
    return `    ${name}) _arguments ${[...specs, quoted('--help[explain the command]'), quoted('*:place:_files')].join(' ')} ;;`
  })
  return `#compdef zooark
# zsh completion of zooark: put it as _zooark into a directory of fpath
_zooark() {
  local -a names
  names=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' names
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
_zooark "$@"
`
}

function fish(): string {
  const lines = commandNames.map((name) => `complete -c zooark -n __fish_use_subcommand -f -a ${name} -d ${quoted(commands[name].summary)}`)
  for (const name of commandNames) {
    for (const option of optionsOf(name)) {
      const row: OptionRow = options[option]
      const value = row.kind === 'switch' ? '' : row.choices === undefined ? ' -r' : ` -x -a '${row.choices.join(' ')}'`
      lines.push(`complete -c zooark -n '__fish_seen_subcommand_from ${name}' -l ${row.flag.slice(2)}${value} -d ${quoted(row.help)}`)
    }
  }
  return `# fish completion of zooark: put it as zooark.fish into ~/.config/fish/completions\n${lines.join('\n')}\n`
}

export function formatCompletion(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash()
    case 'zsh':
      return zsh()
    case 'fish':
      return fish()
  }
}
