import { SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRequest } from '../../src/server/decode-request.ts'
import { JsonSyntaxError } from '../../src/server/json-scan.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const decode = (body: string) => decodeRequest('create-version', bytesOf(body))
const MIB = 1024 * 1024

describe('members', () => {
  test.each([
    ['{}', { name: '', version: 0 }],
    ['null', { name: '', version: 0 }],
    [' \t\r\n null and whatever', { name: '', version: 0 }],
    ['{"Name":"a"}]]', { name: 'a' }],
    ['{ "Name" : "a" , "Version" : 7 }', { name: 'a', version: 7 }],
    ['{"NAME":"a","vErSiOn":7}', { name: 'a', version: 7 }],
    ['{"ver\u017fion":7}', { version: 7 }],
    ['{"\\u004eame":"a"}', { name: 'a' }],
    ['{"Name":"a","Name":"b"}', { name: 'b' }],
    ['{"Name":"a","name":null}', { name: 'a' }],
    ['{"Version":3,"Version":null}', { version: 3 }],
    ['{"Name":"\\ud800"}', { name: '\ufffd' }],
    ['{"Name":"\\udc00\\ud800\\udc00"}', { name: '\ufffd\u{10000}' }],
    ['{"Name":"\\"\\\\\\/\\b\\f\\n\\r\\t"}', { name: '"\\/\b\f\n\r\t' }],
    ['{"__proto__":1,"constructor":{},"Name":"a"}', { name: 'a' }],
    ['{"Name":" \u007f\u0080"}', { name: ' \u007f\u0080' }],
    ['{"Version":4294967295}', { version: 4_294_967_295 }],
    ['{"x":[1,-0,1.5e+3,true,false,null,{"y":[]}],"Name":"a"}', { name: 'a' }],
  ])('%s', (body, wanted) => {
    expect(decode(body)).toMatchObject(wanted)
  })

  test.each([
    '',
    ' ',
    '\ufeff{}',
    '[]',
    '7',
    '"a"',
    'true',
    'nul',
    '{',
    '{"Name"}',
    '{"Name":}',
    '{"Name":"a"',
    '{"Name":"a",}',
    '{"Name":"a" "Version":1}',
    '{,}',
    "{'Name':'a'}",
    '{Name:"a"}',
    '{"Name":"a\n"}',
    '{"Name":"\u001f"}',
    '{"Name":"\\x"}',
    '{"Name":"\\u12g4"}',
    '{"Name":"\\u12"}',
    '{"Name":"\\',
    '{"Name":7}',
    '{"Name":["a"]}',
    '{"Name":true}',
    '{"Version":"1"}',
    '{"Version":1.0}',
    '{"Version":1e0}',
    '{"Version":-1}',
    '{"Version":-0}',
    '{"Version":+1}',
    '{"Version":01}',
    '{"Version":4294967296}',
    '{"Version":99999999999999999999}',
    '{"Version":true}',
    '{"Version":{}}',
    '{"Value":7}',
    '{"Value":{}}',
    '{"Value":true}',
    '{"x":[1,]}',
    '{"x":[,1]}',
    '{"x":1.}',
    '{"x":.5}',
    '{"x":1e}',
    '{"x":-}',
    '{"x":tru}',
    '{"x":undefined}',
    '{"x":NaN}',
    '{"x":[}]',
    '{/**/}',
  ])('refused: %s', (body) => {
    expect(() => decode(body)).toThrow(JsonSyntaxError)
  })

  test('what an operation does not look at may be anything', () => {
    const body = bytesOf('{"Name":7,"Version":"x","Value":{},"UpdateIfChanged":[]}')
    expect(decodeRequest('list', body)).toMatchObject({ name: '', version: 0 })
    for (const operation of ['get', 'info', 'put', 'create-version', 'activate'] as const) {
      expect(() => decodeRequest(operation, body)).toThrow(JsonSyntaxError)
    }
    expect(decodeRequest('info', bytesOf('{"Name":"a","Version":"x"}')).name).toBe('a')
    expect(() => decodeRequest('get', bytesOf('{"UpdateIfChanged":1}'))).toThrow(JsonSyntaxError)
  })

  test('what is not UTF-8 becomes U+FFFD', () => {
    const body = Uint8Array.of(...bytesOf('{"Name":"a'), 0xff, ...bytesOf('b"}'))
    expect(decodeRequest('get', body).name).toBe('a\ufffdb')
  })

  test('nesting ends at 64', () => {
    const nested = (depth: number) =>
      `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)},"Name":"a"}`
    expect(decode(nested(64)).name).toBe('a')
    expect(() => decode(nested(65))).toThrow(JsonSyntaxError)
  })

  test('every JSON object is read as it is, whatever its form', () => {
    const member = fc.tuple(
      fc.oneof(fc.constantFrom('Name', 'name', 'NAME', 'Nam', '', '__proto__'), fc.string()),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null)),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(fc.array(member), fc.nat(3), (members, indent) => {
        const pad = ' \n\t'.repeat(indent)
        let name = ''
        const written = members.map(([key, text, other]) => {
          const isName = /^name$/iu.test(key)
          if (isName && text !== null) name = text
          const value = JSON.stringify(isName ? text : other)
          return `${pad}${JSON.stringify(key)}${pad}:${pad}${value}${pad}`
        })
        const body = bytesOf(`${pad}{${written.join(',') || pad}}`)
        expect(decodeRequest('info', body).name).toBe(name)
      }),
    )
  })

  test('a text that is no JSON object at its beginning is refused, one that is JSON is not', () => {
    const fragment = fc.constantFrom(
      ...'{}[]:,"\\ \n0123456789.-+eE',
      'null',
      'true',
      'false',
      '"Name"',
      '\\u0041',
    )
    const text = fc.array(fragment, { maxLength: 40 }).map((parts) => `{${parts.join('')}`)
    fc.assert(
      fc.property(text, (body) => {
        let isObject = true
        try {
          JSON.parse(body)
        } catch {
          isObject = false
        }
        try {
          decodeRequest('list', bytesOf(body))
        } catch (error) {
          expect(error).toBeInstanceOf(JsonSyntaxError)
          expect(isObject).toBe(false)
          return
        }
        // Whatever is accepted has an object at its beginning: one of its prefixes is JSON.
        const ends = [...body.matchAll(/\}/g)].map(({ index }) => body.slice(0, index + 1))
        expect(ends.some(isJson)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('hostile bodies cost what their length is', () => {
  const many = (text: string) => text.repeat(Math.floor((2 * MIB) / text.length))
  const shapes: Record<string, () => string> = {
    'members of one name': () => `{${many('"Name":"a",')}"Name":"b"}`,
    'members of other names': () =>
      `{${Array.from({ length: 200_000 }, (_, at) => `"${at}":0`).join(',')}}`,
    'objects in an array': () => `{"x":[${many('{},')}{}]}`,
    brackets: () => `{"x":${many('[')}`,
    'closed brackets': () => `{"x":${many('[')}${many(']')}}`,
    escapes: () => `{"Name":"${many('\\u0041')}"}`,
    'lone surrogates': () => `{"Name":"${many('\\ud800')}"}`,
    'a string without end': () => `{"Name":"${many('a')}`,
    'backslashes without end': () => `{"Name":"${many('\\\\')}\\`,
    digits: () => `{"Version":${many('1')}}`,
    'digits of a fraction': () => `{"x":1.${many('1')}e}`,
    spaces: () => `${many(' ')}{`,
    'numbers as bytes': () => `{"Value":[${many('1,')}1]}`,
    'commas as bytes': () => `{"Value":[${many(' ')}]}`,
    'line breaks in base64': () => `{"Value":"${many('\\n\\r')}A"}`,
    padding: () => `{"Value":"${many('=')}"}`,
    'a long name of a member': () => `{"${many('Name')}":1}`,
    'trailing bytes': () => `{}${many('{')}`,
  }

  test.each(Object.keys(shapes))('%s', (shape) => {
    const body = bytesOf((shapes[shape] as () => string)())
    const before = process.cpuUsage()
    try {
      decodeRequest('create-version', body)
    } catch (error) {
      expect(error instanceof JsonSyntaxError || SecregError.is(error)).toBe(true)
    }
    // A tenth of a second alone; what is quadratic takes minutes.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(5)
  })
})
