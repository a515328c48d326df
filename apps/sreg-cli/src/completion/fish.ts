/** Completion for fish, made from the command table. */
import {
  COMMANDS,
  type CommandSpec,
  type Completes,
  GLOBAL_OPTIONS,
  type OptionSpec,
  VERSION_SWITCH,
} from '../command-table.ts'

const quote = (text: string): string =>
  `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`

function values(
  completes: Completes | undefined,
  choices: readonly string[] | undefined,
): string | undefined {
  if (choices !== undefined) return quote(choices.join(' '))
  if (completes === 'key') return quote('(__sreg_keys)')
  if (completes === 'command') return quote([...COMMANDS.keys()].join(' '))
  return undefined
}

function optionLine(condition: string, option: OptionSpec): string {
  const parts = [`complete -c sreg${condition} -l ${option.name}`]
  if (option.short !== undefined) parts.push(`-s ${option.short}`)
  if (option.value !== undefined) {
    parts.push(option.completes === 'file' ? '-rF' : '-x')
    const list = values(option.completes, option.values)
    if (list !== undefined) parts.push(`-a ${list}`)
  }
  parts.push(`-d ${quote(option.summary)}`)
  return parts.join(' ')
}

function specLines(spec: CommandSpec, condition: string): string[] {
  const lines = spec.options.map((option) => optionLine(` -n ${quote(condition)}`, option))
  for (const { completes, values: choices } of spec.operands) {
    const list = values(completes, choices)
    if (list !== undefined) lines.push(`complete -c sreg -n ${quote(condition)} -a ${list}`)
    if (completes === 'file') lines.push(`complete -c sreg -n ${quote(condition)} -F`)
  }
  return lines
}

/** The script. */
export function fishCompletion(): string {
  const commands = [...COMMANDS.values()]
  const all = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command.name}`
    const own = [
      `complete -c sreg -n '__sreg_no_command' -a ${command.name} -d ${quote(command.summary)}`,
      ...specLines(command, seen),
    ]
    const inner = command.subcommands ?? []
    const names = inner.map(({ name }) => name).join(' ')
    const nested = inner.flatMap((one) => [
      `complete -c sreg -n ${quote(`${seen}; and not __fish_seen_subcommand_from ${names}`)} -a ${one.name} -d ${quote(one.summary)}`,
      ...specLines(one, `${seen}; and __fish_seen_subcommand_from ${one.name}`),
    ])
    return [...own, ...nested]
  })
  return `# fish completion for sreg; made by: sreg completion fish
function __sreg_no_command
    not __fish_seen_subcommand_from ${all}
end
function __sreg_keys
    set -l prefix (string replace -r '[^/]*$' '' -- (commandline -ct))
    test -n "$prefix"; or set prefix /
    command sreg list -- $prefix 2>/dev/null </dev/null
end
complete -c sreg -f
${GLOBAL_OPTIONS.map((option) => optionLine('', option)).join('\n')}
${optionLine(` -n ${quote('__sreg_no_command')}`, VERSION_SWITCH)}
${lines.join('\n')}
`
}
