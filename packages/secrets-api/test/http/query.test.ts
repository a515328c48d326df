import {
  booleanParameter,
  integerParameter,
  parseQuery,
  SecretsApiError,
} from '@secreg/secrets-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reasonOf } from '../reason-of.ts'

const KNOWN = ['uri', 'version', 'q']
const read = (query: string) => Object.fromEntries(parseQuery(query, KNOWN))

describe('a query', () => {
  test.each([
    ['', {}],
    // Q01 to Q03
    ['uri=openbao+kv2://secret/app/test%23value', { uri: 'openbao+kv2://secret/app/test#value' }],
    [
      'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Ftest%23value&version=1',
      { uri: 'openbao+kv2://secret/app/test#value', version: '1' },
    ],
    ['uri=yaml://secret/a%23value?version=1', { uri: 'yaml://secret/a#value?version=1' }],
    ['uri=yaml://secret/a%252Fb', { uri: 'yaml://secret/a%2Fb' }],
    ['uri=', { uri: '' }],
    ['q=a=b==', { q: 'a=b==' }],
    ['%75ri=a', { uri: 'a' }],
    ['q=%C3%A9%00%20', { q: 'é\0 ' }],
    ['q=%EF%BB%BFa', { q: '\ufeffa' }],
    ['q=+%2B+', { q: '+++' }],
  ])('%j', (query, wanted) => {
    expect(read(query)).toEqual(wanted)
  })

  test.each([
    ['uri=A&uri=B', 'AMBIGUOUS_QUERY'], // Q06
    ['uri=A&uri=A', 'AMBIGUOUS_QUERY'],
    ['uri=A&u%72i=B', 'AMBIGUOUS_QUERY'],
    ['uri=%ZZ', 'INVALID_REQUEST'], // Q07
    ['uri=%C3%28', 'INVALID_REQUEST'],
    ['uri=%', 'INVALID_REQUEST'],
    ['uri=%2', 'INVALID_REQUEST'],
    ['uri=%+1', 'INVALID_REQUEST'],
    ['uri=%ED%A0%80', 'INVALID_REQUEST'],
    ['uri=%C0%AF', 'INVALID_REQUEST'],
    ['foo=1', 'INVALID_REQUEST'], // Q09
    ['__proto__=1', 'INVALID_REQUEST'],
    ['URI=1', 'INVALID_REQUEST'],
    ['uri', 'INVALID_REQUEST'],
    ['=a', 'INVALID_REQUEST'],
    ['&', 'INVALID_REQUEST'],
    ['uri=a&', 'INVALID_REQUEST'],
    ['uri=a b', 'INVALID_REQUEST'],
    ['uri=a#b', 'INVALID_REQUEST'],
    ['uri=é', 'INVALID_REQUEST'],
    ['uri=\xc3\xa9', 'INVALID_REQUEST'],
    ['uri=a\0', 'INVALID_REQUEST'],
    [`uri=${'a'.repeat(16_384)}`, 'INVALID_REQUEST'],
    ['q=a&'.repeat(40), 'INVALID_REQUEST'],
  ])('refused: %j', (query, reason) => {
    expect(reasonOf(() => read(query))).toBe(reason)
  })

  test('whatever is escaped is read back, and any other text has an error of ours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (value, text) => {
        expect(read(`q=${encodeURIComponent(value)}`)).toEqual({ q: value })
        try {
          read(text)
        } catch (error) {
          expect(SecretsApiError.is(error)).toBe(true)
        }
      }),
    )
  })
})

describe('parameters', () => {
  test('truth values are literal', () => {
    expect(booleanParameter('true', false)).toBe(true)
    expect(booleanParameter('false', true)).toBe(false)
    expect([booleanParameter(undefined, true), booleanParameter(undefined, false)]).toEqual([
      true,
      false,
    ])
    for (const text of ['TRUE', '1', '', 'yes']) {
      expect(reasonOf(() => booleanParameter(text, false))).toBe('INVALID_REQUEST') // L06
    }
  })

  test('numbers are decimal and bounded', () => {
    const limits = { fallback: 100, least: 1, most: 1000 }
    expect(integerParameter(undefined, limits)).toBe(100)
    expect(integerParameter('1', limits)).toBe(1)
    expect(integerParameter('1000', limits)).toBe(1000)
    for (const text of ['0', '1001', '-1', 'x', '', '1.0', '01', '1e2', '+1', '9'.repeat(400)]) {
      expect(reasonOf(() => integerParameter(text, limits))).toBe('INVALID_REQUEST') // S05
    }
  })
})
