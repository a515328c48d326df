import { describe, expect, test } from 'vitest'
import { closest } from '../src/closest.ts'
import {
  COMMANDS,
  type CommandSpec,
  GLOBAL_OPTIONS,
  GRAMMAR,
  type OptionSpec,
  VERSION_SWITCH,
} from '../src/command-table.ts'
import { invocationOf, preambleOf, readWords } from '../src/parse.ts'
import { makeWorld } from './harness.ts'

const read = (argv: readonly string[]) => readWords(GRAMMAR, argv)
const parse = (argv: readonly string[]) => invocationOf(GRAMMAR, read(argv))

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

/** The words that options may stand among, and those that `--` keeps apart from them. */
function partsOf(names: readonly string[], spec: CommandSpec): [string[], string[]] {
  const words = wordsOf(names, spec)
  if (spec.verbatim !== true) return [words, []]
  return [words.slice(0, names.length), ['--', ...words.slice(names.length)]]
}

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
    const [open, apart] = partsOf(names, spec)
    for (const option of [...spec.options, ...GLOBAL_OPTIONS]) {
      for (const form of formsOf(option)) {
        for (let at = 0; at <= open.length; at++) {
          const argv = [...open.slice(0, at), ...form, ...open.slice(at), ...apart]
          const invocation = parse(argv)
          expect([invocation.command, invocation.subcommand].slice(0, names.length)).toEqual(names)
          expect(invocation.operands).toEqual(words.slice(names.length))
          const sample = sampleOf(option)
          expect(invocation.options.get(option.name)).toEqual(
            option.value === undefined ? true : option.repeats === true ? [sample] : sample,
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
      const [open, apart] = partsOf(names, spec)
      for (const argv of [
        [...options, ...open, ...apart],
        [...open, ...options, ...apart],
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
    [['get', '/a', '--version'], 'option --version needs a value: N'],
    [['get', '/a', '--version='], 'option --version needs a value: N'],
    [['--version', 'get', '/a'], 'option --version needs a value: N'],
    [['get', '/a', '--version', '2', '--version', '3'], 'option --version is given twice'],
    [['get', '/a', '--version', '0'], '--version must be a number from 1 on'],
    [['get', '/a', '--version', '1.5'], '--version must be a number from 1 on'],
    [['get', '/a', '--version', '99999999999999999'], '--version must be a number from 1 on'],
    [['status', '--version'], 'unknown option --version'],
    [['list', '/', '--version', '2'], 'unknown option --version'],
    [['user', 'list', '--version'], 'unknown option --version'],
    [['set', '/a', 'x', '--ttl', '1.5h'], '--ttl must be a duration'],
    [['set', '/a', 'x', '--ttl', '0s'], '--ttl must be a duration'],
    [['set', '/a', 'x', '--ttl', '999999999w'], '--ttl must be a duration'],
    [['set', '/a', 'x', '--ttl', 'soon'], 'use 90s 15m 1h 7d 2w'],
    [['set', '/a', 'x', '--if-version', '-1'], '--if-version must be a number from 0 on'],
    [['list', '/', '--limit', '0'], '--limit must be a number from 1 on'],
    [['destroy', '/a'], '<version> is missing: the versions'],
    [['destroy', '/a', '1', 'two', '--yes'], '<version> must be a number from 1 on'],
    [['rollback', '/a', '0'], '<version> must be a number from 1 on'],
    [['diff', '/a', '1', '2', '3'], 'too many arguments: "diff" takes 3'],
    [['diff', '/a', '1', 'x'], '<to> must be a number from 1 on'],
    [['meta', 'set', '/a', '--tag', 'a', '--tag'], 'option --tag needs a value: TAG'],
    [['meta', 'set', '/a', '--custom', 'owner'], 'option --custom needs a value: NAME=VALUE'],
    [['meta', 'set', '/a', '--custom', '=x'], 'option --custom needs a value: NAME=VALUE'],
    [['meta', 'set', '/a', '--custom', 'a=1', '--custom', 'a=2'], 'given twice for one name'],
    [['meta', 'set', '/a', '--custom', 'a=1', '--remove', 'a'], 'have one name in common'],
    [['meta', 'set', '/a', '--tag', 'a', '--no-tags'], '--tag and --no-tags exclude each other'],
    [['meta', 'set', '/a', '--cas-required', '--no-cas-required'], 'exclude each other'],
    [['meta', 'set', '/a', '--grant'], '--grant is only for --custom'],
    [['meta', 'set', '/a'], 'what to set is missing'],
    [['meta', 'set', '/a', '--if-revision', '3'], 'what to set is missing'],
    [['meta', 'set', '/a', '--max-versions', '0'], '--max-versions must be a number from 1 on'],
    [['search'], 'what to search for is missing'],
    [['search', '--limit', '3'], 'what to search for is missing'],
    [['search', '--metadata', 'owner'], 'option --metadata needs a value: NAME=VALUE'],
    [['watch', '/a', '--exact', '--no-recursive'], 'exclude each other'],
    [['watch', '/a', '--generation', 'g1'], '--generation is only for --since'],
    [['mount', 'set', '/kv/a', 'kv', '--delete-after', '0'], '--delete-after must not be 0'],
    [['purge', '/a'], 'give --yes too'],
    [['destroy', '/a', '1'], 'give --yes too'],
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
  test('a command line of its own stands behind --, and is left as it is', () => {
    const own = ['prog', '--json', '-x', '', '--', '12', "'q'", '--help', '--version']
    const invocation = parse(['run', '-v', '--', ...own])
    expect(invocation.operands).toEqual(own)
    expect([...invocation.options.keys()]).toEqual(['verbose'])
    expect(preambleOf(read(['run', '--', ...own]))).toEqual({
      json: false,
      verbose: false,
      help: false,
      version: false,
    })
    for (const argv of [
      ['run', 'prog'],
      ['run', 'prog', '--', '-x'],
      ['run', '--json', 'prog'],
    ]) {
      expect(() => parse(argv)).toThrow('-- is missing')
    }
    expect(() => parse(['run', '--'])).toThrow('<command> is missing')
    expect(() => parse(['run'])).toThrow('<command> is missing')
    expect(parse(['get', '--', '--a']).operands).toEqual(['--a'])
  })

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

  test('--version is a switch without a command and a number with one that has it', () => {
    const version = (...argv: string[]): unknown => parse(argv).options.get('version')
    expect(version('get', '/a', '--version', '2')).toBe('2')
    expect(version('get', '--version=2', '/a')).toBe('2')
    expect(version('--version', '2', '-j', 'get', '/a')).toBe('2')
    expect(version('undelete', '/a', '--version', '7')).toBe('7')
    expect(parse(['set', '/a', '--', '--version']).operands).toEqual(['/a', '--version'])
    for (const argv of [['--version'], ['-j', '--version'], ['--version', '-s', '/get']]) {
      expect(preambleOf(read(argv)).version).toBe(true)
    }
    for (const argv of [['get', '/a', '--version', '2'], ['get', '/a'], []]) {
      expect(preambleOf(read(argv)).version).toBe(false)
    }
  })

  test('options that may be repeated keep their order; the last operand may be several', () => {
    const { options, key, operands } = parse([
      'meta',
      'set',
      '--tag',
      'b',
      '/a',
      '--tag=a',
      '--custom',
      'x=1=2',
    ])
    expect(options.get('tag')).toEqual(['b', 'a'])
    expect(options.get('custom')).toEqual(['x=1=2'])
    expect({ key, operands }).toEqual({ key: '/a', operands: ['/a'] })
    expect(parse(['destroy', '/a', '1', '2', '3']).operands).toEqual(['/a', '1', '2', '3'])
    expect(parse(['copy', '/a', '/b']).key).toBeUndefined()
  })

  test('one option means the same kind of thing in every command', () => {
    const kinds = new Map<string, boolean>()
    for (const [, spec] of specs) {
      for (const { name, value } of [...spec.options, ...GLOBAL_OPTIONS]) {
        // Two options of one name: the switch needs no command, the number needs one.
        if (name === VERSION_SWITCH.name) continue
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
