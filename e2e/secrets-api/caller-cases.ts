/** Cases A about who asks: credentials, scopes, keys that are proven. In environment B. */
import { createSecretsClient } from '@secreg/secrets-api/client'
import { describe, expect, test } from 'vitest'
import {
  expectCode,
  expectDenied,
  expectReply,
  type SecretsAsk,
  type SecretsReply,
} from '../lib/secrets-call.ts'
import { askEndpoint, ENDPOINTS } from '../lib/secrets-endpoints.ts'
import {
  confusedToken,
  dpopProof,
  SCOPES,
  type Scope,
  SigningKey,
  TestIssuer,
  unsignedToken,
} from '../lib/secrets-issuer.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'

const TEST = 'openbao+kv2://secret/app/test#value'
const STRIPE = 'openbao+kv2://secret/payments/stripe#api_key'

/** Failed credentials are counted by the address that they come from, so each has one of its own. */
let addresses = 0
const elsewhere = (): string => `127.0.3.${++addresses}`

export function callerCases(desk: () => SecretsDesk): void {
  describe('credentials', () => credentials(desk))
  describe('scopes', () => scopes(desk))
  describe('keys', () => keys(desk))
}

function credentials(desk: () => SecretsDesk): void {
  test('A01: nobody gets anything', async () => {
    for (const endpoint of ENDPOINTS) {
      const reply = await askEndpoint(desk().caller, endpoint, undefined)
      expectCode(reply, 401, 'UNAUTHENTICATED', endpoint.id)
      expect(reply.headers['www-authenticate'], endpoint.id).toMatch(/^Bearer/)
    }
    const bulk = { operations: [{ op: 'set', uri: TEST, value: 'x' }] }
    expectCode(await desk().caller.ask('POST', '/bulk', { body: bulk }), 401, 'UNAUTHENTICATED')
    using stream = await SecretsStream.open(desk().http)
    expect(stream.status).toBe(401)
  })

  test('A02: a token that is no good is refused', async () => {
    const { issuer } = desk()
    const claims = issuer.claims('bob')
    const now = Math.floor(Date.now() / 1000)
    const other = new SigningKey(issuer.key.kid)
    const bad: Readonly<Record<string, string>> = {
      'another signature': other.jws({ typ: 'at+jwt', kid: other.kid }, claims),
      'an end in the past': issuer.token('bob', SCOPES, { exp: now - 120, iat: now - 300 }),
      'a beginning in the future': issuer.token('bob', SCOPES, { nbf: now + 120 }),
      'no end': issuer.token('bob', SCOPES, { exp: undefined }),
      'no signature': unsignedToken(claims),
      'a MAC of the public key': confusedToken(issuer.key, claims),
      'another issuer': issuer.token('bob', SCOPES, { iss: 'https://elsewhere.example.org' }),
      'another type': issuer.sign(claims, { typ: 'dpop+jwt' }),
      nobody: issuer.token('bob', SCOPES, { sub: undefined }),
    }
    for (const [what, token] of Object.entries(bad)) {
      const reply = await desk().caller.value(TEST, token, { from: elsewhere() })
      expectCode(reply, 401, 'UNAUTHENTICATED', what)
      expect(reply.headers['www-authenticate'], what).toMatch(/^Bearer .*error="invalid_token"/)
    }
  })

  test('A02: of one source, ten a minute are looked at', async () => {
    const from = elsewhere()
    const bad = unsignedToken(desk().issuer.claims('bob'))
    const ask = (token: string) => desk().caller.value(TEST, token, { from })
    for (let time = 0; time < 10; time++) expectCode(await ask(bad), 401, 'UNAUTHENTICATED')
    const reply = expectReply(await ask(bad), 429)
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expectReply(await ask(desk().issuer.token('bob')), 429)
    expectReply(await desk().caller.value(TEST, desk().issuer.token('bob')), 200)
  })

  test('A03: a token for somebody else is not for this', async () => {
    for (const aud of ['other', undefined, ['other', 'another']]) {
      const token = desk().issuer.token('bob', SCOPES, { aud })
      expectDenied(await desk().caller.value(TEST, token), 'execute', TEST, 'AUDIENCE_MISMATCH')
    }
    const token = desk().issuer.token('bob', SCOPES, { aud: ['other', 'crud.secrets'] })
    expectReply(await desk().caller.value(TEST, token), 200, { value: 'two' })
  })
}

