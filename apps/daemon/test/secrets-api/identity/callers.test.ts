import type { Caller } from '@secreg/protocol'
import { SECRET_SCOPES } from '@secreg/secrets-api/enforcement'
import { expect, test } from 'vitest'
import type { InboundAuthMode } from '../../../src/secrets-api/settings.ts'
import {
  ADDRESS,
  ALICE,
  GATEWAY,
  INVALID,
  keysOf,
  LOCAL,
  type Outcome,
  proofOf,
  siteOf,
  tokenOf,
  told,
  UNPROVEN,
} from './support.ts'

const CERTIFICATE = 'c'.repeat(43)
const BOB: Caller = Object.freeze({
  principals: ['account:00112233445566778899aabbccddeeff'],
  accountId: '00112233445566778899aabbccddeeff',
  login: 'bob',
  roles: [],
  groups: [],
  mfa: true,
  door: 'http',
  address: ADDRESS,
  proof: 'credential',
  sessionRef: 'ref',
})
const ASSERTED: Caller = Object.freeze({ ...BOB, proof: 'asserted' })

const WHO_IS_BOB = {
  tenant: 'main',
  subject: 'auth:account:secreg:bob',
  authenticated: true,
  scopes: SECRET_SCOPES,
  audience: ['crud.secrets'],
  proofs: {},
  correlationId: 'asked-1',
  principal: BOB,
  rights: expect.stringMatching(/^[\w-]{43}$/),
}

test('a session is whoever has opened it, with every scope', async () => {
  const outcome = await siteOf().ask({}, {}, BOB)
  expect(outcome).toEqual({ kind: 'authenticated', caller: WHO_IS_BOB })
  if (outcome.kind === 'authenticated') expect(outcome.caller.principal).toBe(BOB)
})

test('sessions of one account are told apart by what policy sees of them, and by nothing else', async () => {
  const rightsOf = async (more: Partial<Caller>): Promise<unknown> => {
    const outcome = await siteOf().ask({}, {}, { ...BOB, ...more })
    return outcome.kind === 'authenticated' && outcome.caller.rights
  }
  const all = await rightsOf({})
  for (const same of [{ sessionRef: 'another' }, { correlationId: 'c' }]) {
    expect(await rightsOf(same)).toBe(all)
  }
  const others: Partial<Caller>[] = [
    { boundary: ['few'] },
    { boundary: ['few', 'more'] },
    { boundary: [] },
    { mfa: !BOB.mfa },
    { door: 'registry' },
    { address: '192.0.2.8' },
    { proof: 'kernel' },
    { principals: [...BOB.principals, 'group:g'] },
    { withheld: ['read'] },
  ]
  const rights = await Promise.all(others.map(rightsOf))
  expect(new Set([all, ...rights]).size).toBe(1 + others.length)
})

test('tokens of one subject are told apart by what is decided by, and by nothing else', async () => {
  const rightsOf = async (claims: Record<string, unknown>, address = ADDRESS): Promise<unknown> => {
    const outcome = await siteOf().bear(tokenOf(claims), { address })
    return outcome.kind === 'authenticated' && outcome.caller.rights
  }
  const mine = { scope: 'secrets.read secrets.write', client_id: 'app', aud: ['crud.secrets'] }
  const rights = await rightsOf({ ...mine, jti: 'a' })
  expect(rights).toMatch(/^[\w-]{43}$/)
  // A token that was renewed is as good as the one before.
  expect(await rightsOf({ ...mine, jti: 'b', scope: 'secrets.write secrets.read' })).toBe(rights)
  const others = await Promise.all([
    rightsOf({ ...mine, client_id: 'page' }),
    rightsOf({ ...mine, scope: 'secrets.read' }),
    rightsOf({ ...mine, aud: ['crud.secrets', 'page'] }),
    rightsOf(mine, '192.0.2.8'),
  ])
  expect(new Set([rights, ...others]).size).toBe(1 + others.length)
})

test('a session at the socket of the registry, in every mode', async () => {
  for (const inboundAuthMode of ['bearer', 'mtls', 'bearer_plus_mtls_required'] as const) {
    const { authenticator } = siteOf({ inboundAuthMode })
    expect(
      await authenticator.authenticate(
        { peer: LOCAL, caller: { ...BOB, door: 'registry', proof: 'kernel' } },
        { op: 'ask', route: 'value', correlation: 'asked-1' },
      ),
    ).toMatchObject({ kind: 'authenticated', caller: { subject: 'auth:account:secreg:bob' } })
  }
})

test('a session is not held to failures of others at its address', async () => {
  const site = siteOf()
  for (let failures = 0; failures < 11; failures++) await site.bear('bad')
  expect(told(await site.ask({}, {}, BOB))).toBe('auth:account:secreg:bob')
})

test('a session that lacks its second factor is good for nothing here', async () => {
  const restricted: Caller = { ...BOB, restricted: 'mfa-enrollment' }
  await expect(siteOf().ask({}, {}, restricted)).rejects.toMatchObject({
    reason: 'MFA_ENROLLMENT_REQUIRED',
  })
})

