import { type SecretProvider, UNSUPPORTED_OPERATIONS, yamlAccess } from '@secreg/secrets-api'
import { expect, test } from 'vitest'
import { laterReasonOf } from '../reason-of.ts'

test.each([
  ['dev', 'write'],
  ['test', 'write'],
  ['Dev', 'read'],
  ['development', 'read'],
  ['staging', 'read'],
  ['dev ', 'read'],
  ['prod', 'none'],
  ['PROD', 'none'],
  ['production', 'none'],
  [' prod ', 'none'],
  ['', 'none'],
  [undefined, 'none'], // A26
])('the YAML provider in %j: %s', (environment, access) => {
  expect(yamlAccess(environment)).toBe(access)
})

test('what a provider does not have is refused', async () => {
  const place = { mount: 'm', segments: ['s'] }
  for (const method of Object.values(UNSUPPORTED_OPERATIONS) as SecretProvider['read'][]) {
    expect(await laterReasonOf(method(place))).toBe('OPERATION_NOT_SUPPORTED')
  }
})
