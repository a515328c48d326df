import { parseJsonBody, SecretsApiError } from '@secreg/secrets-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reasonOf } from '../reason-of.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => parseJsonBody(bytesOf(text), ['uri', 'value'])

describe('a body', () => {
  test.each([
    ['{}', {}],
    [
      ' {"uri":"a","value":{"x":[1,-2.5,true,null,"é"]}}\n',
      { uri: 'a', value: { x: [1, -2.5, true, null, 'é'] } },
    ],
    ['{"value":9007199254740991}', { value: 9007199254740991 }],
    ['{"value":{"uri":1,"other":2}}', { value: { uri: 1, other: 2 } }],
  ])('%s', (text, wanted) => {
    expect(read(text)).toEqual(wanted)
  })

  test.each([
    '',
    '{',
    '[]',
    'null',
    '"{}"',
    '{"uri":"a","uri":"b"}',
    '{"value":{"a":1,"\\u0061":1}}',
    '{"owerwrite":true}',
    '{"__proto__":{"uri":"a"}}',
    '{"value":{"__proto__":1}}',
    '{"value":[{"constructor":1}]}',
    '{"value":"\\ud800"}',
    '{"value":{"\\udc00":1}}',
    '{"value":9007199254740992}',
    '{"value":-9007199254740993}',
    '{"value":1e400}',
    '{"value":-0}',
    `{"value":${'['.repeat(32)}${']'.repeat(32)}}`,
    '\ufeff{}',
  ])('refused: %j', (text) => {
    expect(reasonOf(() => read(text))).toBe('INVALID_REQUEST')
  })

  test('its size and depth are bounded', () => {
    const padded = (bytes: number) => `{"value":"${'a'.repeat(bytes - 12)}"}`
    expect(reasonOf(() => read(padded(1_048_576)))).toBe(undefined)
    expect(reasonOf(() => read(padded(1_048_577)))).toBe('BODY_TOO_LARGE')
    expect(reasonOf(() => read(`{"value":${'['.repeat(31)}${']'.repeat(31)}}`))).toBe(undefined)
    expect(reasonOf(() => read('{"value":'.repeat(100_000)))).toBe('INVALID_REQUEST')
  })

  test('whatever bytes there are, an error is ours', () => {
    const bytes = fc.oneof(fc.uint8Array(), fc.json().map(bytesOf), fc.string().map(bytesOf))
    fc.assert(
      fc.property(bytes, (each) => {
        try {
          parseJsonBody(each, [])
        } catch (error) {
          expect(SecretsApiError.is(error)).toBe(true)
        }
      }),
    )
    expect(() => parseJsonBody('{}' as never, [])).toThrow(TypeError)
  })
})
