import { REASONS, type Reason, SecregError } from '@secreg/protocol'
import { pathOf, REFUSALS, SETEC_OPERATIONS } from '@secreg/setec/server'
import { describe, expect, test } from 'vitest'
import { failing, serve, told } from './serve.ts'

describe('failures', () => {
  const word = (reason: Reason) => `${REFUSALS[reason].status} ${REFUSALS[reason].text}`

  test.each(Object.keys(REASONS) as Reason[])('%s', async (reason) => {
    const secret = 'hunter2'
    const cause = new SecregError(reason, secret)
    for (const operation of SETEC_OPERATIONS) {
      const body = { Name: 'a', Version: 1, Value: 'aGk=' }
      const answer = await serve({ head: { path: pathOf(operation) }, body, port: failing(cause) })
      expect(answer.cause).toBe(cause)
      expect(answer.contentType).toBe('text/plain; charset=utf-8')
      expect(answer.nosniff).toBe(true)
      expect(answer.body).not.toContain(secret)
      expect(told(answer)).toBe(word(reason))
      expect(answer.body.endsWith('\n')).toBe(true)
    }
  })

  test.each([
    ['ACCESS_DENIED', '403 access denied'],
    ['STORAGE_KEY_NOT_FOUND', '404 not found'],
    ['ENTRY_DELETED', '404 not found'],
    ['VERSION_DESTROYED', '404 not found'],
    ['ALREADY_EXISTS', '412 version already set'],
    ['VERSION_ACTIVE', '409 version is active'],
    ['VERSIONS_EXHAUSTED', '409 no version number is left'],
    ['SESSION_INVALID', '401 unable to identify caller'],
    ['AUTH_LOCKED_OUT', '429 too many requests'],
    ['SEALED', '503 service unavailable'],
    ['AUDIT_FAILED', '500 internal error'],
    ['OUTCOME_UNKNOWN', '500 internal error'],
    ['VALUE_TOO_LARGE', '413 request too large'],
    ['QUOTA_EXCEEDED', '422 quota exceeded'],
    ['PATH_INVALID', '400 bad request'],
    ['INVALID_ARGUMENT', '400 bad request'],
  ] as const)('%s is told as %s', (reason, text) => {
    expect(word(reason)).toBe(text)
  })

  test('what each status of ours is, is one of those that setec knows or a client takes for an error', () => {
    const statuses = new Set(Object.values(REFUSALS).map(({ status }) => status))
    expect([...statuses].sort()).toEqual([400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503])
    // Only what is absent, denied or claimed is told so: a client acts on these three.
    const family = (status: number) =>
      Object.entries(REFUSALS).flatMap(([reason, refusal]) =>
        refusal.status === status ? [REASONS[reason as Reason].status] : [],
      )
    expect(new Set(family(404))).toEqual(new Set(['NotFound']))
    expect(new Set(family(403))).toEqual(new Set(['AccessDenied']))
    expect(family(412)).toHaveLength(2)
  })

  test('whatever else is thrown is a fault of ours', async () => {
    for (const error of [new TypeError('x'), 'text', undefined, null, { reason: 'NOT_FOUND' }]) {
      expect(told(await serve({ body: { Name: 'a' }, port: failing(error) }))).toBe(
        '500 internal error',
      )
    }
  })

  test('when to come again is in whole seconds, at least one', async () => {
    for (const [seconds, wanted] of [
      [0, 1],
      [0.2, 1],
      [1.1, 2],
      [30, 30],
    ] as const) {
      const port = failing(new SecregError('BUSY', 'no', { retryAfterSeconds: seconds }))
      expect(await serve({ port })).toMatchObject({ status: 503, retryAfterSeconds: wanted })
    }
    expect(await serve({ port: failing(new SecregError('BUSY', 'no')) })).not.toHaveProperty(
      'retryAfterSeconds',
    )
  })
})
