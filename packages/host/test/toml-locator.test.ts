import { formatTomlKey, locateTomlKeys } from '@secreg/host'
import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { describe, expect, it } from 'vitest'

const at = (text: string, ...segments: string[]): string | undefined => {
  parse(text)
  const position = locateTomlKeys(text).of(segments)
  return position && `${position.line}:${position.column}`
}

describe('locateTomlKeys', () => {
  it.each<[string, string, string[], string | undefined]>([
    ['a root key', 'a = 1\nb = 2\n', ['b'], '2:1'],
    ['a key in a table', '[t]\n\n  a = 1', ['t', 'a'], '3:3'],
    ['a table header', '# c\n[ a . b ] # c\nc=1', ['a', 'b'], '2:7'],
    ['the parent of a header', '\n[a.b]', ['a'], '2:2'],
    ['a dotted key', 'x = 0\na.b.c = 1', ['a', 'b', 'c'], '2:5'],
    ['a dotted key with blanks', 'a . b = 1', ['a', 'b'], '1:5'],
    ['a quoted key', '["a b"]\n"c\\u0041" = 1', ['a b', 'cA'], '2:1'],
    ['a literal key', "'a.b' = 1", ['a.b'], '1:1'],
    ['a key that is not there', 'a = 1', ['a', 'b'], undefined],
    ['an inline table', 't = { a = 1, b = { c = 2 } }', ['t', 'b', 'c'], '1:20'],
    ['an inline table with dotted keys', 't = { a.b = "}", c = 1 }', ['t', 'c'], '1:18'],
    ['a key behind an empty inline table', 't = {}\na = 1', ['a'], '2:1'],
    ['a key behind a list', 'l = [\n 1, # ]\n "]", [2]\n]\na = 1', ['a'], '5:1'],
    ['a key in a table in a list', 'l = [ { a = 1 },\n { b = 2 } ]', ['l', 'b'], '2:4'],
    ['a table of a list', '[[l]]\na = 1\n[[l]]\nb = 2', ['l', 'b'], '4:1'],
    ['a key behind a basic string', 'a = "x = \\" # [t]"\nb = 1', ['b'], '2:1'],
    ['a key behind a literal string', "a = 'C:\\'\nb = 1", ['b'], '2:1'],
    ['a key behind a multi-line string', 'a = """\nb = 1\n\\"""\n"""""\nb = 2', ['b'], '5:1'],
    ['a key behind a multi-line literal', "a = '''\n'' b = 1\n'''''\nb = 2", ['b'], '4:1'],
    ['a string that looks like a table', 'a = """\n[t]\nc = 1\n"""\n[t]\nc = 2', ['t', 'c'], '6:1'],
    ['lines that end with CR LF', '[t]\r\n# c\r\na = 1\r\n', ['t', 'a'], '3:1'],
    ['a key behind an empty string', 'a = ""\nb = 1', ['b'], '2:1'],
    ['a key behind a comment at the end', 'a = 1 # b = 2\nb = 3 #', ['b'], '2:1'],
    ['a key behind a date', 'a = 2020-01-01 10:00:00 # x\nb = 1', ['b'], '2:1'],
    ['a key that repeats a parent', 'a.x = 1\na.y = 1', ['a'], '1:1'],
  ])('finds %s', (_name, text, segments, expected) => {
    expect(at(text, ...segments)).toBe(expected)
  })

  it('finds every key of any document', () => {
    const name = fc
      .string({ unit: 'grapheme', maxLength: 6 })
      .filter((text) => text !== '__proto__')
    const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.string()))
    const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
      table: fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      value: fc.oneof({ maxDepth: 3 }, leaf, tie('table')),
    }))
    fc.assert(
      fc.property(table, (document) => {
        const text = stringify(document)
        const positions = locateTomlKeys(text)
        const check = (value: Record<string, unknown>, path: string[]): void => {
          for (const [key, inner] of Object.entries(value)) {
            const segments = [...path, key]
            const position = positions.of(segments)
            expect(position, JSON.stringify(segments)).toBeDefined()
            if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
              check(inner as Record<string, unknown>, segments)
            } else {
              // The line must hold nothing but this key: taken alone it parses to its value's beginning.
              const line = text.split('\n')[(position?.line ?? 0) - 1] ?? ''
              expect(Object.values(parse(line))[0]).toEqual(inner)
            }
          }
        }
        check(parse(text), [])
      }),
      { numRuns: 300 },
    )
  })
})

describe('formatTomlKey', () => {
  it('quotes what is not bare', () => {
    expect(formatTomlKey(['a-1', 'b c', 'd.e', '', 'q"'])).toBe('a-1."b c"."d.e".""."q\\""')
  })
})