test('a session without a name is nobody', async () => {
  const { login: _, ...nameless } = BOB
  expect(told(await siteOf().ask({}, {}, nameless))).toBe(INVALID)
})

test('beside a session, a token is one credential too many, and a proof proves nothing', async () => {
  const site = siteOf()
  const token = tokenOf()
  await expect(
    site.ask({ token: { scheme: 'bearer', text: token } }, {}, BOB),
  ).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT' })
  expect(told(await site.ask({ proof: proofOf(token) }, {}, BOB))).toBe(UNPROVEN)
})

test('nobody but a gateway presents anything', async () => {
  const { authenticator } = siteOf()
  for (const caller of [BOB, undefined]) {
    const standing = caller === undefined ? { peer: LOCAL } : { peer: LOCAL, caller }
    const presented = { address: ADDRESS, method: 'GET', url: 'https://h/' }
    await expect(
      authenticator.authenticate(standing, { op: 'ask', route: 'value', presented }),
    ).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT' })
  }
})

test.each(['', 'localhost', '192.0.2.7:80', '10.0.0.0/8'])('%j is no address', async (address) => {
  await expect(siteOf().bear(tokenOf(), { address })).rejects.toMatchObject({
    reason: 'PAYLOAD_INVALID',
  })
})

const ANONYMOUS = {
  tenant: 'main',
  subject: 'anonymous',
  authenticated: false,
  scopes: [],
  correlationId: 'asked-1',
}

test.each([
  [true, false],
  [true, true],
  [false, true],
])(
  'nobody is anonymous: development %s, authentication required %s',
  async (isDevelopment, requireAuth) => {
    const outcome = await siteOf({ isDevelopment, requireAuth }).ask()
    expect(outcome).toEqual({ kind: 'authenticated', caller: ANONYMOUS })
  },
)

test('outside development nobody is let in, even where authentication is not required', async () => {
  const site = siteOf({ requireAuth: false })
  expect(told(await site.ask())).toBe('401 UNAUTHENTICATED Bearer')
  expect(
    told(await site.authenticator.authenticate({ peer: LOCAL }, { op: 'ask', route: 'value' })),
  ).toBe('401 UNAUTHENTICATED Bearer')
})

test('a credential that is no good is never taken for none', async () => {
  const site = siteOf({ isDevelopment: true, requireAuth: false })
  expect(told(await site.bear(tokenOf({ exp: 1 })))).toBe(INVALID)
  expect(told(await site.bear(''))).toBe(INVALID)
  expect(told(await site.bear('sreg_abc'))).toBe(INVALID)
})

test('without issuers, nobody has a token', async () => {
  expect(told(await siteOf({ issuers: [] }).bear(tokenOf()))).toBe(INVALID)
})

type Shown = 'token' | 'session' | 'asserted'

function shown(mode: InboundAuthMode, who: Shown, certificate?: string): Promise<Outcome> {
  const site = siteOf({ inboundAuthMode: mode })
  const more = certificate === undefined ? {} : { certificate }
  if (who === 'token') return site.bear(tokenOf(), more)
  return site.ask(more, {}, who === 'session' ? BOB : ASSERTED)
}

const YES = CERTIFICATE

test.each<[InboundAuthMode, Shown, string | undefined, 'in' | 'proven' | 'out']>([
  ['bearer', 'token', undefined, 'in'],
  ['bearer', 'token', YES, 'in'],
  ['bearer', 'session', undefined, 'in'],
  ['bearer', 'session', YES, 'in'],
  ['bearer', 'asserted', undefined, 'out'],
  ['bearer', 'asserted', YES, 'out'],
  ['bearer_plus_mtls_optional', 'token', undefined, 'in'],
  ['bearer_plus_mtls_optional', 'token', YES, 'proven'],
  ['bearer_plus_mtls_optional', 'session', undefined, 'in'],
  ['bearer_plus_mtls_optional', 'session', YES, 'proven'],
  ['bearer_plus_mtls_optional', 'asserted', YES, 'out'],
  ['bearer_plus_mtls_required', 'token', undefined, 'out'],
  ['bearer_plus_mtls_required', 'token', YES, 'proven'],
  ['bearer_plus_mtls_required', 'session', undefined, 'out'],
  ['bearer_plus_mtls_required', 'session', YES, 'proven'],
  ['bearer_plus_mtls_required', 'asserted', YES, 'out'],
  ['mtls', 'token', YES, 'out'],
  ['mtls', 'session', YES, 'out'],
  ['mtls', 'asserted', undefined, 'out'],
  ['mtls', 'asserted', YES, 'proven'],
])('%s: %s with certificate %s is %s', async (mode, who, certificate, expected) => {
  const outcome = await shown(mode, who, certificate)
  if (outcome.kind === 'refused') {
    expect([expected, told(outcome)]).toEqual(['out', INVALID])
    return
  }
  const proofs = expected === 'proven' ? { mtls: { thumbprint: CERTIFICATE } } : {}
  expect([expected, outcome.caller.proofs]).toEqual([expected === 'in' ? 'in' : 'proven', proofs])
})

