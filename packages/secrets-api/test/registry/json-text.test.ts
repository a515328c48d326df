import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMembers, readMembers } from '../../src/registry/json-text.ts'

const valuesOf = (text: string) =>
  Object.fromEntries([...(readMembers(text) ?? [])].map(([name, { value }]) => [name, value]))

describe('members', () => {
  test('any object is read as a parser reads it, and each text is one of its value', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 }),
        fc.constantFrom(undefined, 1, '\t'),
        (object, indent) => {
          // Through text, so that -0 is what text makes of it.
          const text = JSON.stringify(object, undefined, indent)
          const members = readMembers(text)
          expect(members?.size).toBe(Object.keys(object).length)
          for (const [name, member] of members ?? []) {
            expect(JSON.parse(member.text)).toEqual(JSON.parse(text)[name])
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each(['[1]', '"{}"', '1', 'null', ' [{"a":1}] '])('%s is no object', (text) => {
    expect(readMembers(text)).toBeUndefined()
  })

  test.each(['', '{', '{"a":1', '{"a":secret-value}', 'x', '{"a"}'])('%s is no JSON', (text) => {
    expect(() => readMembers(text)).toThrow(SyntaxError)
    expect(() => readMembers(text)).not.toThrow(/secret-value/)
  })

  test('what looks like the structure, within texts and deeper', () => {
    expect(valuesOf('{"a,}":"x\\",\\"b\\":1}","c":{"d":[1,{"e":"}"}]},"\\u0066":2}')).toEqual({
      'a,}': 'x","b":1}',
      c: { d: [1, { e: '}' }] },
      f: 2,
    })
    expect(valuesOf('{"a":1,"a":2}')).toEqual({ a: 2 })
    expect(readMembers('{"__proto__":1}')?.get('__proto__')?.value).toBe(1)
    expect(readMembers(' { } ')?.size).toBe(0)
  })

  test.each([
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567890.5',
    '0.12345678901234567890123',
    '1e400',
    '1e-400',
    '-0',
    '1e999999999999999999999',
  ])('%s is told as its digits', (number) => {
    expect(valuesOf(`{"n":${number},"deep":[{"n":${number}}]}`)).toEqual({
      n: number,
      deep: [{ n: number }],
    })
  })

  test.each(['0', '0.0', '1.50', '1E2', '-1.5e-7', '1e21', '123456789012345', '9007199254740991'])(
    '%s is a number',
    (number) => {
      const exact = number !== '1e21'
      expect(valuesOf(`{"n":${number}}`)).toEqual({ n: exact ? Number(number) : number })
    },
  )

  test('a number that can be held is never told as text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const held = !Number.isInteger(number) || Number.isSafeInteger(number)
        fc.pre(held && !Object.is(number, -0))
        expect(valuesOf(JSON.stringify({ number }))).toEqual({ number })
      }),
    )
  })

  test('levels end at 1000', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(readMembers(nested(999))?.size).toBe(1)
    expect(() => readMembers(nested(1000))).toThrow(RangeError)
    expect(() => readMembers(nested(300_000))).toThrow(RangeError)
  })

  test('a text of a MiB of escapes', () => {
    const text = JSON.stringify({ n: 1, escapes: '"\\'.repeat(250_000) })
    expect(valuesOf(text)).toEqual(JSON.parse(text))
  })
})

describe('texts', () => {
  test('members keep theirs where they have not changed', () => {
    const text = '{ "n": 9007199254740993, "f": 1.50, "o": {"x": 1e2 , "y":[ ]}, "t": "\\u0041" }'
    const present = readMembers(text)
    const data = new Map([...(present ?? [])].map(([name, { value }]) => [name, value]))
    data.set('f', 2).set('new', 'x')
    expect(formatMembers(data, present)).toBe(
      '{"n":9007199254740993,"f":2,"o":{"x": 1e2 , "y":[ ]},"t":"\\u0041","new":"x"}',
    )
    expect(formatMembers(data)).toBe(
      '{"n":"9007199254740993","f":2,"o":{"x":100,"y":[]},"t":"A","new":"x"}',
    )
  })

  test.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: [1] }, { a: [1, 2] }],
    [{ a: [] }, { a: {} }],
    [{ a: null }, { a: {} }],
    [{ a: { b: 1 } }, { a: { c: 1 } }],
    [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }],
  ])('%j is not %j', (before, after) => {
    const present = readMembers(JSON.stringify(before))
    const text = formatMembers(new Map(Object.entries(after)), present)
    expect(JSON.parse(text)).toEqual(after)
  })

  test('any change of any object is what is written', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 })
    fc.assert(
      fc.property(object, object, (before, after) => {
        const present = readMembers(JSON.stringify(before))
        const text = formatMembers(new Map(Object.entries(after)) as never, present)
        expect(text).toBe(JSON.stringify(after))
      }),
    )
  })
})
