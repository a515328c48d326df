import {
  ProviderError,
  SECRETS_API_REFUSALS,
  SecretsApiError,
  type SecretsApiReason,
  SecretUriError,
} from '@secreg/secrets-api'
import { expect, test } from 'vitest'

test('an error tells reason, code, status and a constant text', () => {
  const error = new SecretsApiError('DESTROY_AFFECTS_OTHER_KEYS', { details: { other_keys: 2 } })
  expect(error).toMatchObject({
    name: 'SecretsApiError',
    code: 'ERR_SECRETS_API_DESTROY_AFFECTS_OTHER_KEYS',
    reason: 'DESTROY_AFFECTS_OTHER_KEYS',
    status: 409,
    message: SECRETS_API_REFUSALS.DESTROY_AFFECTS_OTHER_KEYS.text,
    details: { other_keys: 2 },
  })
})

test('its classes are told apart, and from anything else', () => {
  const cause = new Error('permission denied at secret/app')
  const error = new ProviderError('PROVIDER_BUSY', { cause, retryAfterSeconds: 3 })
  expect([error.name, error.status, error.retryAfterSeconds, error.cause]).toEqual([
    'ProviderError',
    429,
    3,
    cause,
  ])
  expect(error.message).not.toContain('secret/app')
  expect(new SecretUriError('ILLEGAL_SEGMENT')).toBeInstanceOf(SecretsApiError)
  expect(SecretsApiError.is(error)).toBe(true)
  expect(SecretsApiError.is(error, 'PROVIDER_BUSY')).toBe(true)
  expect(SecretsApiError.is(error, 'PROVIDER_ERROR')).toBe(false)
  for (const other of [cause, undefined, null, 'PROVIDER_BUSY', { reason: 'PROVIDER_BUSY' }]) {
    expect(SecretsApiError.is(other)).toBe(false)
  }
})

test.each(Object.keys(SECRETS_API_REFUSALS) as SecretsApiReason[])('%s', (reason) => {
  const { status, text } = SECRETS_API_REFUSALS[reason]
  expect([400, 403, 404, 409, 413, 429, 501, 502, 503]).toContain(status)
  expect(text).toMatch(/^[a-zA-Z]/)
  expect(Object.isFrozen(SECRETS_API_REFUSALS[reason])).toBe(true)
})
