/** Completion for bash, made from the command table; needs nothing but bash 4. */
import {
  COMMANDS,
  type CommandSpec,
  type Completes,
  GLOBAL_OPTIONS,
  isCommand,
  type OptionSpec,
  VERSION_SWITCH,
} from '../command-table.ts'

const names = (option: OptionSpec): string[] =>
  option.short === undefined ? [`--${option.name}`] : [`--${option.name}`, `-${option.short}`]

/** The case that completes one kind of value. */
function completeValue(
  completes: Completes | undefined,
  values: readonly string[] | undefined,
): string {
  if (values !== undefined) return `_sreg_words "${values.join(' ')}"`
  if (completes === 'key') return '_sreg_keys'
  if (completes === 'file') return '_sreg_files'
  if (completes === 'command') return `_sreg_words "${[...COMMANDS.keys()].join(' ')}"`
  return ':'
}

/** Cases that complete the values of options, where `$command` is known and where it is not. */
function valueCases(specs: readonly (readonly [string, CommandSpec])[]): string[] {
  const actions = new Map<string, Map<string, string[]>>()
  const add = (label: string, option: OptionSpec): void => {
    if (option.value === undefined) return
    const action = completeValue(option.completes, option.values)
    for (const name of names(option)) {
      const labels = actions.get(name) ?? new Map<string, string[]>()
      labels.set(action, [...(labels.get(action) ?? []), label])
      actions.set(name, labels)
    }
  }
  for (const option of GLOBAL_OPTIONS) add('', option)
  for (const [label, spec] of specs) for (const option of spec.options) add(label, option)
  return [...actions].flatMap(([name, labels]) => {
    // What most commands take it for is for all that are not named.
    const [usual, ...others] = [...labels].sort(([, a], [, b]) => b.length - a.length)
    const special = others.map(
      ([action, of]) =>
        `  ${of.map((label) => `"${label}:${name}"`).join('|')}) ${action}; return ;;`,
    )
    return [...special, `  *:${name}) ${usual?.[0]}; return ;;`]
  })
}

/** Names of options that take a value, which is no operand. */
function valuedNames(specs: readonly (readonly [string, CommandSpec])[]): string[] {
  const options = [...GLOBAL_OPTIONS, ...specs.flatMap(([, spec]) => spec.options)]
  return [...new Set(options.filter(({ value }) => value !== undefined).flatMap(names))]
}

function optionWords(spec: CommandSpec): string {
  return [...spec.options, ...GLOBAL_OPTIONS].flatMap(names).join(' ')
}

function operandCases(spec: CommandSpec, label: string): string[] {
  return spec.operands.map(
    ({ completes, values }, index) =>
      `    "${label}:${index}") ${completeValue(completes, values)} ;;`,
  )
}

/** What stands before the operands of its subcommands, as a pattern of the shell. */
function innerNames({ name, subcommands = [] }: CommandSpec): string[] {
  return subcommands.map((one) => `"${name} ${one.name}"`)
}

/** The script. */
export function bashCompletion(): string {
  const commands = [...COMMANDS.values()]
  const groups = commands.filter((command) => command.subcommands !== undefined)
  const specs = commands.flatMap((command): [string, CommandSpec][] => [
    ...(isCommand(command) ? [[command.name, command] as [string, CommandSpec]] : []),
    ...(command.subcommands ?? []).map((one): [string, CommandSpec] => [
      `${command.name} ${one.name}`,
      one,
    ]),
  ])
  return `# bash completion for sreg; made by: sreg completion bash
_sreg_words() {
  local word
  for word in $1; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word ")
  done
}
_sreg_files() {
  local file
  while IFS= read -r file; do
    if [[ -d $file ]]; then COMPREPLY+=("$(printf '%q' "$file")/")
    else COMPREPLY+=("$(printf '%q' "$file") "); fi
  done < <(compgen -f -- "$cur")
}
_sreg_keys() {
  [[ $cur == /* ]] || { COMPREPLY+=("/"); return; }
  local key
  while IFS= read -r key; do
    [[ $key == "$cur"* ]] || continue
    if [[ $key == */ ]]; then COMPREPLY+=("$(printf '%q' "$key")")
    else COMPREPLY+=("$(printf '%q' "$key") "); fi
  done < <(command sreg list "\${cur%/*}/" 2>/dev/null </dev/null)
}
_sreg() {
  local cur=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command= place=0 index word
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in
    ${valuedNames(specs).join('|')}) ((index++)) ;;
    -?*) ;;
    *)
      if [[ -z $command ]]; then command=$word
      else
        case "$command $word" in
        ${groups.flatMap(innerNames).join('|')}) command="$command $word" ;;
        *) ((place++)) ;;
        esac
      fi
      ;;
    esac
  done
  case "$command:$previous" in
${valueCases(specs).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${specs.map(([label, spec]) => `    "${label}") _sreg_words "${optionWords(spec)}" ;;`).join('\n')}
    "") _sreg_words "${[...GLOBAL_OPTIONS, VERSION_SWITCH].flatMap(names).join(' ')}" ;;
    *) _sreg_words "${GLOBAL_OPTIONS.flatMap(names).join(' ')}" ;;
    esac
    return
  fi
  case "$command:$place" in
    ":0") _sreg_words "${commands.map(({ name }) => name).join(' ')}" ;;
${groups
  .map(
    ({ name, subcommands }) =>
      `    "${name}:0") _sreg_words "${(subcommands ?? []).map((one) => one.name).join(' ')}" ;;&`,
  )
  .join('\n')}
${specs.flatMap(([label, spec]) => operandCases(spec, label)).join('\n')}
  esac
}
complete -o nospace -F _sreg sreg
`
}
