/** Command lines into invocations, strictly: what the table does not know is refused with the closest name. */
import Parser from 'yargs-parser'
import { closest } from './closest.ts'
import {
  type CommandSpec,
  GLOBAL_OPTIONS,
  isCommand,
  type OperandSpec,
  type OptionSpec,
  VERSION_SWITCH,
} from './command-specs/spec.ts'
import type { CommandName } from './command-table.ts'
import { CliError } from './errors.ts'
import type { Grammar } from './grammar.ts'

/** A command line that fits the table. */
export interface Invocation {
  readonly command: CommandName
  /** Of a group, such as `user`. */
  readonly subcommand: string | undefined
  readonly operands: readonly string[]
  /** The operand that is the path of an entry, where the first one is. */
  readonly key: string | undefined
  readonly options: ReadonlyMap<string, OptionValue>
}

/** A switch is `true`; an option that may be repeated has its values in order. */
export type OptionValue = string | true | readonly string[]

/** The options of a whole command line that need no command. */
export interface Preamble {
  readonly json: boolean
  readonly verbose: boolean
  readonly help: boolean
  readonly version: boolean
}

/** A command line as read: its options and words, not yet checked against the table. */
export interface Words {
  readonly words: readonly string[]
  readonly options: ReadonlyMap<string, unknown>
  /** How many of the words stand behind `--`; absent without one. */
  readonly behind: number | undefined
  /** Name of an option whose value is missing or that was given one it does not take. */
  readonly fault: string | undefined
}

/** Read words and options, which may stand in any order; `--` ends the options. */
export function readWords(grammar: Grammar, argv: readonly string[]): Words {
  const line = readWith(grammar, argv, false)
  if (!line.options.has(VERSION_SWITCH.name) && line.fault !== VERSION_SWITCH.name) return line
  // Which of the two it is, the command says; and which word is the command may depend on it.
  const valued = readWith(grammar, argv, true)
  return takesVersion(grammar, valued.words) ? valued : line
}

/** Whether words name a command that has an option `--version` of its own. */
function takesVersion(grammar: Grammar, [name = '', second]: readonly string[]): boolean {
  const command = grammar.commands.get(name)
  const spec = command?.subcommands?.find((one) => one.name === second) ?? command
  return spec?.options.some((option) => option.name === VERSION_SWITCH.name) ?? false
}

function readWith(grammar: Grammar, argv: readonly string[], versionHasValue: boolean): Words {
  const boolean: string[] = []
  const string: string[] = []
  const narg: Record<string, number> = {}
  const alias: Record<string, string[]> = {}
  // The parser prepares each option that it is told of, which takes longer than to read the line.
  const given = new Set(argv.map((word) => word.replace(/=.*$/s, '')))
  for (const { name, short, value } of grammar.options.values()) {
    if (short === undefined && !given.has(dashed(name))) continue
    const hasValue = value !== undefined || (versionHasValue && name === VERSION_SWITCH.name)
    ;(hasValue ? string : boolean).push(name)
    // A switch takes nothing, not even a following "true", which may be the value to set.
    narg[name] = hasValue ? 1 : 0
    if (short !== undefined) alias[name] = [short]
  }
  const { argv: read, error } = Parser.detailed([...argv], {
    boolean,
    string,
    narg,
    alias,
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
    },
  })
  const options = new Map<string, unknown>()
  for (const [name, value] of Object.entries(read)) {
    if (name !== '_' && name !== '--') options.set(name, value)
  }
  const behind = read['--']
  return {
    words: [...read._, ...(behind ?? [])].map(String),
    options,
    behind: behind?.length,
    fault: error === null ? undefined : (/: (.*)$/.exec(error.message)?.[1] ?? ''),
  }
}

