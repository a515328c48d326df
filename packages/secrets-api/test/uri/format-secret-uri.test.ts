import { formatSecretUri, parseSecretUri, withParts } from '@secreg/secrets-api'
import { expect, test } from 'vitest'
import { reasonOf } from '../reason-of.ts'

const parts = { scheme: 'openbao+kv2', mount: 'secret', segments: ['app', 'api'] } as const

test('parts become the one spelling', () => {
  expect(formatSecretUri(parts)).toBe('openbao+kv2://secret/app/api')
  expect(formatSecretUri({ ...parts, version: 3, fragment: 'a' })).toBe(
    'openbao+kv2://secret/app/api#a?version=3',
  )
})

test.each([
  [{ segments: [] }, 'ILLEGAL_SEGMENT'],
  [{ segments: ['a/b'] }, 'ILLEGAL_SEGMENT'],
  [{ segments: ['a#b'] }, 'ILLEGAL_SEGMENT'],
  [{ segments: ['a?version=1'] }, 'ILLEGAL_SEGMENT'],
  [{ segments: [' a'] }, 'ILLEGAL_SEGMENT'],
  [{ segments: [''] }, 'ILLEGAL_SEGMENT'],
  [{ segments: ['..'] }, 'ILLEGAL_SEGMENT'],
  [{ mount: 'a/b' }, 'ILLEGAL_SEGMENT'],
  [{ mount: '' }, 'ILLEGAL_SEGMENT'],
  [{ fragment: '' }, 'ILLEGAL_SEGMENT'],
  [{ fragment: 'a?version=1' }, 'ILLEGAL_SEGMENT'],
  [{ fragment: 'a ' }, 'ILLEGAL_SEGMENT'],
  [{ version: 0 }, 'AMBIGUOUS_QUERY'],
  [{ version: 1.5 }, 'AMBIGUOUS_QUERY'],
  [{ version: Number.NaN }, 'AMBIGUOUS_QUERY'],
  [{ scheme: 'yaml' as const, version: 1 }, 'VERSION_NOT_ALLOWED'],
  [{ scheme: 'vault' as 'yaml' }, 'UNSUPPORTED_ENGINE'],
])('%j', (other, reason) => {
  expect(reasonOf(() => formatSecretUri({ ...parts, ...other }))).toBe(reason)
})

test('a URI with other parts', () => {
  const uri = parseSecretUri('secreg://m/p#f?version=2')
  expect(withParts(uri, { version: undefined }).canonical).toBe('secreg://m/p#f')
  expect(withParts(uri, { fragment: undefined, version: 1 }).canonical).toBe(
    'secreg://m/p?version=1',
  )
  expect(uri.canonical).toBe('secreg://m/p#f?version=2')
})
