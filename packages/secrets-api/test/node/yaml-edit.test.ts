import type { JsonValue } from '@secreg/secrets-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatYaml, isEqual, putMap, removeNode } from '../../src/node/yaml-edit.ts'
import { readYaml, type YamlTree } from '../../src/node/yaml-text.ts'
import { reasonOf } from '../reason-of.ts'

function put(text: string, names: readonly string[], data: Record<string, JsonValue>): string {
  const { document } = readYaml(text)
  putMap(document, names, new Map(Object.entries(data)))
  const expected = (tree: YamlTree, [name = '', ...rest]: readonly string[]): YamlTree => ({
    ...tree,
    [name]:
      rest.length === 0
        ? data
        : expected(((tree[name] as YamlTree | null) ?? {}) as YamlTree, rest),
  })
  return formatYaml(document, expected(readYaml(text).tree, names))
}

const BEFORE = `# Of this machine.
secret:
  # What programs see.
  env:
    A: abc # the first
    B: "two"
    n: 0x1f

  crud: { DB_USER: app }
other: 1
`

describe('a change', () => {
  test('leaves all else as it was written', () => {
    const after = put(BEFORE, ['secret', 'env'], { A: 'abc', B: 'new', n: 31, C: 'true' })
    expect(after).toBe(BEFORE.replace('"two"', '"new"').replace('0x1f\n', '0x1f\n    C: "true"\n'))
  })

  test('removes what is not given any more', () => {
    const after = put(BEFORE, ['secret', 'env'], { A: 'abc' })
    expect(readYaml(after).tree).toMatchObject({ secret: { env: { A: 'abc' } }, other: 1 })
    expect(after).toContain('A: abc # the first')
    expect(after).not.toContain('two')
  })

  test('makes maps on its way, also of nothing', () => {
    expect(put('', ['secret', 'a'], { k: 'v' })).toBe('secret:\n  a:\n    k: "v"\n')
    expect(put('secret:\n', ['secret', 'a'], { k: 1 })).toBe('secret:\n  a:\n    k: 1\n')
    expect(put('# only this\n', ['s', 'a'], {})).toBe('# only this\n\ns:\n  a: {}\n')
  })

  test.each([
    ['secret: text\n', ['secret', 'a']],
    ['secret: [1]\n', ['secret', 'a']],
    [BEFORE, ['secret', 'env', 'A']],
    [BEFORE, ['secret', 'env', 'A', 'b']],
    [BEFORE, ['other', 'x']],
  ])('never puts a map over a value: %j %j', (text, names) => {
    const { document } = readYaml(text)
    expect(reasonOf(() => putMap(document, names, new Map()))).toBe('INCOMPATIBLE_PAYLOAD')
  })

  test('is not written if it would not be read back', () => {
    const { document } = readYaml(BEFORE)
    removeNode(document, ['secret', 'env'])
    expect(reasonOf(() => formatYaml(document, readYaml(BEFORE).tree))).toBe('PROVIDER_ERROR')
  })
})

describe('any values', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, unit: 'binary' }),
    fc.constantFrom(
      'true',
      'null',
      '~',
      '1',
      '-',
      '? a',
      'a: b',
      '#c',
      '*d',
      '&e',
      '__proto__',
      '',
    ),
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'true',
      'null',
      '~',
      '0x1F',
      '1e3',
      '- a',
      'a\n b\n',
      ' a ',
      '\t',
      '\0',
      '\x7f',
    ),
    fc.constantFrom(
      '\u0085',
      '\u2028',
      '\ufeff',
      '"',
      "'",
      '|',
      '...',
      '---',
      '*a',
      '!!str a',
      '\r',
    ),
  )
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each || 0),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(name, tie('value')), { maxLength: 3 })
        .map((each) => Object.fromEntries(each)),
    ),
  }))
  /** Names and values that a file can hold: whole numbers that are exact, and no key of merging. */
  const holds = (each: JsonValue): boolean => {
    if (typeof each === 'string') return !/\p{Surrogate}/u.test(each)
    if (typeof each === 'number') return !Number.isInteger(each) || Number.isSafeInteger(each)
    if (typeof each !== 'object' || each === null) return true
    return Object.entries(each).every(
      ([key, member]) => key !== '<<' && holds(key) && holds(member),
    )
  }

  test('are read back as they were, over whatever was there', () => {
    const data = fc.array(fc.tuple(name, value), { maxLength: 4 }).map(Object.fromEntries)
    fc.assert(
      fc.property(data, data, name, (first, second, segment) => {
        fc.pre(holds(first) && holds(second) && holds({ [segment]: 1 }))
        const once = put(BEFORE, ['secret', segment, 'x'], first)
        const twice = put(once, ['secret', segment, 'x'], second)
        const { secret } = readYaml(twice).tree as { secret: Record<string, { x: JsonValue }> }
        expect(secret[segment]?.x).toEqual(second)
      }),
      { numRuns: 250 },
    )
  })
})

test('equality of JSON does not mind the order of members', () => {
  expect(isEqual({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true)
  for (const [a, b] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: 1 }, { b: 1 }],
    [[], {}],
    [
      [1, 2],
      [2, 1],
    ],
    [null, {}],
    [{ a: null }, {}],
    [1, '1'],
  ] as [JsonValue, JsonValue][]) {
    expect(isEqual(a, b)).toBe(false)
    expect(isEqual(b, a)).toBe(false)
  }
})
