import { SecregError } from '@secreg/protocol'
import { SetecError, type SetecErrorCode } from '@secreg/setec'
import { expect, test } from 'vitest'
import { CliError } from '../src/errors.ts'
import { asServerError, problemOf } from '../src/import/setec/failures.ts'

test.each([
  ['ERR_SETEC_UNIDENTIFIED', 'AUTH_FAILED'],
  ['ERR_SETEC_ACCESS_DENIED', 'ACCESS_DENIED'],
  ['ERR_SETEC_TOO_MANY_REQUESTS', 'BUSY'],
  ['ERR_SETEC_UNAVAILABLE', 'BUSY'],
  ['ERR_SETEC_TRANSPORT', 'UNREACHABLE'],
  ['ERR_SETEC_TIMEOUT', 'TIMEOUT'],
  ['ERR_SETEC_STATUS', 'INVALID_ARGUMENT'],
  ['ERR_SETEC_ANSWER', 'INVALID_ARGUMENT'],
] as const)('%s of a server is %s, and says what to do', (code, reason) => {
  const error = asServerError(new SetecError(code, 'list: no'), 'setec.example.com')
  expect(error).toBeInstanceOf(CliError)
  expect(error).toMatchObject({ reason, message: expect.stringMatching(/^setec\.example\.com /) })
  expect((error as CliError).hint).toMatch(/\S/)
})

test('a server tells when to try again', () => {
  const error = new SetecError('ERR_SETEC_TOO_MANY_REQUESTS', 'no', { retryAfterSeconds: 42 })
  expect(asServerError(error, 'h')).toMatchObject({ hint: 'try again in 42 s' })
})

test('what is none of a server stays as it is', () => {
  const error = new SecregError('SEALED', 'sealed')
  expect(asServerError(error, 'h')).toBe(error)
})

test('what stops every secret is no problem of one', () => {
  const codes: readonly SetecErrorCode[] = [
    'ERR_SETEC_UNIDENTIFIED',
    'ERR_SETEC_TOO_MANY_REQUESTS',
    'ERR_SETEC_UNAVAILABLE',
    'ERR_SETEC_TRANSPORT',
    'ERR_SETEC_TIMEOUT',
  ]
  const errors = [
    ...codes.map((code) => new SetecError(code, 'no')),
    new SecregError('SEALED', 'no'),
    new SecregError('SESSION_INVALID', 'no'),
    new SecregError('STORAGE_FULL', 'no'),
    new TypeError('no'),
  ]
  for (const error of errors) expect(() => problemOf(error)).toThrow(error)
})