function scopes(desk: () => SecretsDesk): void {
  test('A08: are looked at before anything else', async () => {
    const { caller, issuer, kv } = desk()
    const { mark } = kv
    const token = issuer.token('alice', ['secrets.read'])
    const reply = await caller.write('not a URI', 'x', token)
    expectCode(reply, 403, 'INSUFFICIENT_SCOPE')
    expect(reply.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="secrets.write"',
    )
    expect(kv.requests(mark)).toEqual([])
  })

  for (const endpoint of ENDPOINTS) {
    const { id, path, scopes: needed } = endpoint
    test(`A10: ${id} ${path}: ${needed.join(' ')}`, async () => {
      const { caller, issuer } = desk()
      const ask = (given: readonly Scope[]) =>
        askEndpoint(caller, endpoint, issuer.token('bob', given))
      for (const scope of needed) {
        const reply = await ask(SCOPES.filter((one) => one !== scope))
        expectCode(reply, 403, 'INSUFFICIENT_SCOPE', scope)
      }
      expect((await ask(needed)).json.code).not.toBe('INSUFFICIENT_SCOPE')
    })
  }

  test('A10: E17 /events: secrets.read_metadata', async () => {
    const { http, issuer } = desk()
    const status = async (given: readonly Scope[]): Promise<number> => {
      using stream = await SecretsStream.open(http, { token: issuer.token('bob', given) })
      return stream.status
    }
    expect(await status(SCOPES.filter((scope) => scope !== 'secrets.read_metadata'))).toBe(403)
    expect(await status(['secrets.read_metadata'])).toBe(200)
  })

  test('A11: to delete is not to destroy, nor the reverse', async () => {
    const { caller, issuer } = desk()
    for (const [scope, destroy] of [
      ['secrets.delete', 'true'],
      ['secrets.destroy', 'false'],
    ] as const) {
      const token = issuer.token('bob', [scope])
      const query = { uri: 'openbao+kv2://secret/app/none', destroy }
      expectCode(await caller.ask('DELETE', '', { query, token }), 403, 'INSUFFICIENT_SCOPE')
    }
  })

  test('A10: E14, B07: of each item are its own', async () => {
    const { caller, issuer, broker } = desk()
    const operations = [
      { op: 'set', uri: 'openbao+kv2://secret/bulk/b07#k', value: 'x' },
      { op: 'destroy', uri: 'openbao+kv2://secret/bulk/b07' },
    ]
    const token = issuer.token('carol', ['secrets.read', 'secrets.write'])
    const headers = { 'X-Correlation-Id': 'case-b07' }
    const reply = await caller.ask('POST', '/bulk', { body: { operations }, token, headers })
    expectReply(reply, 207, {
      results: [
        { ok: true, status: 200 },
        { ok: false, status: 403, error: { code: 'INSUFFICIENT_SCOPE' } },
      ],
    })
    const bob = issuer.token('bob')
    const query = { correlation_id: 'case-b07' }
    const { json } = await caller.ask('GET', '/audit', { query, token: bob })
    expect(json.items.map(({ event_type }: { event_type: string }) => event_type)).toEqual([
      'SECRET_DENY',
      'SECRET_CREATED',
    ])
    expect(broker.topics).not.toContain('crud.secrets')
  })

  test('C11: a move is a deletion', async () => {
    const { caller, issuer } = desk()
    const token = issuer.token('carol', ['secrets.read', 'secrets.write'])
    const body = { fromUri: TEST, toUri: 'openbao+kv2://secret/app/moved#value' }
    expectCode(await caller.ask('POST', '/move', { body, token }), 403, 'INSUFFICIENT_SCOPE')
  })
}

