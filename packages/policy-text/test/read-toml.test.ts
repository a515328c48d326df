import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { outcome, place, refused } from './support.ts'

const read = (text: string) => outcome('toml', text)

describe('TOML', () => {
  it.each<[string, string, string]>([
    ['a key without a value', 'a =\nb = 1', refused('ERR_POLICY_TEXT_SYNTAX', 1, 4)],
    ['a string without an end', 'a = 1\nb = "x', refused('ERR_POLICY_TEXT_SYNTAX', 2, 5)],
    ['an array without an end', 'a = [1,\n', refused('ERR_POLICY_TEXT_SYNTAX', 2, 1)],
    ['two pairs on a line', 'a = 1 b = 2', refused('ERR_POLICY_TEXT_SYNTAX', 1, 7)],
    ['a key given twice', 'a = 1\n  a = 2', refused('ERR_POLICY_TEXT_DUPLICATE', 2, 3)],
    ['a table given twice', '[a]\n[a]', refused('ERR_POLICY_TEXT_DUPLICATE', 2, 2)],
    ['a table of a value', 'a = 1\n[a.b]', refused('ERR_POLICY_TEXT_DUPLICATE', 2, 2)],
    ['a list of tables of a list', 'a = []\n[[a]]', refused('ERR_POLICY_TEXT_DUPLICATE', 2, 3)],
    ['__proto__', 'a = 1\n__proto__ = 1', refused('ERR_POLICY_TEXT_NAME', 2, 1)],
    ['__proto__ as a table', '[__proto__.a]\nb = 1', refused('ERR_POLICY_TEXT_NAME', 1, 2)],
    ['__proto__ in a key', 'a."__proto__".b = 1', refused('ERR_POLICY_TEXT_NAME', 1, 3)],
    ['a date', 'a = 1\nb = 2026-01-01', refused('ERR_POLICY_TEXT_VALUE', 2, 5)],
    ['a time', 'a = 09:00:00', refused('ERR_POLICY_TEXT_VALUE', 1, 5)],
    ['inf', 'a = [1, inf]', refused('ERR_POLICY_TEXT_VALUE', 1, 9)],
    ['nan', 'a = nan', refused('ERR_POLICY_TEXT_VALUE', 1, 5)],
    ['an integer to be rounded', 'a = 9007199254740993', refused('ERR_POLICY_TEXT_VALUE', 1, 5)],
    ['a byte order mark', '\ufeffa = 1', refused('ERR_POLICY_TEXT_SYNTAX', 1, 1)],
    [
      '33 levels',
      `a = ${'['.repeat(32)}${']'.repeat(32)}`,
      refused('ERR_POLICY_TEXT_LIMIT', 1, 36),
    ],
    ['33 names', `${'a.'.repeat(32)}a = 1`, refused('ERR_POLICY_TEXT_LIMIT', 1, 63)],
    [
      'a million brackets',
      `a = ${'['.repeat(1_000_000)}`,
      refused('ERR_POLICY_TEXT_LIMIT', 1, 1005),
    ],
  ])('refuses %s', (_name, text, expected) => {
    expect(read(text)).toBe(expected)
  })

  const text = `# who may read
id = "web"

[[rules]]
id = "a"
actions = ["read", # often
  "lst"]
when.time = { from = "09:00", to = "17:00" }

[[rules]]
id = 'b'
  [rules.when]
  mfa = true
  [rules.unless.metadata]
  "a/b" = """
x"""
`

  it('reads tables, lists of tables, dotted keys and inline tables', () => {
    expect(read(text)).toEqual({
      id: 'web',
      rules: [
        { id: 'a', actions: ['read', 'lst'], when: { time: { from: '09:00', to: '17:00' } } },
        { id: 'b', when: { mfa: true }, unless: { metadata: { 'a/b': 'x' } } },
      ],
    })
  })

  it.each([
    ['', '1:1'],
    ['/id', '2:1'],
    ['/rules', '4:3'],
    ['/rules/0', '4:1'],
    ['/rules/0/actions/1', '7:3'],
    ['/rules/0/when', '8:1'],
    ['/rules/0/when/time', '8:6'],
    ['/rules/0/when/time/to', '8:31'],
    ['/rules/1', '10:1'],
    ['/rules/1/id', '11:1'],
    ['/rules/1/when', '12:10'],
    ['/rules/1/when/mfa', '13:3'],
    ['/rules/1/unless', '14:10'],
    ['/rules/1/unless/metadata/a~1b', '15:3'],
    ['/rules/1/effect', '10:1'],
  ])('locates %s', (pointer, expected) => {
    expect(place('toml', text, pointer)).toBe(expected)
  })

  it('reads what smol-toml reads, as it reads it', () => {
    const piece = fc.constantFrom(
      ...['a', 'b', 'a.b', '"c"', ' = ', '=', '[', ']', '[[', ']]', '{', '}', ',', '\n', '\n', '1'],
      ...[
        '"x"',
        "'y'",
        'true',
        '"""',
        '#',
        ' ',
        '0x1',
        '1_0',
        '-0.5',
        '\\',
        '\r\n',
        '[a]\n',
        '[[b]]\n',
      ],
      ...['a = 1\n', 'b = [1, 2]\n', 'c.d = {e = 1}\n', '[c]\n', '[[c.d]]\n'],
    )
    const document = fc.dictionary(
      fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
      fc.oneof(
        fc.integer(),
        fc.string(),
        fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'é.'), fc.array(fc.boolean()))),
      ),
      { noNullPrototype: true },
    )
    const texts = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      document.map((value) => stringify(value)),
    )
    fc.assert(
      fc.property(texts, (text) => {
        let expected: unknown
        try {
          expected = parse(text)
        } catch {
          expect(read(text)).toMatch(/^ERR_POLICY_TEXT_(SYNTAX|DUPLICATE) /)
          return
        }
        expect(read(text)).toEqual(expected)
      }),
      { numRuns: 3000 },
    )
  })
})
