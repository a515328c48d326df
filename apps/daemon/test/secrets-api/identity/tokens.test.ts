import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  ADDRESS,
  ALICE,
  base64url,
  claimsOf,
  freshKey,
  IDP,
  INVALID,
  issuerOf,
  jwsOf,
  keyOf,
  keysOf,
  type Members,
  publicJwk,
  START_SECONDS,
  siteOf,
  tokenOf,
  told,
} from './support.ts'

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

test.each([...ALGORITHMS, 'EdDSA', 'Ed25519'])('a token signed with %s is good', async (alg) => {
  const site = siteOf()
  site.answer = () => keysOf(alg)
  expect(told(await site.bear(tokenOf({}, { alg })))).toBe(ALICE)
})

test('what a token says of its bearer', async () => {
  const { bear } = siteOf()
  const outcome = await bear(tokenOf({ scope: 'secrets.read  secrets.write secrets.read' }))
  expect(outcome).toEqual({
    kind: 'authenticated',
    caller: {
      tenant: 'main',
      subject: ALICE,
      authenticated: true,
      scopes: ['secrets.read', 'secrets.write'],
      audience: ['crud.secrets'],
      issuer: IDP,
      clientId: 'app',
      tokenId: 'jti-1',
      proofs: {},
      correlationId: 'asked-1',
      principal: {
        principals: [`account:${ALICE}`],
        roles: [],
        groups: [],
        mfa: false,
        door: 'http',
        address: ADDRESS,
        proof: 'credential',
        correlationId: 'asked-1',
      },
      rights: expect.stringMatching(/^[\w-]{43}$/),
    },
  })
  if (outcome.kind === 'refused') return
  expect(Object.isFrozen(outcome.caller.principal)).toBe(true)
})

test.each<[string, Members, Members]>([
  ['scopes as a list', { scope: undefined, scp: ['a', 'b'] }, { scopes: ['a', 'b'] }],
  ['scopes as text before those as a list', { scope: 'a', scp: ['b'] }, { scopes: ['a'] }],
  ['no scopes', { scope: undefined }, { scopes: [] }],
  ['an empty text of scopes', { scope: '' }, { scopes: [] }],
  ['several audiences', { aud: ['x', 'y'] }, { audience: ['x', 'y'] }],
  ['an audience that is another one', { aud: 'x' }, { audience: ['x'] }],
  ['a client as azp', { client_id: undefined, azp: 'b' }, { clientId: 'b' }],
  ['client_id before azp', { azp: 'b' }, { clientId: 'app' }],
  [
    'the longest subject',
    { sub: 'x'.repeat(512) },
    { subject: `auth:account:idp:${'x'.repeat(512)}` },
  ],
  [
    'a subject with colons and spaces',
    { sub: 'CN=a b:c' },
    { subject: 'auth:account:idp:CN=a b:c' },
  ],
  [
    'keys that it is bound to',
    { cnf: { jkt: 'a'.repeat(43), 'x5t#S256': 'b'.repeat(43) } },
    { confirmation: { dpop: 'a'.repeat(43), mtls: 'b'.repeat(43) } },
  ],
])('%s', async (_, claims, caller) => {
  expect(await siteOf().bear(tokenOf(claims))).toMatchObject({ caller })
})

test('a token may name neither audience nor client nor id', async () => {
  const outcome = await siteOf().bear(
    tokenOf({ aud: undefined, client_id: undefined, jti: undefined }),
  )
  if (outcome.kind === 'refused') throw new Error('refused')
  for (const name of ['audience', 'clientId', 'tokenId', 'confirmation']) {
    expect(outcome.caller).not.toHaveProperty(name)
  }
})

const LONG = 'x'.repeat(513)
const FOREIGN_KEY = freshKey('ES256')

