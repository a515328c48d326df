import { AUDIT_ACTIONS, type AuditBody } from '@secreg/protocol'
import { auditBodySchema } from '@secreg/protocol/messages'
import { describe, expect, test } from 'vitest'

const ACTOR = { door: 'registry', proof: 'credential', mfa: false } as const
const READ: AuditBody = { action: 'read', outcome: 'ok', paths: ['/a'], actor: ACTOR }

describe('the body of an audit record', () => {
  test.each<[string, AuditBody]>([
    ['a read', READ],
    ['a refusal', { ...READ, outcome: 'denied', reason: 'ACCESS_DENIED', code: 3 }],
    [
      'everything',
      {
        ...READ,
        actor: {
          ...ACTOR,
          user: 'alice',
          account: '0'.repeat(32),
          roles: ['user'],
          uid: 0,
          gid: 0,
          pid: 1,
          session: 's',
          token: 't',
          address: '10.0.0.1',
        },
        versions: [1],
        detail: 'x',
        count: 1,
        correlation: 'c',
        decision: 'd',
        purpose: 'execute',
        value_hashes: { '/a': `hmac-sha256:${'A'.repeat(43)}` },
      },
    ],
    [
      'an operation with the events that it is',
      { ...READ, action: 'secret', paths: ['yaml://secret/a#b'], events: [{ event_id: 'e' }, {}] },
    ],
    ['somebody without a login', { ...READ, actor: { ...ACTOR, principal: 'uid:33' } }],
  ])('%s', (_, body) => {
    expect(auditBodySchema.parse(body)).toEqual(body)
  })

  test.each(AUDIT_ACTIONS)('%s is an action', (action) => {
    expect(auditBodySchema.safeParse({ ...READ, action }).success).toBe(true)
  })

  test.each<[string, unknown]>([
    ['another member', { ...READ, value: 'secret' }],
    ['another member of the actor', { ...READ, actor: { ...ACTOR, password: 'x' } }],
    ['an unknown action', { ...READ, action: 'peek' }],
    ['an unknown door', { ...READ, actor: { ...ACTOR, door: 'window' } }],
    ['a reason of what went well', { ...READ, reason: 'ACCESS_DENIED', code: 3 }],
    ['no reason of what did not', { ...READ, outcome: 'failed' }],
    ['a reason without its code', { ...READ, outcome: 'failed', reason: 'SEALED' }],
    ['a reason that is none', { ...READ, outcome: 'failed', reason: 'BECAUSE', code: 1 }],
    ['a hash without a key', { ...READ, value_hashes: { '/a': 'sha256:00' } }],
    [
      'a hash of what is no path',
      { ...READ, value_hashes: { a: `hmac-sha256:${'A'.repeat(43)}` } },
    ],
    ['events of what is told in another way', { ...READ, events: [] }],
    ['an event that is none', { ...READ, action: 'secret', events: ['e'] }],
    ['no actor', { ...READ, actor: undefined }],
  ])('%s is refused', (_, body) => {
    expect(auditBodySchema.safeParse(body).success).toBe(false)
  })
})
