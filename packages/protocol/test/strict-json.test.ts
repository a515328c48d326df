import { readStrictJson } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const bytesOf = (text: string) => new TextEncoder().encode(text)
/** Of the text and of its bytes, which must agree. */
const read = (text: string, maxDepth = 64) => {
  const result = readStrictJson(text, maxDepth)
  expect(readStrictJson(bytesOf(text), maxDepth)).toEqual(result)
  return result
}
const faultOf = (text: string, maxDepth = 64) => {
  const result = read(text, maxDepth)
  return result.ok ? undefined : result.fault
}

describe('one value', () => {
  test.each([
    ['{}', {}],
    [' \t\r\n{"a":1}\n', { a: 1 }],
    ['[]', []],
    ['null', null],
    ['7', 7],
    ['"{}"', '{}'],
    ['{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}', { a: { a: [{ a: 1 }, { a: 2 }] }, b: 'a' }],
    ['{"a":"{\\"a\\":1,\\"a\\":2}"}', { a: '{"a":1,"a":2}' }],
    ['{"a":["a","a",{"b":"a"}],"b":["a"]}', { a: ['a', 'a', { b: 'a' }], b: ['a'] }],
    ['{"a\\\\":1,"a":2}', { 'a\\': 1, a: 2 }],
    ['{"\u00e9":1,"e\u0301":2}', { '\u00e9': 1, 'e\u0301': 2 }],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual({ ok: true, value })
  })

  test.each([
    '',
    ' ',
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
    '{"a":1,"a":2',
  ])('refused: %j', (text) => {
    expect(faultOf(text)).toBe('malformed')
  })

  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"a":2}}',
    '[{"x":[[{"b":[],"c":{},"b":0}]]}]',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{ "a" : [1,2] , "a" : 1 }',
  ])('twice: %s', (text) => {
    expect(faultOf(text)).toBe('repeated-name')
  })

  test.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]])(
    'not UTF-8: %s',
    (...bad) => {
      const bytes = Uint8Array.of(...bytesOf('"'), ...bad, ...bytesOf('"'))
      expect(readStrictJson(bytes, 1)).toEqual({ ok: false, fault: 'malformed' })
    },
  )

  test('nesting ends where it is told, and what is deeper exhausts nothing', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    for (const maxDepth of [1, 2, 64]) {
      expect(faultOf(nested(maxDepth), maxDepth)).toBe(undefined)
      expect(faultOf(nested(maxDepth + 1), maxDepth)).toBe('malformed')
    }
    expect(faultOf(nested(1_000_000))).toBe('malformed')
    expect(faultOf('{"a":'.repeat(1_000_000))).toBe('malformed')
    expect(faultOf(`"${'['.repeat(100)}"`, 1)).toBe(undefined)
  })

  test('a name of the prototype is a name like others', () => {
    const result = readStrictJson('{"__proto__":{"cmd":"nop"},"constructor":1}', 8)
    if (!result.ok) throw new Error(result.fault)
    const object = result.value as Record<string, unknown>
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(object['cmd']).toBe(undefined)
    expect(Object.keys(object)).toEqual(['__proto__', 'constructor'])
  })

  test('arguments of another kind are named', () => {
    const call = readStrictJson as (...args: readonly unknown[]) => unknown
    expect(() => call(7, 1)).toThrow(new TypeError('input: expected text or bytes, got number'))
    for (const depth of [0, 1.5, Number.NaN, undefined]) {
      expect(() => call('{}', depth)).toThrow(RangeError)
    }
  })
})

describe('as JSON.parse', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
      : 0

  test('every value is read as it is, whatever its form', () => {
    const shallow = fc.jsonValue().filter((value) => depthOf(value) <= 64)
    fc.assert(
      fc.property(shallow, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(readStrictJson(text, 64)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
  })

  test('whatever is accepted, JSON.parse accepts, and no name is lost', () => {
    const piece = fc.constantFrom(...'{}[]:,"\\ ', '"a"', '"a":', '1', 'null', '\\"', '\\u0061')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = `{${pieces.join('')}}`
        if (faultOf(text) === 'malformed') expect(() => JSON.parse(text)).toThrow()
        else JSON.parse(text)
      }),
      { numRuns: 3000 },
    )
  })

  test('a name that is given again at any depth is found', () => {
    const member = fc.tuple(fc.constantFrom('a', 'b', '\\u0061', '__proto__'), fc.nat(9))
    const object = fc.uniqueArray(member, { selector: ([name]) => JSON.parse(`"${name}"`) })
    const text = (members: readonly (readonly [string, number])[]) =>
      `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`
    fc.assert(
      fc.property(object, fc.boolean(), (members, nested) => {
        const wrap = (inner: string) => (nested ? `{"x":[0,${inner}],"y":1}` : inner)
        expect(faultOf(wrap(text(members)))).toBe(undefined)
        const [first] = members
        if (first === undefined) return
        expect(faultOf(wrap(text([...members, first])))).toBe('repeated-name')
      }),
    )
  })
})