/** What a command line asks for beside its command, also when the rest of it is wrong. */
export function preambleOf({ options, words }: Words): Preamble {
  const has = (name: string): boolean => options.has(name)
  return {
    json: has('json'),
    verbose: has('verbose'),
    help: has('help'),
    version: has(VERSION_SWITCH.name) && words.length === 0,
  }
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`)

/**
 * Find the command that words name.
 *
 * @throws CliError `INVALID_ARGUMENT`
 */
export function commandOf(
  grammar: Grammar,
  words: readonly string[],
): {
  readonly command: CommandSpec
  readonly subcommand: CommandSpec | undefined
  readonly rest: readonly string[]
} {
  const [name, ...rest] = words
  if (name === undefined) throw usage('a command is needed', 'run: sreg help')
  const command = grammar.commands.get(name)
  if (command === undefined) {
    const names = [...grammar.commands.keys()]
    throw unknown(`unknown command "${name}"`, name, names, 'run: sreg help')
  }
  if (command.subcommands === undefined) return { command, subcommand: undefined, rest }
  const names = command.subcommands.map((one) => one.name)
  const [second, ...others] = rest
  const subcommand = command.subcommands.find((one) => one.name === second)
  // One that does something by itself takes any other word, but none that is nearly the name of a subcommand.
  const isOwn =
    command.operands.length > 0
      ? closest(second ?? '', names) === undefined
      : second === undefined && isCommand(command)
  if (subcommand === undefined && isOwn) return { command, subcommand, rest }
  if (second === undefined) {
    throw usage(`"${name}" needs one of ${names.join(', ')}`, `run: sreg help ${name}`)
  }
  if (subcommand === undefined) {
    throw unknown(`unknown command "${name} ${second}"`, second, names, `run: sreg help ${name}`)
  }
  return { command, subcommand, rest: others }
}

/** Whether a command line is one of a grammar and without a fault, except in the values of its words. */
export function belongsTo({ commands }: Grammar, { words, options, fault }: Words): boolean {
  const spec = commands.get(words[0] ?? '')
  if (spec === undefined || fault !== undefined) return false
  const known = new Set([...GLOBAL_OPTIONS, ...spec.options].map(({ name }) => name))
  return [...options.keys()].every((name) => known.has(name))
}

/**
 * Check a command line against a grammar.
 *
 * @throws CliError `INVALID_ARGUMENT`, with the closest name where there is one
 */
export function invocationOf(grammar: Grammar, line: Words): Invocation {
  // First of all: an option that nothing knows may have taken the command's word for its value.
  for (const name of line.options.keys()) {
    if (!grammar.options.has(name)) {
      const names = [...grammar.options.keys()]
      throw unknown(`unknown option ${dashed(name)}`, name, names, 'run: sreg help', '--')
    }
  }
  const { command, subcommand, rest } = commandOf(grammar, line.words)
  const spec = subcommand ?? command
  const help = `run: sreg help ${command.name}`
  const known = [...GLOBAL_OPTIONS, ...spec.options]
  const options = new Map<string, OptionValue>()
  const given = new Map(line.options)
  const faulty = [...grammar.options.values()].find(({ name, short }) =>
    [name, short].includes(line.fault ?? ''),
  )
  // A value that is missing altogether leaves no trace of its option.
  if (faulty !== undefined && !given.has(faulty.name)) given.set(faulty.name, undefined)
  for (const [name, value] of given) {
    const option = known.find((one) => one.name === name)
    if (option === undefined) {
      const names = known.map((one) => one.name)
      throw unknown(`unknown option ${dashed(name)}`, name, names, help, '--')
    }
    options.set(name, optionValue(option, value, name === faulty?.name, help))
  }
  checkOperands(spec, rest, help)
  if (spec.verbatim === true && line.behind !== rest.length) {
    throw usage('-- is missing before what is to be run', help)
  }
  return {
    command: command.name as CommandName,
    subcommand: subcommand?.name,
    operands: rest,
    key: spec.operands[0]?.name === 'key' ? rest[0] : undefined,
    options,
  }
}

function checkOperands(spec: CommandSpec, words: readonly string[], help: string): void {
  const { operands } = spec
  const needed = operands.filter((operand) => operand.optional !== true).length
  const missing = operands[words.length]
  if (words.length < needed && missing !== undefined) {
    throw usage(`<${missing.name}> is missing: ${missing.summary}`, help)
  }
  const last = operands.at(-1)
  if (words.length > operands.length && last?.repeats !== true) {
    // Not repeated: behind a user name, it may be a password.
    throw usage(`too many arguments: "${spec.name}" takes ${operands.length}`, help)
  }
  for (const [index, word] of words.entries()) {
    const operand: OperandSpec | undefined = operands[index]
    if (operand !== undefined) checkChoice(`<${operand.name}>`, operand.values, word, help)
  }
}

function optionValue(
  option: OptionSpec,
  value: unknown,
  faulty: boolean,
  help: string,
): OptionValue {
  const name = dashed(option.name)
  if (option.value === undefined) {
    if (faulty) throw usage(`option ${name} takes no value`, help)
    return true
  }
  const given: unknown[] = Array.isArray(value) ? value : [value]
  if (given.length > 1 && option.repeats !== true) {
    throw usage(`option ${name} is given twice`, help)
  }
  const texts = given.map((one) => {
    if (faulty || typeof one !== 'string' || one === '') {
      throw usage(`option ${name} needs a value: ${option.value}`, help)
    }
    checkChoice(`option ${name}`, option.values, one, help)
    return one
  })
  return option.repeats === true ? texts : (texts[0] ?? '')
}

function checkChoice(
  what: string,
  values: readonly string[] | undefined,
  given: string,
  help: string,
): void {
  if (values === undefined || values.includes(given)) return
  throw unknown(`${what} must be one of ${values.join(', ')}`, given, values, help)
}

function usage(message: string, hint: string): CliError {
  return new CliError('INVALID_ARGUMENT', message, hint)
}

function unknown(
  message: string,
  given: string,
  names: readonly string[],
  help: string,
  prefix = '',
): CliError {
  const near = closest(given, names)
  return usage(near === undefined ? message : `${message}; did you mean ${prefix}${near}?`, help)
}