function keys(desk: () => SecretsDesk): void {
  const key = new SigningKey()
  const bound = () =>
    desk().issuer.token('alice', ['secrets.read'], { cnf: { jkt: key.thumbprint } })
  const url = () => `${desk().http}/api/secrets/value`
  const ask = (token: string, proof: string | undefined, more: SecretsAsk = {}) =>
    desk().caller.value(TEST, token, {
      scheme: 'DPoP',
      ...(proof === undefined ? {} : { headers: { DPoP: proof } }),
      ...more,
    })
  const proofOf = (token: string, by = key, more: object = {}) =>
    dpopProof(by, { method: 'GET', url: url(), token, more: { ...more } })
  const expectUnproven = (reply: SecretsReply, what: string): void => {
    expectCode(reply, 401, 'SENDER_BINDING_MISMATCH', what)
    expect(reply.headers['www-authenticate'], what).toMatch(/^DPoP/)
  }

  test('A19: a token that is bound to a key is good with a proof of it', async () => {
    const token = bound()
    expectReply(await ask(token, proofOf(token)), 200, { value: 'two' })
  })

  test('A19: and the client makes one for each request', async () => {
    const token = bound()
    const client = createSecretsClient({
      url: desk().http,
      token,
      proof: async (method, url, shown) => dpopProof(key, { method, url, token: shown }),
    })
    expect(await client.value('openbao+kv2://secret/app/lc#value')).toMatchObject({
      value: 'three',
    })
    expect(await client.value('openbao+kv2://secret/app/api#user')).toMatchObject({ value: 'u' })
  })

  test('A19: and with no other', async () => {
    const now = Math.floor(Date.now() / 1000)
    const from = () => ({ from: elsewhere() })
    const token = bound()
    expectUnproven(await ask(token, undefined, from()), 'no proof')
    expectUnproven(await ask(token, undefined, { ...from(), scheme: 'Bearer' }), 'as a bearer')
    expectUnproven(await ask(token, proofOf(token, new SigningKey()), from()), 'another key')
    const { http } = desk()
    for (const [what, more] of Object.entries({
      'another place': { htu: `${http}/api/secrets/keys` },
      'another host': { htu: 'https://elsewhere.example.org/api/secrets/value' },
      'another method': { htm: 'POST' },
      'an old one': { iat: now - 600 },
      'one of the future': { iat: now + 600 },
      'another token': { ath: desk().issuer.token('alice').slice(-43) },
      'no token': { ath: undefined },
      'no id': { jti: undefined },
    })) {
      expectUnproven(await ask(token, proofOf(token, key, more), from()), what)
    }
    const again = bound()
    const proof = proofOf(again)
    expectReply(await ask(again, proof), 200)
    expectUnproven(await ask(bound(), proof.slice(0), from()), 'a proof of another token')
    const other = 'openbao+kv2://secret/app/api#user'
    const reply = await desk().caller.value(other, again, {
      scheme: 'DPoP',
      headers: { DPoP: proof },
      ...from(),
    })
    expectUnproven(reply, 'the same proof again')
  })

  test('A21: a token opens a secret once, and others too', async () => {
    const { caller, issuer } = desk()
    const token = issuer.token('bob')
    expectReply(await caller.value(TEST, token), 200)
    expectDenied(await caller.value(TEST, token), 'execute', TEST, 'JTI_REPLAY')
    expectReply(await caller.value('openbao+kv2://secret/app/api#token', token), 200)
    expectReply(await caller.value(STRIPE, token), 200, { value: 'sk' })
  })

  test('two issuers are told apart, though they know a subject by one name', async () => {
    const { caller } = desk()
    const token = desk().issuerAt(1).token('bob', SCOPES, { tenant: 'dev' })
    expectDenied(await caller.value(TEST, token), 'execute', TEST)
    await using stranger = await TestIssuer.start()
    const forged = await caller.value(TEST, stranger.token('bob'), { from: elsewhere() })
    expectCode(forged, 401, 'UNAUTHENTICATED')
  })
}
