import {
  ENFORCEMENT_REFUSALS,
  type Refused,
  SERVICE_REFUSALS,
} from '@secreg/secrets-api/enforcement'
import { errorAnswer, refusedAnswer } from '@secreg/secrets-api/service'
import { expect, test } from 'vitest'
import { SECRETS_API_REFUSALS } from '../../src/errors.ts'
import { failureOf } from '../../src/service/answers.ts'

test.each([
  [400, 'Bad Request', {}],
  [401, 'Unauthorized', {}],
  [403, 'Forbidden', {}],
  [404, 'Not Found', {}],
  [405, 'Method Not Allowed', {}],
  [409, 'Conflict', {}],
  [413, 'Content Too Large', {}],
  [415, 'Unsupported Media Type', {}],
  [424, 'Failed Dependency', {}],
  [429, 'Too Many Requests', { 'Retry-After': '1' }],
  [500, 'Internal Server Error', {}],
  [501, 'Not Implemented', {}],
  [502, 'Bad Gateway', {}],
  [503, 'Service Unavailable', { 'Retry-After': '1' }],
])('%d %s', (status, error, headers) => {
  expect(errorAnswer(status, 'SOME_CODE', 'a text', 'c-1')).toEqual({
    status,
    headers,
    body: { error, code: 'SOME_CODE', message: 'a text', correlation_id: 'c-1' },
  })
})

test('a refusal with all that one can have', () => {
  const refused: Refused = {
    kind: 'refused',
    step: 'P1',
    status: 401,
    code: 'UNAUTHENTICATED',
    message: ENFORCEMENT_REFUSALS.UNAUTHENTICATED.text,
    details: { failures: 1 },
    retryAfterSeconds: 1.2,
    challenge: 'Bearer error="invalid_token"',
  }
  expect(refusedAnswer(refused, 'c-1')).toEqual({
    status: 401,
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"', 'Retry-After': '2' },
    body: {
      error: 'Unauthorized',
      code: 'UNAUTHENTICATED',
      message: 'a valid credential is needed',
      details: { failures: 1 },
      correlation_id: 'c-1',
    },
  })
})

test('every code has one status and one text', () => {
  const all = { ...SECRETS_API_REFUSALS, ...ENFORCEMENT_REFUSALS, ...SERVICE_REFUSALS }
  const tables = [SECRETS_API_REFUSALS, ENFORCEMENT_REFUSALS, SERVICE_REFUSALS]
  const names = tables.flatMap((table) => Object.keys(table))
  expect(new Set(names).size).toBe(names.length)
  for (const [code, { status, text }] of Object.entries(all)) {
    expect(failureOf(code as never)).toEqual({ status, code, message: text })
    expect(errorAnswer(status, code, text, 'c-1').body['error']).not.toBe('Error')
  }
})