test('a mode that refuses a token does not look at it, and counts it', async () => {
  const site = siteOf({ inboundAuthMode: 'mtls' })
  for (let tries = 0; tries < 10; tries++) expect(told(await site.bear(tokenOf()))).toBe(INVALID)
  expect(told(await site.bear(tokenOf()))).toBe('429 RATE_LIMITED')
  expect(site.fetched).toEqual([])
})

test('whatever the gateway shows, a proof by certificate is of the token that says so', async () => {
  const site = siteOf({ inboundAuthMode: 'bearer_plus_mtls_optional' })
  const token = tokenOf({ cnf: { 'x5t#S256': 'd'.repeat(43) } })
  expect(await site.bear(token, { certificate: CERTIFICATE })).toMatchObject({
    caller: {
      confirmation: { mtls: 'd'.repeat(43) },
      proofs: { mtls: { thumbprint: CERTIFICATE } },
    },
  })
})

test('ten failures of one address in a minute', async () => {
  const site = siteOf()
  for (let failures = 0; failures < 10; failures++) {
    expect(told(await site.bear(`bad-${failures}`))).toBe(INVALID)
    site.pass(1000)
  }
  expect(await site.bear(tokenOf())).toEqual({
    kind: 'refused',
    step: 'P1',
    status: 429,
    code: 'RATE_LIMITED',
    message: 'too many requests; try again later',
    retryAfterSeconds: 50,
  })
  expect(site.fetched).toEqual([])
  expect(told(await site.bear(tokenOf(), { address: '192.0.2.8' }))).toBe(ALICE)
  site.pass(50_000)
  expect(told(await site.bear(tokenOf()))).toBe(ALICE)
})

test('addresses of one /64 are one source', async () => {
  const site = siteOf()
  for (let failures = 0; failures < 10; failures++) {
    await site.bear('bad', { address: `2001:db8:0:1::${failures}` })
  }
  const other = { address: '2001:db8:0:1:ffff::1' }
  expect(told(await site.bear(tokenOf(), other))).toBe('429 RATE_LIMITED')
  expect(told(await site.bear(tokenOf(), { address: '2001:db8:0:2::1' }))).toBe(ALICE)
})

test('what was verified a short while ago goes on, whoever fails at the same address', async () => {
  const site = siteOf()
  const token = tokenOf()
  await site.bear(token)
  for (let failures = 0; failures < 10; failures++) await site.bear('bad')
  expect(told(await site.bear(token))).toBe(ALICE)
  // A proof is work each time.
  expect(told(await site.bear(token, { proof: proofOf(token) }))).toBe('429 RATE_LIMITED')
  const shown = { token: { scheme: 'dpop', text: token } } as const
  expect(told(await site.ask(shown))).toBe('429 RATE_LIMITED')
})

test('nobody asks for the keys again for a token that is known, and it is verified again after a minute', async () => {
  const site = siteOf()
  const token = tokenOf()
  await site.bear(token)
  site.answer = () => keysOf('RS256')
  // Another token makes the keys be fetched anew: with them the first would be none.
  site.pass(59_999)
  await site.bear(tokenOf({}, { kid: 'k2' }))
  expect(site.fetched).toHaveLength(2)
  expect(told(await site.bear(token))).toBe(ALICE)
  site.pass(1)
  expect(told(await site.bear(token))).toBe(INVALID)
})

test.each([
  ['asked-1', 'asked-1'],
  ['A.b_c-9', 'A.b_c-9'],
  ['x'.repeat(128), 'x'.repeat(128)],
  ['x'.repeat(129), 'new-1'],
  ['', 'new-1'],
  ['a b', 'new-1'],
  ['a\n', 'new-1'],
  [undefined, 'new-1'],
])('correlation %j is %s', async (correlation, expected) => {
  const more = correlation === undefined ? {} : { correlation }
  const { authenticator } = siteOf()
  const outcome = await authenticator.authenticate(
    { peer: GATEWAY, caller: BOB },
    { op: 'ask', route: 'value', ...more },
  )
  expect(outcome).toMatchObject({ caller: { correlationId: expected } })
})

test('what somebody says of himself is passed on', async () => {
  const said = { workflow_run: 'run', node: 'n', system: 's' }
  const expected = { workflowRunId: 'run', nodeId: 'n', systemId: 's' }
  const site = siteOf({ isDevelopment: true, requireAuth: false })
  const token = { scheme: 'bearer', text: tokenOf() } as const
  for (const outcome of [
    await site.ask({}, { said }),
    await site.ask({}, { said }, BOB),
    await site.ask({ token }, { said }),
  ]) {
    expect(outcome).toMatchObject({ caller: expected })
  }
})
