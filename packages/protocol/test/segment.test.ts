import { decodeSegment, encodeSegment, isPath, SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test.each([
  ['simple', 'simple'],
  ['dev/api key?', 'dev%2Fapi key%3F'],
  ['100%', '100%25'],
  ['.', '%2E'],
  ['..', '%2E%2E'],
  ['...', '...'],
  ['a\nb', 'a%0Ab'],
  ['é', 'é'],
  ['e\u0301', 'e%CC%81'],
  ['a:b@c', 'a:b@c'],
])('%j becomes %j and back', (name, segment) => {
  expect(encodeSegment(name)).toBe(segment)
  expect(decodeSegment(segment)).toBe(name)
})

test.each(['%', '%2', '%2f', '%61', '%zz', 'a%', '%C3%A9', '%FF', 'a/b', ''])(
  '%j is no encoded segment',
  (segment) => {
    expect(() => decodeSegment(segment)).toThrow(SecregError)
  },
)

test('a name that does not fit is refused', () => {
  expect(() => encodeSegment('/'.repeat(171))).toThrow(SecregError)
  expect(encodeSegment('/'.repeat(170))).toHaveLength(510)
})

test('every name has one segment, every segment one name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (name) => {
      fc.pre(!/\p{Surrogate}/u.test(name))
      const segment = encodeSegment(name)
      expect(isPath(`/${segment}`)).toBe(true)
      expect(decodeSegment(segment)).toBe(name)
    }),
  )
})
