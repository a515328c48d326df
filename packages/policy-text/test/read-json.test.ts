import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcome, place, refused } from './support.ts'

const read = (text: string) => outcome('json', text)

describe('JSON', () => {
  it.each<[string, string, string]>([
    ['an empty text', '', refused('ERR_POLICY_TEXT_SYNTAX', 1, 1)],
    ['a text that ends early', '{"a": [1\n', refused('ERR_POLICY_TEXT_SYNTAX', 1, 8)],
    ['a comment', '{} // x', refused('ERR_POLICY_TEXT_SYNTAX', 1, 4)],
    ['a trailing comma in an array', '{"a":[1,]}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 9)],
    ['a trailing comma in an object', '{"a":1,\n}', refused('ERR_POLICY_TEXT_SYNTAX', 2, 1)],
    ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', refused('ERR_POLICY_TEXT_SYNTAX', 3, 3)],
    ['a second value', '{} {}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 4)],
    ['a single quote', "{'a':1}", refused('ERR_POLICY_TEXT_SYNTAX', 1, 2)],
    ['a byte order mark', '\ufeff{}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 1)],
    ['a leading zero', '{"a":01}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['NaN', '{"a":NaN}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['a control character in a string', '{"a":"x\ty"}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 8)],
    ['a line end in a name', '{"a\nb":1}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 4)],
    ['an unknown escape', '{"a":"\\x41"}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 7)],
    ['a name given twice', '{"a":1,\r\n "a":1}', refused('ERR_POLICY_TEXT_DUPLICATE', 2, 2)],
    [
      'a name given twice in another spelling',
      '{"a":1,"\\u0061":1}',
      refused('ERR_POLICY_TEXT_DUPLICATE', 1, 8),
    ],
    [
      'a name given twice further in',
      '[{"b":{"a":1,"a":2}}]',
      refused('ERR_POLICY_TEXT_DUPLICATE', 1, 14),
    ],
    ['__proto__', '{"__proto__":{"a":1}}', refused('ERR_POLICY_TEXT_NAME', 1, 2)],
    ['an escaped __proto__', '{"\\u005f_proto__":1}', refused('ERR_POLICY_TEXT_NAME', 1, 2)],
    ['a number without an end', '{"a":1e999}', refused('ERR_POLICY_TEXT_VALUE', 1, 6)],
    ['an integer to be rounded', '{"a":9007199254740993}', refused('ERR_POLICY_TEXT_VALUE', 1, 6)],
    ['half a character', '{"a":"\\ud800"}', refused('ERR_POLICY_TEXT_VALUE', 1, 6)],
    ['half a character in a name', '{"\\udc00":1}', refused('ERR_POLICY_TEXT_VALUE', 1, 2)],
    ['33 levels', '['.repeat(33), refused('ERR_POLICY_TEXT_LIMIT', 1, 33)],
    ['a million brackets', '['.repeat(1_000_000), refused('ERR_POLICY_TEXT_LIMIT', 1, 33)],
    ['a million braces', '{"a":'.repeat(200_000), refused('ERR_POLICY_TEXT_LIMIT', 1, 161)],
  ])('refuses %s', (_name, text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it.each<[string, unknown]>([
    [`${'['.repeat(32)}${']'.repeat(32)}`, JSON.parse(`${'['.repeat(32)}${']'.repeat(32)}`)],
    [`{"a":"${'['.repeat(99)}\\"["}`, { a: `${'['.repeat(99)}"[` }],
    ['{"constructor":1,"toString":2}', { constructor: 1, toString: 2 }],
    [' { "a" : [ null , true , -1.5e3 , "\\u00e9\\n" ] } ', { a: [null, true, -1500, 'é\n'] }],
    ['"text"', 'text'],
    ['null', null],
  ])('reads %s', (text, document) => {
    expect(read(text)).toEqual(document)
  })

  it('reads what JSON.parse reads, and nothing else', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ':', ',', '"', '"a"', '"b":', '1', '-', '0', '.5', 'e1', 'true'],
      ...['null', ' ', '\n', '\\', '\\n', '\\u0041', '/', '#', '\t', '\u2028', '+', 'é'],
    )
    const mutated = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat({ max: 2 }), piece)
      .map(([text, at, cut, put]) => {
        const index = at % (text.length + 1)
        return text.slice(0, index) + put + text.slice(index + cut)
      })
    const texts = fc.oneof(
      fc.array(piece).map((pieces) => pieces.join('')),
      mutated,
      fc.json(),
    )
    fc.assert(
      fc.property(texts, (text) => {
        let expected: unknown
        try {
          expected = JSON.parse(text)
        } catch {
          expect(read(text)).toMatch(/^ERR_POLICY_TEXT_(SYNTAX|DUPLICATE|NAME|VALUE) /)
          return
        }
        const actual = read(text)
        // What JSON.parse takes and this does not is refused for another reason than its syntax.
        if (typeof actual === 'string' && actual.startsWith('ERR_')) {
          expect(actual).toMatch(/^ERR_POLICY_TEXT_(DUPLICATE|NAME|VALUE) /)
        } else expect(actual).toEqual(expected)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['', '1:1'],
    ['/id', '2:3'],
    ['/rules', '3:3'],
    ['/rules/0', '4:5'],
    ['/rules/0/effect', '5:7'],
    ['/rules/0/actions/1', '6:27'],
    ['/rules/0/when', '4:5'],
    ['/rules/0/when/mfa', '4:5'],
    ['/rules/7', '3:3'],
    ['/rules/01x', '3:3'],
    ['/a~1b~0', '9:3'],
  ])('locates %s', (pointer, expected) => {
    const text = `{
  "id": "web",
  "rules": [
    {
      "effect": "alow",
      "actions": ["read", "lst"]
    }
  ],
  "a/b~": 1
}`
    expect(place('json', text, pointer)).toBe(expected)
  })
})
