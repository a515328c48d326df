import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeName } from '../../src/sources/name.ts'

// The vectors of `@secreg/protocol`, whose mapping this is.
test.each([
  ['simple', 'simple'],
  ['dev%2Fapi key%3F', 'dev/api key?'],
  ['100%25', '100%'],
  ['%2E', '.'],
  ['%2E%2E', '..'],
  ['...', '...'],
  ['a%0Ab', 'a\nb'],
  ['é', 'é'],
  ['e%CC%81', 'e\u0301'],
  ['a:b@c', 'a:b@c'],
  ['.hidden', '.hidden'],
])('%j is %j', (segment, name) => {
  expect(decodeName(segment)).toBe(name)
})

test.each([
  '',
  '.',
  '..',
  '%',
  '%2',
  '%2f',
  '%61',
  '%zz',
  'a%',
  '%C3%A9',
  '%FF',
  '%C0%AF',
  '%ED%A0%80',
  '%E2%80%A8x%61',
  'a/b',
  'a*',
  'a?',
  'a\u0000',
  'a\u2028',
  'e\u0301',
  '\ud800',
  '%252F%2f',
])('%j is no name', (segment) => {
  expect(decodeName(segment)).toBeUndefined()
})

test('no two segments are one name', () => {
  const unit = fc.constantFrom('a', '%', '2', 'F', 'f', '5', '.', 'é', 'e', '\u0301', '/', '*', ' ')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 9 }), fc.string({ unit, maxLength: 9 }), (a, b) => {
      const name = decodeName(a)
      if (a !== b && name !== undefined) expect(decodeName(b)).not.toBe(name)
    }),
    { numRuns: 5000 },
  )
})