/** Each differs in one thing from a token that is good. */
const BAD: readonly [string, () => string][] = [
  ['no JWS', () => 'abc'],
  ['nothing', () => ''],
  ['two parts', () => tokenOf().split('.').slice(0, 2).join('.')],
  ['five parts', () => `${tokenOf()}.a.b`],
  ['padding', () => `${tokenOf()}==`],
  ['white space', () => ` ${tokenOf()}`],
  ['a line end', () => `${tokenOf()}\n`],
  ['a header that is no JSON', () => jwsOf('{', JSON.stringify(claimsOf()), keyOf('RS256'))],
  ['a header that is a list', () => jwsOf('[]', JSON.stringify(claimsOf()), keyOf('RS256'))],
  ['claims that are null', () => jwsOf({ alg: 'ES256', kid: 'k1' }, 'null', keyOf('ES256'))],
  [
    'a member of the header twice',
    () => {
      const [, rest = '', signature = ''] = tokenOf().split('.')
      return `${base64url('{"alg":"none","alg":"ES256","kid":"k1"}')}.${rest}.${signature}`
    },
  ],
  [
    'a claim twice',
    () => {
      const claims = JSON.stringify(claimsOf()).replace('{', '{"sub":"bob",')
      return jwsOf({ alg: 'ES256', kid: 'k1' }, claims, keyOf('ES256'))
    },
  ],
  [
    'claims nested deep',
    () => {
      const claims = JSON.stringify(claimsOf()).replace(
        '{',
        `{"x":${'['.repeat(17)}${']'.repeat(17)},`,
      )
      return jwsOf({ alg: 'ES256', kid: 'k1' }, claims, keyOf('ES256'))
    },
  ],
  ['another key', () => tokenOf({}, {}, FOREIGN_KEY)],
  ['its own key', () => tokenOf({}, { jwk: publicJwk(FOREIGN_KEY) }, FOREIGN_KEY)],
  ['a place to find its key', () => tokenOf({}, { jku: 'https://evil.example' }, FOREIGN_KEY)],
  [
    'its signature spelled in another way',
    () => {
      const token = tokenOf()
      // Of the last character, four bits are nothing of the signature.
      const other = String.fromCharCode(token.charCodeAt(token.length - 1) + 1)
      return `${token.slice(0, -1)}${other}`
    },
  ],
  ['a signature cut short', () => tokenOf().slice(0, -4)],
  [
    'another payload',
    () => {
      const [header, , signature] = tokenOf().split('.')
      return `${header}.${base64url(claimsOf({ sub: 'bob' }))}.${signature}`
    },
  ],
  ['alg none', () => `${base64url({ alg: 'none', kid: 'k1' })}.${base64url(claimsOf())}.`],
  [
    'alg none with a signature',
    () => `${base64url({ alg: 'none', kid: 'k1' })}.${base64url(claimsOf())}.AAAA`,
  ],
  ['alg None', () => `${base64url({ alg: 'NONE' })}.${base64url(claimsOf())}.AAAA`],
  ['no alg', () => `${base64url({ kid: 'k1' })}.${base64url(claimsOf())}.AAAA`],
  ['alg as a list', () => `${base64url({ alg: ['ES256'] })}.${base64url(claimsOf())}.AAAA`],
  ...['spki', 'jwk'].map((form): [string, () => string] => [
    `HS256 with the public key as ${form}`,
    () => {
      const secret =
        form === 'jwk'
          ? JSON.stringify(publicJwk(keyOf('ES256')))
          : String(createPublicKey(keyOf('ES256')).export({ type: 'spki', format: 'pem' }))
      const signed = `${base64url({ alg: 'HS256', kid: 'k1' })}.${base64url(claimsOf())}`
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
    },
  ]),
  ['an extension that must be understood', () => tokenOf({}, { crit: ['exp'], exp: 1 })],
  ['b64 as such', () => tokenOf({}, { crit: ['b64'], b64: true })],
  ['b64 without crit', () => tokenOf({}, { b64: false })],
  ['crit that is empty', () => tokenOf({}, { crit: [] })],
  ['kid of another', () => tokenOf({}, { kid: 'k2' })],
  ['kid that is a number', () => tokenOf({}, { kid: 1 })],
  ['kid that is long', () => tokenOf({}, { kid: 'k'.repeat(257) })],
  ['kid like a member of every object', () => tokenOf({}, { kid: '__proto__' })],
  ['typ of a proof', () => tokenOf({}, { typ: 'dpop+jwt' })],
  ['typ of something else', () => tokenOf({}, { typ: 'secevent+jwt' })],
  ['typ that is no text', () => tokenOf({}, { typ: 1 })],
  ['no issuer', () => tokenOf({ iss: undefined })],
  ['an unknown issuer', () => tokenOf({ iss: 'https://evil.example/' })],
  ['an issuer without its last slash', () => tokenOf({ iss: IDP.slice(0, -1) })],
  ['an issuer in capitals', () => tokenOf({ iss: IDP.toUpperCase() })],
  ['a list of issuers', () => tokenOf({ iss: [IDP] })],
  ['no subject', () => tokenOf({ sub: undefined })],
  ['an empty subject', () => tokenOf({ sub: '' })],
  ['a long subject', () => tokenOf({ sub: LONG })],
  ['a subject that is a number', () => tokenOf({ sub: 1 })],
  ['a subject with a line end', () => tokenOf({ sub: 'alice\n' })],
  ['a subject with a space at its end', () => tokenOf({ sub: 'alice ' })],
  ['a subject with a letter that looks like another', () => tokenOf({ sub: 'аlice' })],
  ['no end', () => tokenOf({ exp: undefined })],
  ['an end that is text', () => tokenOf({ exp: String(START_SECONDS + 300) })],
  [
    'an end that never comes',
    () =>
      jwsOf(
        { alg: 'ES256', kid: 'k1' },
        JSON.stringify(claimsOf()).replace(/"exp":\d+/, '"exp":1e999'),
        keyOf('ES256'),
      ),
  ],
  ['a beginning that is text', () => tokenOf({ nbf: 'now' })],
  ['a time of issue that is text', () => tokenOf({ iat: 'now' })],
  ['an audience that is a number', () => tokenOf({ aud: 1 })],
  ['an audience among others that is none', () => tokenOf({ aud: ['crud.secrets', null] })],
  ['too many audiences', () => tokenOf({ aud: Array.from({ length: 65 }, () => 'a') })],
  ['scopes of both kinds mixed up', () => tokenOf({ scope: ['secrets.read'] })],
  ['scp as text', () => tokenOf({ scope: undefined, scp: 'secrets.read' })],
  ['a scope with a quote', () => tokenOf({ scope: 'a"b' })],
  ['an id that is a number', () => tokenOf({ jti: 1 })],
  ['an id that is long', () => tokenOf({ jti: LONG })],
  ['a client that is a list', () => tokenOf({ client_id: ['a'] })],
  ['a binding that is none', () => tokenOf({ cnf: {} })],
  ['a binding that is text', () => tokenOf({ cnf: 'a' })],
  ['a binding of another kind', () => tokenOf({ cnf: { jwk: publicJwk(FOREIGN_KEY) } })],
  [
    'a binding of another kind beside one',
    () => tokenOf({ cnf: { jkt: 'a'.repeat(43), kid: 'a' } }),
  ],
  ['a thumbprint that is none', () => tokenOf({ cnf: { jkt: 'short' } })],
  ['a token of another kind of key', () => tokenOf({}, { alg: 'ES384' })],
  ['a token that is too long', () => tokenOf({ x: 'x'.repeat(6200) })],
]

