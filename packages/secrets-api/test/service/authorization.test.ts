/** Who may: cases A, as far as they need no credential. */
import { SECRET_SCOPES } from '@secreg/secrets-api/enforcement'
import type { SecretsRoute } from '@secreg/secrets-api/service'
import { describe, expect, test } from 'vitest'
import { ALICE, PERMIT } from '../enforcement/support.ts'
import { CAROL, expectError, type Sent, serviceBench } from './support.ts'

const APP = 'openbao+kv2://secret/app'
const query = { uri: `${APP}/api` }
const versions = { uri: `${APP}/api`, versions: [1] }
const transfer = { fromUri: `${APP}/test`, toUri: `${APP}/to` }

/** Every endpoint, with a request that would succeed, its scopes, and what is asked of policy. */
const ENDPOINTS: readonly (readonly [
  string,
  SecretsRoute,
  Sent,
  readonly string[],
  readonly (readonly [string, string])[],
])[] = [
  [
    'E1',
    'write',
    { body: { uri: `${APP}/api#token`, value: 'x' } },
    ['secrets.write'],
    [['write', `${APP}/api#token`]],
  ],
  [
    'E2',
    'read',
    { query: { uri: 'yaml://secret/env' } },
    ['secrets.read'],
    [['read', 'yaml://secret/env']],
  ],
  ['E3', 'value', { query }, ['secrets.read'], [['execute', `${APP}/api`]]],
  ['E4', 'delete', { query }, ['secrets.delete'], [['delete', `${APP}/api`]]],
  [
    'E4',
    'delete',
    { query: { ...query, destroy: 'true' } },
    ['secrets.destroy'],
    [['destroy_versions', `${APP}/api`]],
  ],
  [
    'E5',
    'rotate',
    { body: { uri: `${APP}/test#value`, value: 'x' } },
    ['secrets.rotate'],
    [['rotate', `${APP}/test#value`]],
  ],
  [
    'E6',
    'list',
    { query: { prefix: 'yaml://secret' } },
    ['secrets.read_metadata'],
    [
      ['read_metadata', 'yaml://secret/crud'],
      ['read_metadata', 'yaml://secret/env'],
    ],
  ],
  [
    'E7',
    'keys',
    { query: { uri: 'yaml://secret/env' } },
    ['secrets.read_metadata'],
    [['read_metadata', 'yaml://secret/env']],
  ],
  ['E8', 'metadata', { query }, ['secrets.read_metadata'], [['read_metadata', `${APP}/api`]]],
  ['E9', 'versions', { query }, ['secrets.read_metadata'], [['read_metadata', `${APP}/api`]]],
  [
    'E10',
    'owner',
    { body: { uri: `${APP}/api`, owner: 'o' } },
    ['secrets.set_owner'],
    [['owner_update', `${APP}/api`]],
  ],
  [
    'E11',
    'search',
    { query: { q: 'api_key', prefix: 'yaml://secret' } },
    ['secrets.read_metadata'],
    [['read_metadata', 'yaml://secret/env#MY_API_KEY']],
  ],
  ['E12', 'undelete', { body: versions }, ['secrets.delete'], [['undelete', `${APP}/api`]]],
  [
    'E13',
    'destroy-versions',
    { body: versions },
    ['secrets.destroy'],
    [['destroy_versions', `${APP}/api`]],
  ],
  [
    'E15',
    'copy',
    { body: transfer },
    ['secrets.read', 'secrets.write'],
    [
      ['read', `${APP}/test`],
      ['write', `${APP}/to`],
    ],
  ],
  [
    'E16',
    'move',
    { body: transfer },
    ['secrets.read', 'secrets.write', 'secrets.delete'],
    [
      ['read', `${APP}/test`],
      ['delete', `${APP}/test`],
      ['write', `${APP}/to`],
    ],
  ],
  ['E18', 'audit', {}, ['secrets.read_metadata'], [['read_metadata', 'tenant']]],
]

