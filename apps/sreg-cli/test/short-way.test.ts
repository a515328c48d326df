import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOT_COMMANDS } from '../src/command-specs/hot.ts'
import { GLOBAL_OPTIONS, GRAMMAR } from '../src/command-table.ts'
import { invocationOf, readWords } from '../src/parse.ts'
import { HOT_GRAMMAR, isHotLine } from '../src/run.ts'

const isHot = (argv: readonly string[]): boolean => isHotLine(readWords(HOT_GRAMMAR, argv))

describe('the short way', () => {
  test.each([
    ['get', '/a'],
    ['get', '/a', '--decrypt', '-j'],
    ['get', '--version', '2', '/a'],
    [
      '-s',
      '/sock',
      'set',
      '/a',
      'x',
      '--if-version',
      '3',
      '--ttl',
      '7d',
      '--private',
      '--ephemeral',
    ],
    ['set', '/a', '-', '--if-revision=0', '--type', 'json', '--encrypt', '--raw'],
    ['set', '/a', '--', '--help'],
    ['delete', '/a', '--recursive'],
    ['list', '/', '--limit', '3', '--after', '/b', '-v'],
    // What is wrong with a value is told by the command itself.
    ['get', '/a', '--version', 'x'],
    ['get'],
  ])('%j', (...argv) => expect(isHot(argv)).toBe(true))

  test.each([
    [],
    ['--version'],
    ['get', '/a', '--help'],
    ['get', '/a', '--version'],
    ['get', '/a', '--recursive'],
    ['get', '/a', '--bogus'],
    ['--user', 'get', '/a'],
    ['search', 'x'],
    ['history', '/a'],
    ['gett', '/a'],
  ])('not %j', (...argv) => expect(isHot(argv)).toBe(false))

  test('a line means the same on both ways', () => {
    const names = [...GRAMMAR.options.keys()].map((name) => `--${name}`)
    const shorts = GLOBAL_OPTIONS.flatMap(({ short }) => (short === undefined ? [] : [`-${short}`]))
    const word = fc.oneof(
      fc.constantFrom('get', 'set', 'delete', 'list', 'user', '/a', '/b', '2', '-', '--', '-5', ''),
      fc.constantFrom(...names, ...shorts, '--bogus', '-x', '-jv'),
      fc.constantFrom(...names).map((name) => `${name}=1`),
    )
    const line = fc
      .tuple(fc.constantFrom('get', 'set', 'delete', 'list'), fc.array(word, { maxLength: 6 }))
      .chain(([command, words]) =>
        fc.nat(words.length).map((at) => words.toSpliced(at, 0, command)),
      )
    const outcome = (read: () => unknown): unknown => {
      try {
        return read()
      } catch (error) {
        return (error as Error).message
      }
    }
    let hot = 0
    fc.assert(
      fc.property(line, (argv) => {
        const words = readWords(HOT_GRAMMAR, argv)
        if (!isHotLine(words)) return
        hot++
        expect(outcome(() => invocationOf(HOT_GRAMMAR, words))).toEqual(
          outcome(() => invocationOf(GRAMMAR, readWords(GRAMMAR, argv))),
        )
      }),
      { numRuns: 3000 },
    )
    expect(hot).toBeGreaterThan(100)
  })

  test('its commands are those of the whole table', () => {
    for (const command of HOT_COMMANDS) expect(GRAMMAR.commands.get(command.name)).toBe(command)
  })
})
