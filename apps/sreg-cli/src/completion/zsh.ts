/** Completion for zsh, made from the command table. */
import {
  COMMANDS,
  type CommandSpec,
  type Completes,
  GLOBAL_OPTIONS,
  type OptionSpec,
  VERSION_SWITCH,
} from '../command-table.ts'

/** Text inside single quotes, and inside the brackets of an _arguments specification. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const plain = (text: string): string => text.replace(/[[\]:\\]/g, (character) => `\\${character}`)

function action(completes: Completes | undefined, values: readonly string[] | undefined): string {
  if (values !== undefined) return `(${values.join(' ')})`
  if (completes === 'key') return '_sreg_keys'
  if (completes === 'file') return '_files'
  if (completes === 'command') return `(${[...COMMANDS.keys()].join(' ')})`
  return ' '
}

function optionSpecs(option: OptionSpec): string[] {
  const { name, short, value, values, completes, summary, repeats } = option
  const tail =
    value === undefined
      ? `[${plain(summary)}]`
      : `[${plain(summary)}]:${value}:${action(completes, values)}`
  const long = `${repeats === true ? '*' : ''}${value === undefined ? `--${name}` : `--${name}=`}`
  return short === undefined
    ? [quote(long + tail)]
    : [quote(long + tail), quote(`-${short}${tail}`)]
}

function argumentsOf(spec: CommandSpec): string {
  const operands = spec.operands.map(({ name, completes, values, optional, repeats }, index) => {
    const place = repeats === true ? '*' : `${index + 1}${optional === true ? ':' : ''}`
    return quote(`${place}:${name}:${action(completes, values)}`)
  })
  const options = [...spec.options, ...GLOBAL_OPTIONS].flatMap(optionSpecs)
  return `_arguments -s ${[...options, ...operands].join(' ')}`
}

const described = (specs: readonly CommandSpec[]): string =>
  specs.map(({ name, summary }) => quote(`${name}:${plain(summary)}`)).join(' ')

/** What may stand behind a command that has subcommands. */
function firstWord({ operands }: CommandSpec): string {
  const files = operands.some(({ completes }) => completes === 'file')
  return `_describe command subcommands${files ? '; _files' : ''}`
}

/** The script. */
export function zshCompletion(): string {
  const commands = [...COMMANDS.values()]
  const cases = commands.map((command) => {
    if (command.subcommands === undefined) return `    ${command.name}) ${argumentsOf(command)} ;;`
    const inner = command.subcommands.map((one) => `          ${one.name}) ${argumentsOf(one)} ;;`)
    return `    ${command.name})
      local -a subcommands=(${described(command.subcommands)})
      _arguments -C ${[...command.options, ...GLOBAL_OPTIONS].flatMap(optionSpecs).join(' ')} '1: :{${firstWord(command)}}' '*:: :->sub'
      if [[ $state == sub ]]; then
        case $words[1] in
${inner.join('\n')}
        esac
      fi
      ;;`
  })
  return `#compdef sreg
# zsh completion for sreg; made by: sreg completion zsh
_sreg_keys() {
  local -a keys
  keys=("\${(@f)$(command sreg list "\${PREFIX%/*}/" 2>/dev/null </dev/null)}")
  compadd -S '' -- \${(M)keys:#*/}
  compadd -- \${keys:#*/}
}
_sreg() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(${described(commands)})
  _arguments -C ${[...GLOBAL_OPTIONS, VERSION_SWITCH].flatMap(optionSpecs).join(' ')} '1: :{_describe command commands}' '*:: :->command'
  [[ $state == command ]] || return
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _sreg "$@"; else compdef _sreg sreg; fi
`
}