describe('each endpoint', () => {
  test.each(ENDPOINTS)('A01: %s %s of nobody', async (_id, route, sent) => {
    const { ask, policy } = await serviceBench()
    const answer = await ask(route, sent, { authenticated: false, subject: 'anonymous' })
    expectError(answer, 401, 'UNAUTHENTICATED')
    expect(answer.headers).toEqual({ 'WWW-Authenticate': 'Bearer' })
    expect(policy.calls).toEqual([])
  })

  test.each(ENDPOINTS)('A10: %s %s, and each scope that it needs', async (_id, ...endpoint) => {
    const [route, sent, scopes] = endpoint
    for (const missing of scopes) {
      const { ask, policy, openbao, log } = await serviceBench()
      const answer = await ask(route, sent, {
        scopes: SECRET_SCOPES.filter((each) => each !== missing),
      })
      expectError(answer, 403, 'INSUFFICIENT_SCOPE')
      const challenge = `Bearer error="insufficient_scope", scope="${scopes.join(' ')}"`
      expect(answer.headers).toEqual({ 'WWW-Authenticate': challenge })
      expect([policy.calls, openbao.calls, log.records]).toEqual([[], [], []])
    }
    const { told } = await serviceBench()
    expect(await told(route, sent, { scopes })).toBe('200')
  })

  test.each(ENDPOINTS)('P2, P3: %s %s, malformed', async (_id, route, sent, scopes) => {
    const { ask, policy, log } = await serviceBench()
    const malformed = 'body' in sent ? { body: '{' } : { query: 'nonsense' }
    expectError(await ask(route, malformed, { scopes: [] }), 403, 'INSUFFICIENT_SCOPE')
    const needed = scopes[0] === 'secrets.destroy' ? ['secrets.delete', ...scopes] : scopes
    expectError(await ask(route, malformed, { scopes: needed }), 400, 'INVALID_REQUEST')
    expect([policy.calls, log.records]).toEqual([[], []])
  })

  test.each(ENDPOINTS)('A12: %s %s, and what it asks of policy', async (_id, ...endpoint) => {
    const [route, sent, , asked] = endpoint
    const { told, policy } = await serviceBench()
    expect(await told(route, sent)).toBe('200')
    expect(policy.asked).toEqual(asked)
  })

  test.each(ENDPOINTS)('A13: %s %s without an answer of policy', async (_id, route, sent) => {
    const { ask, policy, openbao, yaml } = await serviceBench({
      enforcement: { attributes: { attributesOf: async () => undefined } },
    })
    policy.answer(() => {
      throw new Error('no connection')
    })
    const before = [yaml.secrets.get('secret/env'), openbao.secrets.size]
    const answer = await ask(route, sent)
    expect([answer.status, answer.body['code']]).toEqual([503, 'PDP_UNAVAILABLE'])
    expect(answer.headers).toEqual({ 'Retry-After': '1' })
    expect(openbao.calls).toEqual([])
    expect([yaml.secrets.get('secret/env'), openbao.secrets.size]).toEqual(before)
  })
})

test('A11: destruction and deletion do not imply each other', async () => {
  const { ask } = await serviceBench()
  const destroy = { query: { ...query, destroy: 'true' } }
  expectError(
    await ask('delete', destroy, { scopes: ['secrets.delete'] }),
    403,
    'INSUFFICIENT_SCOPE',
  )
  for (const sent of [{ query }, { query: { ...query, destroy: 'false' } }]) {
    const answer = await ask('delete', sent, { scopes: ['secrets.destroy'] })
    expectError(answer, 403, 'INSUFFICIENT_SCOPE')
  }
})

describe('secrets that a caller may not see', () => {
  const ids = (text: string) => text.replaceAll(/payments\/[a-z]+|app\/(?:api|none)/g, 'X')

  test.each([
    ['value', 'payments/stripe#api_key', 'payments/none#api_key', ALICE],
    ['metadata', 'app/api', 'app/none', ALICE],
    ['versions', 'app/api', 'app/none', ALICE],
    ['delete', 'app/api#token', 'app/none#token', CAROL],
  ] as const)(
    'A06: %s answers the same whether there is one',
    async (route, present, absent, subject) => {
      const answers: unknown[] = []
      for (const tail of [present, absent]) {
        const { ask } = await serviceBench()
        const sent = { query: { uri: `openbao+kv2://secret/${tail}` } }
        const answer = await ask(route, sent, { subject })
        expect(answer.status).toBe(403)
        answers.push(JSON.parse(ids(JSON.stringify(answer))))
      }
      expect(answers[0]).toEqual(answers[1])
    },
  )

  test('nor in any other way: of writes, copies, owners and versions', async () => {
    const denied = { subject: ALICE }
    const bodies = (tail: string): readonly (readonly [SecretsRoute, object])[] => {
      const uri = `${APP}/${tail}`
      return [
        ['write', { uri, value: { a: 1 } }],
        ['write', { uri, value: { a: 1 }, cas: 0 }],
        ['rotate', { uri, value: { a: 1 } }],
        ['owner', { uri, owner: 'o' }],
        ['undelete', { uri, versions: [1] }],
        ['destroy-versions', { uri, versions: [1] }],
        ['copy', { fromUri: uri, toUri: `${APP}/to` }],
        ['copy', { fromUri: `${APP}/lc`, toUri: uri }],
        ['move', { fromUri: uri, toUri: `${APP}/to` }],
        ['bulk', { operations: [{ op: 'set', uri, value: { a: 1 } }] }],
      ]
    }
    const present = await serviceBench()
    const absent = await serviceBench()
    const others = bodies('none')
    for (const [at, [route, body]] of bodies('api').entries()) {
      const found = await present.ask(route, { body }, denied)
      const other = await absent.ask(route, { body: others[at]?.[1] }, denied)
      expect([403, 207]).toContain(found.status)
      expect(ids(JSON.stringify(found))).toBe(ids(JSON.stringify(other)))
    }
  })

  test('A07: the body says what was not permitted', async () => {
    const { ask } = await serviceBench()
    const uri = 'openbao+kv2://secret/payments/stripe#api_key'
    const answer = await ask('value', { query: { uri } }, { subject: ALICE })
    expectError(answer, 403, 'SECRET_AUTHZ_FAILED', {
      purpose: 'execute',
      effect: 'Deny',
      decision_id: 'd-deny',
      failures: [{ uri, code: 'DENY', reason: 'policy' }],
    })
    expect(answer.body['error']).toBe('Forbidden')
  })
})

