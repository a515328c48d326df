import {
  decodeBase64,
  encodeBase64,
  formatValue,
  parseValue,
  parseValueType,
  SecregError,
  type ValueType,
} from '@secreg/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { standardBase64 } from '../src/value.ts'

const ROUND_TRIPS: readonly (readonly [type: ValueType, text: string])[] = [
  ['string', ''],
  ['string', 'true'],
  ['string', 'a\u0000\nb é 🎈'],
  ['string', 'x'.repeat(64 * 1024)],
  ['integer', '0'],
  ['integer', '9223372036854775807'],
  ['integer', '-9223372036854775808'],
  ['boolean', 'true'],
  ['boolean', 'false'],
  ['json', '{ "a" : [1, 2.0, null] }'],
  ['bytes', ''],
  ['bytes', 'AAH/AA=='],
]

test.each(ROUND_TRIPS)('weakness 21: %s %# round-trips', (type, text) => {
  expect(formatValue(parseValue(text, type))).toBe(text)
})

test.each([
  ['integer', '12abc'],
  ['integer', ''],
  ['integer', ' 1'],
  ['integer', '+1'],
  ['integer', '01'],
  ['integer', '-0'],
  ['integer', '1.0'],
  ['integer', '9223372036854775808'],
  ['integer', '-9223372036854775809'],
  ['integer', 1.5],
  ['integer', 2 ** 53],
  ['integer', true],
  ['boolean', 'yes'],
  ['boolean', 'TRUE'],
  ['boolean', 1],
  ['json', '{'],
  ['json', ''],
  ['bytes', 'AAH/AA='],
  ['bytes', 'AB=='],
  ['bytes', 'A A='],
  ['string', 5],
  ['string', '\ud800'],
] as const)('weakness 22: %s does not take %j', (type, input) => {
  expect(() => parseValue(input, type)).toThrow(
    expect.objectContaining({ code: 'ERR_VALUE_INVALID' }),
  )
})

test.each([
  [5, undefined, 'integer', '5'],
  [true, undefined, 'boolean', 'true'],
  ['1', 'boolean', 'boolean', 'true'],
  ['0', 'boolean', 'boolean', 'false'],
  [{ a: 1 }, undefined, 'json', '{"a":1}'],
  [null, undefined, 'json', 'null'],
  ['5', undefined, 'string', '5'],
] as const)('%j as %s is %s %j', (input, type, expectedType, text) => {
  const value = type === undefined ? parseValue(input) : parseValue(input, type)
  expect([value.type, formatValue(value)]).toEqual([expectedType, text])
})

test('sizes are limited', () => {
  expect(() => parseValue('x'.repeat(64 * 1024 + 1), 'string')).toThrow(/65536/)
  expect(() => parseValue('é'.repeat(32 * 1024 + 1), 'string')).toThrow(/65536/)
  expect(parseValue(`"${'x'.repeat(1024 * 1024 - 2)}"`, 'json').bytes.length).toBe(1024 * 1024)
  expect(() => parseValue(`"${'x'.repeat(1024 * 1024 - 1)}"`, 'json')).toThrow(SecregError)
})

test('binary is an alias of bytes; other names are refused', () => {
  expect(parseValueType('binary')).toBe('bytes')
  expect(() => parseValueType('float')).toThrow(SecregError)
  expect(() => parseValueType('constructor')).toThrow(SecregError)
})

test('any bytes round-trip as base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      const value = parseValue(text, 'bytes')
      expect(Buffer.from(value.bytes).equals(Buffer.from(bytes))).toBe(true)
      expect(formatValue(value)).toBe(text)
    }),
  )
})

test.each([
  ['[1e400]'],
  ['{"a":{"b":-1e400}}'],
  ['[9007199254740993]'],
  ['{"a":1e300}'],
  ['[-0]'],
  ['1e400'],
])('a number that JSON parsing changed is refused, not stored as another: %s', (text) => {
  const parsed = JSON.parse(text)
  expect(() => parseValue(parsed, 'json')).toThrow(
    expect.objectContaining({ code: 'ERR_VALUE_INVALID' }),
  )
  expect(formatValue(parseValue(text, 'json'))).toBe(text)
})

test('native numbers that are what was sent are taken', () => {
  expect(formatValue(parseValue([0.1, 9007199254740991, -5, 1e-7], 'json'))).toBe(
    '[0.1,9007199254740991,-5,1e-7]',
  )
  expect(() => parseValue(-0)).toThrow(SecregError)
})

test('stored bytes that are not UTF-8 are not shown as if they were', () => {
  for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80]]) {
    expect(() => formatValue({ type: 'string', bytes: Uint8Array.from(bytes) })).toThrow(TypeError)
  }
  expect(formatValue({ type: 'string', bytes: new TextEncoder().encode('\ufffd') })).toBe('\ufffd')
})

test('base64 is the same with and without what Node has for it', () => {
  const views = fc
    .tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(20))
    .map(([bytes, from]) => bytes.subarray(Math.min(from, bytes.length)))
  fc.assert(
    fc.property(views, (bytes) => {
      const text = encodeBase64(bytes)
      expect(text).toBe(standardBase64(bytes))
      expect(decodeBase64(text)).toEqual(Uint8Array.from(bytes))
    }),
  )
  expect(encodeBase64(new Uint8Array(20_000).fill(7))).toBe(
    standardBase64(new Uint8Array(20_000).fill(7)),
  )
})
