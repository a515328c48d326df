/** Words of a command line into what is to be done, strictly. No word of it is repeated that could be a secret. */
import { parseArgs } from 'node:util'
import { closest } from '../closest.ts'
import { CliError } from '../errors.ts'
import { OPERATIONS, OPTIONS, type Operation, type OptionName } from './option-table.ts'

/** A command line that fits the table. */
export interface CommandLine {
  readonly operation: Operation
  /** Value of the operation, where it takes one. */
  readonly value: string | undefined
  /** Values of options; a switch is `true`. */
  readonly options: ReadonlyMap<OptionName, string | true>
}

/** What a command line asks for beside what is to be done, also when the rest of it is wrong. */
export interface Preamble {
  readonly help: boolean
  readonly version: boolean
  readonly json: boolean
}

interface Known {
  readonly takesValue: boolean
  readonly mayBeEmpty: boolean
  readonly short: string | undefined
}

interface Given {
  readonly name: string
  readonly value: string | undefined
  /** Written with `=`. */
  readonly inline: boolean
}

const HELP = 'run: subauth --help'

/** The names that are typed more often first: what is nearly both is taken for one of them. */
const KNOWN: ReadonlyMap<string, Known> = new Map([
  ...OPTIONS.map(
    ({ name, value, mayBeEmpty, short }) =>
      [name, { takesValue: value !== undefined, mayBeEmpty: mayBeEmpty === true, short }] as const,
  ),
  ...OPERATIONS.map(
    ({ name, values }) =>
      [name, { takesValue: values !== undefined, mayBeEmpty: false, short: undefined }] as const,
  ),
])

/** What is asked for that needs nothing else. */
export function preambleOf(argv: readonly string[]): Preamble {
  const names = new Set(tokensOf(argv).given.map(({ name }) => name))
  return { help: names.has('help'), version: names.has('version'), json: names.has('json') }
}

/**
 * Read a command line.
 *
 * @param argv - words after the program's name
 * @throws CliError `INVALID_ARGUMENT`
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { given, words } = tokensOf(argv)
  const values = new Map<string, string | true>()
  for (const one of given) {
    if (values.has(one.name)) throw usage(`--${one.name} is given twice`)
    values.set(one.name, checkedValue(one))
  }
  if (words > 0) throw usage('there are only options: a value stands behind its option')
  const operation = operationOf(values)
  const options = new Map<OptionName, string | true>()
  for (const [name, value] of values) {
    if (name !== operation.name) options.set(optionOf(operation, name), value)
  }
  for (const name of operation.needs) {
    if (!options.has(name)) throw usage(`--${operation.name} needs --${name}`)
  }
  const value = values.get(operation.name)
  return { operation, value: value === true ? undefined : value, options }
}

/** Options as written, and the number of words that belong to none. */
function tokensOf(argv: readonly string[]): { given: Given[]; words: number } {
  const options = Object.fromEntries(
    [...KNOWN].map(([name, { takesValue, short }]) => [
      name,
      {
        type: takesValue ? 'string' : 'boolean',
        ...(short === undefined ? {} : { short }),
      } as const,
    ]),
  )
  // Its own strictness would quote words.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  const given: Given[] = []
  let words = 0
  for (const token of tokens) {
    if (token.kind === 'option') {
      given.push({ name: token.name, value: token.value, inline: token.inlineValue === true })
    } else if (token.kind === 'positional') words++
  }
  return { given, words }
}

function checkedValue({ name, value, inline }: Given): string | true {
  const known = KNOWN.get(name)
  if (known === undefined) throw unknownOption(name)
  if (!known.takesValue) {
    if (value !== undefined) throw usage(`--${name} takes no value`)
    return true
  }
  // Another option in its place is none, unless it is written as one.
  const missing = value === undefined || (!inline && value.startsWith('-'))
  if (missing || (value === '' && !known.mayBeEmpty)) throw usage(`--${name} needs a value`)
  return value
}

function operationOf(values: ReadonlyMap<string, string | true>): Operation {
  const [operation, another] = OPERATIONS.filter(({ name }) => values.has(name))
  if (operation === undefined) throw usage('what to do is missing')
  if (another !== undefined) {
    throw usage(`--${operation.name} and --${another.name} exclude each other`)
  }
  const value = values.get(operation.name)
  if (operation.values !== undefined && !operation.values.includes(String(value))) {
    throw usage(`--${operation.name} must be one of ${operation.values.join(', ')}`)
  }
  return operation
}

function optionOf({ name, needs, takes }: Operation, given: string): OptionName {
  const option = [...needs, ...takes, 'socket' as const].find((one) => one === given)
  if (option === undefined) throw usage(`--${name} takes no --${given}`)
  return option
}

function unknownOption(name: string): CliError {
  const dashed = name.length === 1 ? `-${name}` : `--${name}`
  const near = closest(name, [...KNOWN.keys()])
  return usage(`unknown option ${dashed}${near === undefined ? '' : `; did you mean --${near}?`}`)
}

function usage(message: string): CliError {
  return new CliError('INVALID_ARGUMENT', message, HELP)
}
