import { describe, expect, test } from 'vitest'
import { closest } from '../src/closest.ts'
import {
  COMMANDS,
  type CommandSpec,
  GLOBAL_OPTIONS,
  type OptionSpec,
} from '../src/command-table.ts'
import { invocationOf, readWords } from '../src/parse.ts'
import { makeWorld } from './harness.ts'

const parse = (argv: readonly string[]) => invocationOf(readWords(argv))

/** Every command with the words that name it. */
const specs = [...COMMANDS.values()].flatMap((command): [string[], CommandSpec][] =>
  command.subcommands === undefined
    ? [[[command.name], command]]
    : command.subcommands.map((one) => [[command.name, one.name], one]),
)

const wordsOf = (names: readonly string[], spec: CommandSpec): string[] => [
  ...names,
  ...spec.operands.map(({ values }, index) => values?.[0] ?? `/operand${index}`),
]

const sampleOf = (option: OptionSpec): string => option.values?.[0] ?? 'value'

/** The ways to write an option. */
function formsOf(option: OptionSpec): string[][] {
  if (option.value === undefined) {
    return [[`--${option.name}`], ...(option.short === undefined ? [] : [[`-${option.short}`]])]
  }
  const value = sampleOf(option)
  return [
    [`--${option.name}`, value],
    [`--${option.name}=${value}`],
    ...(option.short === undefined ? [] : [[`-${option.short}`, value]]),
  ]
}

describe('weakness 56: every documented option in any position is accepted, unknown ones are refused', () => {
  test.each(specs)('%j', (names, spec) => {
    const words = wordsOf(names, spec)
    for (const option of [...spec.options, ...GLOBAL_OPTIONS]) {
      for (const form of formsOf(option)) {
        for (let at = 0; at <= words.length; at++) {
          const argv = [...words.slice(0, at), ...form, ...words.slice(at)]
          const invocation = parse(argv)
          expect([invocation.command, invocation.subcommand].slice(0, names.length)).toEqual(names)
          expect(invocation.operands).toEqual(words.slice(names.length))
          expect(invocation.options.get(option.name)).toBe(
            option.value === undefined ? true : sampleOf(option),
          )
        }
      }
    }
  })

  test('all options of a command at once, in front and behind', () => {
    for (const [names, spec] of specs) {
      const options = [...spec.options, ...GLOBAL_OPTIONS].flatMap(
        (option) => formsOf(option)[0] ?? [],
      )
      const words = wordsOf(names, spec)
      for (const argv of [
        [...options, ...words],
        [...words, ...options],
      ]) {
        expect(parse(argv).operands).toEqual(words.slice(names.length))
      }
    }
  })

  test.each([
    [['get', '/a', '--decript'], 'unknown option --decript; did you mean --decrypt?'],
    [['get', '/a', '--recursive'], 'unknown option --recursive'],
    [['bogus', '--decript'], 'unknown option --decript; did you mean --decrypt?'],
    [['get', '/a', '-x'], 'unknown option -x'],
    [['--bogus', 'get', '/a'], 'unknown option --bogus'],
    [['gett', '/a'], 'unknown command "gett"; did you mean get?'],
    [['frobnicate'], 'unknown command "frobnicate"'],
    [['user', 'ad', 'bob'], 'unknown command "user ad"; did you mean add?'],
    [['user'], '"user" needs one of list, show, add'],
    [['get'], '<key> is missing'],
    [['set', '/a'], '<value> is missing'],
    [['get', '/a', '/b'], 'too many arguments: "get" takes 1'],
    [['status', 'now'], 'too many arguments: "status" takes 0'],
    [['set', '/a', '1', '--type', 'integr'], 'did you mean integer?'],
    [['set', '/a', '1', '--type'], 'option --type needs a value: TYPE'],
    [['set', '/a', '1', '--type', ''], 'option --type needs a value: TYPE'],
    [['audit', '--user', '--key', '/a'], 'option --user needs a value: USER'],
    [['audit', '--user', 'a', '--user', 'b'], 'option --user is given twice'],
    [['get', '/a', '--decrypt=yes'], 'option --decrypt takes no value'],
    [['get', '/a', '--no-decrypt'], 'unknown option --no-decrypt'],
    [['get', '/a', '--__proto__', 'x'], 'unknown option'],
    [['get', '/a', '--constructor'], 'unknown option --constructor'],
    [['completion', 'tcsh'], 'must be one of bash, zsh, fish'],
    [[], 'a command is needed'],
    [['-j'], 'a command is needed'],
  ])('%j → exit 1, a message, an empty stdout', async (argv, message) => {
    const world = await makeWorld()
    const { code, stdout, stderr } = await world.sreg(argv)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(world.registry.asked).toEqual([])
  })
})

describe('words', () => {
  test('a switch never takes the word behind it', () => {
    expect(parse(['set', '/a', '--encrypt', 'true']).operands).toEqual(['/a', 'true'])
    expect(parse(['set', '/a', '-j', 'false']).operands).toEqual(['/a', 'false'])
    expect(parse(['--json', 'get', '/a']).operands).toEqual(['/a'])
  })

  test('values are never changed', () => {
    const values = [
      '-',
      '-5',
      '-0.5',
      '007',
      '1e3',
      '0x10',
      '',
      ' a ',
      '"q"',
      "'q'",
      'a=b',
      '@f',
      'true',
      'č',
      '\n',
    ]
    for (const value of values) expect(parse(['set', '/a', value]).operands).toEqual(['/a', value])
    expect(parse(['set', '/a', '--', '--type']).operands).toEqual(['/a', '--type'])
    expect(parse(['set', '--', '-x', '--']).operands).toEqual(['-x', '--'])
  })

  test('short options stand together', () => {
    expect([...parse(['-jvs', '/sock', 'status']).options]).toEqual([
      ['json', true],
      ['verbose', true],
      ['socket', '/sock'],
    ])
    expect(parse(['-s/sock', 'status']).options.get('socket')).toBe('/sock')
    expect(parse(['status', '-s=/sock']).options.get('socket')).toBe('/sock')
  })

  test('one option means the same kind of thing in every command', () => {
    const kinds = new Map<string, boolean>()
    for (const [, spec] of specs) {
      for (const { name, value } of [...spec.options, ...GLOBAL_OPTIONS]) {
        expect(kinds.get(name) ?? value !== undefined).toBe(value !== undefined)
        kinds.set(name, value !== undefined)
      }
    }
  })

  test('the closest name', () => {
    const names = [...COMMANDS.keys()]
    expect(closest('stauts', names)).toBe('status')
    expect(closest('exp', names)).toBe('export')
    expect(closest('GET', names)).toBe('get')
    expect(closest('', names)).toBeUndefined()
    expect(closest('xyzzy', names)).toBeUndefined()
    expect(closest('g'.repeat(10_000), names)).toBeUndefined()
  })
})