test.each(BAD)('%s: refused, and counted', async (_, make) => {
  const site = siteOf()
  const token = make()
  for (let failures = 0; failures < 10; failures++)
    expect(told(await site.bear(token))).toBe(INVALID)
  expect(await site.bear(token)).toMatchObject({ status: 429, code: 'RATE_LIMITED' })
})

test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'jwt', 'application/jwt', undefined])(
  'typ %s is that of an access token',
  async (typ) => {
    expect(told(await siteOf().bear(tokenOf({}, { typ })))).toBe(ALICE)
  },
)

test('a token of 8192 characters is read, and no longer one', async () => {
  const { length } = tokenOf({ x: '' })
  const room = Math.floor(((8192 - length) * 3) / 4)
  const longest = tokenOf({ x: 'x'.repeat(room) })
  expect(longest.length).toBeGreaterThan(8188)
  expect(told(await siteOf().bear(longest))).toBe(ALICE)
  expect(told(await siteOf().bear(tokenOf({ x: 'x'.repeat(room + 3) })))).toBe(INVALID)
})

test.each([
  ['exp', 300 + 4, ALICE],
  ['exp', 300 + 5, INVALID],
  ['exp', 300 + 6, INVALID],
  ['nbf', 100 - 6, INVALID],
  ['nbf', 100 - 5, ALICE],
  ['nbf', 100, ALICE],
])('%s after %i s, with a skew of 5 s: %s', async (claim, seconds, expected) => {
  const site = siteOf()
  site.pass(seconds * 1000)
  const claims = claim === 'nbf' ? { nbf: START_SECONDS + 100 } : {}
  expect(told(await site.bear(tokenOf(claims)))).toBe(expected)
})

test('a token that was good is not, once it has expired', async () => {
  const site = siteOf()
  const token = tokenOf({ exp: START_SECONDS + 10 })
  expect(told(await site.bear(token))).toBe(ALICE)
  site.pass(14_999)
  expect(told(await site.bear(token))).toBe(ALICE)
  site.pass(1)
  expect(told(await site.bear(token))).toBe(INVALID)
})

test('a token without kid fits the one key that there is, and none of several', async () => {
  const site = siteOf()
  const token = tokenOf({}, { kid: undefined })
  expect(told(await site.bear(token))).toBe(ALICE)
  const other = siteOf()
  other.answer = () => ({
    keys: [keyOf('ES256'), FOREIGN_KEY].map((key, at) => publicJwk(key, { kid: `k${at}` })),
  })
  expect(told(await other.bear(token))).toBe(INVALID)
})