test('A09: a purpose that is held back', async () => {
  const { ask } = await serviceBench()
  const answer = await ask('rotate', { body: { uri: `${APP}/api#token`, value: 'x' } })
  expect([answer.status, answer.body['details']]).toMatchObject([403, { purpose: 'rotate' }])
})

test('A21: one use, and no second one of the same token', async () => {
  const { ask, told } = await serviceBench()
  const uri = `${APP}/api#token`
  const once = { tokenId: 'jti-once' }
  expect(await told('value', { query: { uri } }, once)).toBe('200')
  const again = await ask('value', { query: { uri } }, once)
  expect([again.status, again.body['details']]).toMatchObject([
    403,
    { failures: [{ code: 'JTI_REPLAY' }] },
  ])
  expect(await told('value', { query: { uri: `${APP}/test` } }, once)).toBe('200')
})

test('A03: a credential for something else', async () => {
  const { ask, log } = await serviceBench()
  const answer = await ask('value', { query }, { audience: ['other'] })
  expectError(answer, 403, 'SECRET_AUTHZ_FAILED', {
    purpose: 'execute',
    effect: 'Deny',
    failures: [{ uri: `${APP}/api`, code: 'AUDIENCE_MISMATCH', reason: 'audience' }],
  })
  expect(log.types).toEqual(['SECRET_DENY'])
})

test('A19: a key that the request does not prove', async () => {
  const { ask } = await serviceBench()
  const answer = await ask('value', { query }, { confirmation: { dpop: 'K1' } })
  expectError(answer, 401, 'SENDER_BINDING_MISMATCH')
  expect(answer.headers['WWW-Authenticate']).toBe('DPoP error="invalid_dpop_proof"')
})

test('providers are those of the caller', async () => {
  const seen: unknown[] = []
  const principal = { login: 'alice' }
  const { ask, openbao } = await serviceBench({
    service: {
      providersOf: (caller) => {
        seen.push(caller.principal)
        return () => openbao
      },
    },
  })
  await ask('value', { query }, { principal })
  expect(seen).toEqual([principal])
  expect(seen[0]).toBe(principal)
})

test('E17 and E18 are not there where they are off', async () => {
  const { ask, service, bench, policy, log } = await serviceBench({
    service: { devEndpoints: false },
  })
  for (const who of [{}, { authenticated: false }]) {
    expectError(await ask('audit', {}, who), 404, 'NOT_FOUND')
    const followed = await service.follow(bench.caller(who), undefined, 0)
    expectError(followed as never, 404, 'NOT_FOUND')
  }
  expect([policy.calls, log.records]).toEqual([[], []])
})

test('endGrants: a use is decided on anew', async () => {
  const { told, policy, bench } = await serviceBench()
  policy.answer(() => ({ ...PERMIT, obligations: { maxUses: 10 } }) as never)
  for (let times = 0; times < 3; times++) await told('value', { query })
  expect(policy.calls).toHaveLength(1)
  bench.enforcement.endGrants()
  await told('value', { query })
  expect(policy.calls).toHaveLength(2)
})
