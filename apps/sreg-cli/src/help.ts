/** Help, laid out by yargs from the command table. */
import yargs, { type Options } from 'yargs'
import {
  COMMANDS,
  type CommandSpec,
  GLOBAL_OPTIONS,
  GRAMMAR,
  isCommand,
  type OperandSpec,
  type OptionSpec,
  VERSION_SWITCH,
} from './command-table.ts'
import { commandOf } from './parse.ts'

const MAX_COLUMNS = 100
const MIN_COLUMNS = 40
const DEFAULT_COLUMNS = 80

const ABOUT =
  'One registry for the configuration and secrets of this machine.\n\nExit codes: 0 success, 1 wrong argument, 2 not found, 3 access denied, 4 not logged in, 5 exists already, 6 wrong state or no daemon, 7 store or log failed, 8 wrong key.'

/** Usage of a command: `set <key> <value>`. */
export function usageOf(spec: CommandSpec, parent = ''): string {
  const name = parent === '' ? spec.name : `${parent} ${spec.name}`
  const operands = spec.operands.map(bracketed)
  return [name, ...(spec.verbatim === true ? ['--'] : []), ...operands].join(' ')
}

function bracketed({ name, optional, repeats }: OperandSpec): string {
  const shown = repeats === true ? `${name}...` : name
  return optional === true ? `[${shown}]` : `<${shown}>`
}

/**
 * Help for the command that words name; for no word, the overview.
 *
 * @throws CliError `INVALID_ARGUMENT` for an unknown command
 */
export function helpText(
  words: readonly string[],
  columns: number = DEFAULT_COLUMNS,
): Promise<string> {
  const width = Math.max(MIN_COLUMNS, Math.min(columns, MAX_COLUMNS))
  if (words.length === 0) return overview(width)
  const name = words[0] ?? ''
  const group = COMMANDS.get(name)
  if (group?.subcommands !== undefined && words.length === 1 && !isCommand(group)) {
    return groupHelp(group, width)
  }
  const { command, subcommand } = commandOf(GRAMMAR, words)
  return subcommand === undefined
    ? commandHelp(command, '', width)
    : commandHelp(subcommand, command.name, width)
}

type Layout = ReturnType<typeof yargs>

function layout(
  width: number,
  usage: string,
  options: readonly OptionSpec[],
  everywhere: readonly OptionSpec[] = GLOBAL_OPTIONS,
): Layout {
  const parser = yargs([]).scriptName('sreg').locale('en').help(false).version(false)
  parser.usage(usage).wrap(width)
  // In a group of their own, or they would stand behind the global ones.
  for (const option of options) {
    parser.option(option.name, { ...describe(option), group: 'Options:' })
  }
  for (const option of everywhere) {
    parser.option(option.name, { ...describe(option), group: 'Global options:' })
  }
  return parser
}

function describe({ short, value, summary, repeats }: OptionSpec): Options {
  const text = repeats === true ? `${summary}; may be repeated` : summary
  return {
    describe: value === undefined ? text : `${value}: ${text}`,
    ...(short === undefined ? {} : { alias: short }),
    ...(value === undefined ? { type: 'boolean' } : { type: 'string' }),
  }
}

function overview(width: number): Promise<string> {
  const parser = layout(
    width,
    `sreg <command> [options]\n\n${ABOUT}`,
    [],
    [...GLOBAL_OPTIONS, VERSION_SWITCH],
  )
  for (const command of COMMANDS.values()) parser.command(usageOf(command), command.summary)
  return parser.epilogue('sreg help <command> tells more about a command.').getHelp()
}

function groupHelp(group: CommandSpec, width: number): Promise<string> {
  const parser = layout(width, `sreg ${group.name} <command> [options]\n\n${group.summary}`, [])
  for (const command of group.subcommands ?? []) {
    parser.command(usageOf(command, group.name), command.summary)
  }
  return parser.getHelp()
}

function commandHelp(command: CommandSpec, parent: string, width: number): Promise<string> {
  const operands = command.operands
    .map((operand) => `\n  ${bracketed(operand)}  ${operand.summary}`)
    .join('')
  const usage = `sreg ${usageOf(command, parent)} [options]\n\n${command.summary}${operands === '' ? '' : `\n${operands}`}`
  const parser = layout(width, usage, command.options)
  for (const one of command.subcommands ?? []) {
    parser.command(usageOf(one, command.name), one.summary)
  }
  for (const example of command.examples ?? []) parser.example(`sreg ${example}`, '')
  if (command.notes !== undefined) parser.epilogue(command.notes.join(' '))
  return parser.getHelp()
}