test('two keys with one kid: the one that fits alg', async () => {
  const site = siteOf()
  site.answer = () => keysOf('ES256', 'RS256', 'EdDSA')
  for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
    expect(told(await site.bear(tokenOf({}, { alg })))).toBe(ALICE)
  }
})

test.each<[string, Members]>([
  ['is for encryption', { use: 'enc' }],
  ['is for another algorithm', { alg: 'ES384' }],
  ['is for signing', { key_ops: ['sign'] }],
  ['has a kid that is none', { kid: 1 }],
  ['is a private one', { d: keyOf('ES256').export({ format: 'jwk' }).d }],
  ['is a point that is on no curve', { y: Buffer.alloc(32, 1).toString('base64url') }],
  ['is of another curve by name', { crv: 'P-384' }],
])('a key that %s verifies nothing', async (_, members) => {
  const site = siteOf()
  site.answer = () => ({ keys: [publicJwk(keyOf('ES256'), { kid: 'k1', ...members })] })
  expect(told(await site.bear(tokenOf()))).toBe(INVALID)
})

test('an RSA key of 1024 bits verifies nothing', async () => {
  const site = siteOf()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  site.answer = () => ({ keys: [publicJwk(privateKey, { kid: 'k1' })] })
  expect(told(await site.bear(tokenOf({}, { alg: 'RS256' }, privateKey)))).toBe(INVALID)
})

test('keys of one issuer sign nothing of another, whatever their kid', async () => {
  const second = 'https://second.example.com/'
  const site = siteOf({ issuers: [issuerOf(), issuerOf({ issuer: second, name: 'second' })] })
  site.answer = ({ name }) => ({
    keys: [publicJwk(name === 'idp' ? keyOf('ES256') : FOREIGN_KEY, { kid: 'k1' })],
  })
  expect(told(await site.bear(tokenOf({ iss: second }, {}, FOREIGN_KEY)))).toBe(
    'auth:account:second:alice',
  )
  expect(told(await site.bear(tokenOf()))).toBe(ALICE)
  expect(told(await site.bear(tokenOf({ iss: second })))).toBe(INVALID)
  expect(told(await site.bear(tokenOf({}, {}, FOREIGN_KEY)))).toBe(INVALID)
  expect(site.fetched).toEqual(['second', 'idp'])
})

test('no key is looked for before the issuer is one that is trusted', async () => {
  const site = siteOf()
  await site.bear(tokenOf({ iss: 'https://evil.example/' }))
  await site.bear(tokenOf({}, { alg: 'HS256' }, keyOf('ES256')).replace(/[^.]+$/, 'AAAA'))
  await site.bear(tokenOf({}, { typ: 'dpop+jwt' }))
  expect(site.fetched).toEqual([])
})

test.each<[string, unknown, string]>([
  ['acme', 'acme', 'acme'],
  ['main', 'main', 'main'],
  ['an unknown one', 'other', INVALID],
  ['a member of every object', 'toString', INVALID],
  ['a text with a slash', 'acme/x', INVALID],
  ['no text', ['acme'], INVALID],
  ['nothing', undefined, INVALID],
])('the claim that names the tenant: %s', async (_, value, expected) => {
  const claim = 'https://example.com/tenant'
  const site = siteOf({ issuers: [issuerOf({ tenantClaim: claim })] })
  const token = tokenOf({ [claim]: value })
  const outcome = await site.bear(token)
  // Not even as one that is known.
  if (expected === INVALID) expect(told(await site.bear(token))).toBe(INVALID)
  expect(outcome.kind === 'refused' ? told(outcome) : outcome.caller.tenant).toBe(expected)
})

test('a claim that every object has names no tenant', async () => {
  const site = siteOf({ issuers: [issuerOf({ tenantClaim: 'constructor' })] })
  expect(told(await site.bear(tokenOf()))).toBe(INVALID)
})

test.each([
  ['a name twice', [issuerOf(), issuerOf({ issuer: 'https://b.example' })]],
  [
    'names that differ in case',
    [issuerOf(), issuerOf({ issuer: 'https://b.example', name: 'IDP' })],
  ],
  ['an issuer twice', [issuerOf(), issuerOf({ name: 'b' })]],
  ['an issuer without a name', [issuerOf({ issuer: '' })]],
  ['the name of the registry', [issuerOf({ name: 'secreg' })]],
  ['a name with a colon', [issuerOf({ name: 'a:b' })]],
  ['an empty name', [issuerOf({ name: '' })]],
])('%s: refused before anybody asks', (_, issuers) => {
  expect(() => siteOf({ issuers })).toThrow(RangeError)
})
