import { SubauthError } from '@secreg/subauth'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJsonObject } from '../../src/wire/json-object.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parseJsonObject(bytesOf(text))
const reasonOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (SubauthError.is(error)) return error.reason
    throw error
  }
  return undefined
}

describe('one object', () => {
  test.each([
    ['{}', {}],
    [' \t\r\n{"a":1}\n', { a: 1 }],
    ['{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}', { a: { a: [{ a: 1 }, { a: 2 }] }, b: 'a' }],
    ['{"a":"{\\"a\\":1,\\"a\\":2}"}', { a: '{"a":1,"a":2}' }],
    ['{"a":["a","a",{"b":"a"}],"b":["a"]}', { a: ['a', 'a', { b: 'a' }], b: ['a'] }],
    ['{"a\\\\":1,"a":2}', { 'a\\': 1, a: 2 }],
    ['{"\u00e9":1,"e\u0301":2}', { '\u00e9': 1, 'e\u0301': 2 }],
  ])('%s', (text, wanted) => {
    expect(parse(text)).toEqual(wanted)
  })

  test.each([
    '',
    ' ',
    '[]',
    'null',
    '7',
    '"{}"',
    '{',
    '{}{}',
    '{}]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"\\x":1}',
    '{"a',
    '\ufeff{}',
    '{}\0',
    '\u00a0{}',
  ])('refused: %j', (text) => {
    expect(reasonOf(() => parse(text))).toBe('MALFORMED')
  })

  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"a":2}}',
    '{"x":[[{"b":[],"c":{},"b":0}]]}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{ "a" : [1,2] , "a" : 1 }',
  ])('twice: %s', (text) => {
    expect(reasonOf(() => parse(text))).toBe('DUPLICATE_KEY')
  })

  test.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]])(
    'not UTF-8: %s',
    (...bad) => {
      const packet = Uint8Array.of(...bytesOf('{"a":"'), ...bad, ...bytesOf('"}'))
      expect(reasonOf(() => parseJsonObject(packet))).toBe('MALFORMED')
    },
  )

  test('nesting ends at 64, and what is deeper exhausts nothing', () => {
    const nested = (depth: number) => `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    expect(reasonOf(() => parse(nested(64)))).toBe(undefined)
    expect(reasonOf(() => parse(nested(65)))).toBe('MALFORMED')
    expect(reasonOf(() => parse(nested(1_000_000)))).toBe('MALFORMED')
    expect(reasonOf(() => parse('{"a":'.repeat(1_000_000)))).toBe('MALFORMED')
    expect(parse(`{"x":"${'['.repeat(100)}"}`)).toEqual({ x: '['.repeat(100) })
  })

  test('a key of the prototype is a key like others', () => {
    const object = parse('{"__proto__":{"cmd":"nop"},"constructor":1}')
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(object['cmd']).toBe(undefined)
    expect(Object.keys(object)).toEqual(['__proto__', 'constructor'])
  })
})

describe('as JSON.parse', () => {
  const fits = (depth: number) => (value: unknown) => depthOf(value) <= depth
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
      : 0

  test('every object is read as it is, whatever its form', () => {
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()).filter(fits(64))
    fc.assert(
      fc.property(object, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('whatever is accepted, JSON.parse accepts, and no key is lost', () => {
    const piece = fc.constantFrom(...'{}[]:,"\\ ', '"a"', '"a":', '1', 'null', '\\"', '\\u0061')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = `{${pieces.join('')}}`
        const reason = reasonOf(() => parse(text))
        if (reason === undefined || reason === 'DUPLICATE_KEY') JSON.parse(text)
        else expect(() => JSON.parse(text)).toThrow()
      }),
      { numRuns: 3000 },
    )
  })

  test('a key that is given again at any depth is found', () => {
    const member = fc.tuple(fc.constantFrom('a', 'b', '\\u0061', '__proto__'), fc.nat(9))
    const object = fc.uniqueArray(member, { selector: ([name]) => JSON.parse(`"${name}"`) })
    const text = (members: readonly (readonly [string, number])[]) =>
      `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`
    fc.assert(
      fc.property(object, fc.boolean(), (members, nested) => {
        const wrap = (inner: string) => (nested ? `{"x":[0,${inner}],"y":1}` : inner)
        expect(reasonOf(() => parse(wrap(text(members))))).toBe(undefined)
        const [first] = members
        if (first === undefined) return
        expect(reasonOf(() => parse(wrap(text([...members, first]))))).toBe('DUPLICATE_KEY')
      }),
    )
  })
})
