import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { verifyProof } from '../../../src/secrets-api/identity/dpop-proof.ts'
import {
  ALICE,
  base64url,
  claimsOf,
  freshKey,
  INVALID,
  jwsOf,
  keyOf,
  type Members,
  type Outcome,
  type Presented,
  proofOf,
  publicJwk,
  type Site,
  START_SECONDS,
  sha256,
  siteOf,
  thumbprintOf,
  tokenOf,
  told,
  UNPROVEN,
  URL_ASKED,
} from './support.ts'

const KEY = freshKey('ES256')
const JKT = thumbprintOf(KEY)
const TOKEN = tokenOf({ cnf: { jkt: JKT } })

/** Show a token by the scheme of RFC 9449, with a proof. */
function show(
  site: Site,
  proof: string | undefined,
  more: Partial<Presented> = {},
  text = TOKEN,
): Promise<Outcome> {
  return site.ask({
    token: { scheme: 'dpop', text },
    ...(proof === undefined ? {} : { proof }),
    ...more,
  })
}

function callerOf(outcome: Outcome) {
  if (outcome.kind === 'refused') throw new Error(told(outcome))
  return outcome.caller
}

test('a proof by the key of the token', async () => {
  const caller = callerOf(await show(siteOf(), proofOf(TOKEN, {}, {}, KEY)))
  expect(caller.confirmation).toEqual({ dpop: JKT })
  expect(caller.proofs).toEqual({ dpop: { thumbprint: JKT, proofId: 'proof-1' } })
})

test.each(['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
  'a proof signed with %s',
  async (alg) => {
    const key = keyOf(alg)
    const token = tokenOf({ cnf: { jkt: thumbprintOf(key) } })
    const outcome = await show(siteOf(), proofOf(token, {}, { alg }, key), {}, token)
    expect(callerOf(outcome).proofs?.dpop?.thumbprint).toBe(thumbprintOf(key))
  },
)

test('the thumbprint is that of RFC 7638 section 3.1, whatever else its key says', async () => {
  const key = publicJwk(KEY, { kid: 'x', use: 'sig', alg: 'ES256', key_ops: ['verify'], ext: true })
  const outcome = await show(siteOf(), proofOf(TOKEN, {}, { jwk: key }, KEY))
  expect(callerOf(outcome).proofs?.dpop?.thumbprint).toBe(JKT)
})

test('a proof by another key is a proof; that it is not the one of the token is seen later', async () => {
  const other = freshKey('ES256')
  const caller = callerOf(await show(siteOf(), proofOf(TOKEN, {}, {}, other)))
  expect(caller.proofs?.dpop?.thumbprint).toBe(thumbprintOf(other))
  expect(caller.confirmation?.dpop).toBe(JKT)
})

test('without a proof, a token that is bound proves nothing', async () => {
  const caller = callerOf(await show(siteOf(), undefined))
  expect(caller).toMatchObject({ confirmation: { dpop: JKT }, proofs: {} })
})

test('a token that is bound is none of a bearer, even with a proof (RFC 9449 section 7.2)', async () => {
  const outcome = await siteOf().bear(TOKEN, { proof: proofOf(TOKEN, {}, {}, KEY) })
  expect(callerOf(outcome)).toMatchObject({ confirmation: { dpop: JKT }, proofs: {} })
})

test('a token that is bound to no key is not shown as one that is (RFC 9449 section 7.1)', async () => {
  const token = tokenOf()
  expect(told(await show(siteOf(), undefined, {}, token))).toBe(UNPROVEN)
  expect(told(await show(siteOf(), proofOf(token, {}, {}, KEY), {}, token))).toBe(UNPROVEN)
})

test('beside the token of a bearer, a proof binds what he does to its key', async () => {
  const token = tokenOf()
  const outcome = await siteOf().bear(token, { proof: proofOf(token, {}, {}, KEY) })
  expect(callerOf(outcome).proofs?.dpop?.thumbprint).toBe(JKT)
})

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const claims = (more: Members = {}): Members => ({
  jti: 'proof-1',
  htm: 'GET',
  htu: URL_ASKED,
  iat: START_SECONDS,
  ath: sha256(TOKEN),
  ...more,
})
const header = (more: Members = {}): Members => ({
  alg: 'ES256',
  typ: 'dpop+jwt',
  jwk: publicJwk(KEY),
  ...more,
})

const BAD: readonly [string, () => string][] = [
  ['nothing', () => ''],
  ['two proofs', () => `${proofOf(TOKEN, {}, {}, KEY)}, ${proofOf(TOKEN, {}, {}, KEY)}`],
  ['the token', () => TOKEN],
  ['another typ', () => proofOf(TOKEN, {}, { typ: 'jwt' }, KEY)],
  ['no typ', () => proofOf(TOKEN, {}, { typ: undefined }, KEY)],
  ['no jwk', () => proofOf(TOKEN, {}, { jwk: undefined }, KEY)],
  ['a jwk that is text', () => proofOf(TOKEN, {}, { jwk: 'key' }, KEY)],
  ['the private key', () => proofOf(TOKEN, {}, { jwk: KEY.export({ format: 'jwk' }) }, KEY)],
  ['a shared key', () => proofOf(TOKEN, {}, { jwk: { kty: 'oct', k: 'AAAA' } }, KEY)],
  ['a key of another', () => proofOf(TOKEN, {}, { jwk: publicJwk(keyOf('ES256')) }, KEY)],
  ['a key for encryption', () => proofOf(TOKEN, {}, { jwk: publicJwk(KEY, { use: 'enc' }) }, KEY)],
  [
    'a key of another alg',
    () => proofOf(TOKEN, {}, { jwk: publicJwk(KEY, { alg: 'ES384' }) }, KEY),
  ],
  [
    'another spelling of its key',
    () => proofOf(TOKEN, {}, { jwk: publicJwk(KEY, { x: `${publicJwk(KEY).x}=` }) }, KEY),
  ],
  [
    'a key with a long exponent',
    () => {
      const { n } = publicJwk(RSA)
      return jwsOf(header({ alg: 'RS256', jwk: { kty: 'RSA', n, e: n } }), claims(), RSA)
    },
  ],
  [
    'a key whose exponent is 1',
    () => jwsOf(header({ alg: 'RS256', jwk: publicJwk(RSA, { e: 'AQ' }) }), claims(), RSA),
  ],
  ['alg none', () => `${base64url(header({ alg: 'none' }))}.${base64url(claims())}.AAAA`],
  ['HS256', () => `${base64url(header({ alg: 'HS256' }))}.${base64url(claims())}.AAAA`],
  ['an extension', () => proofOf(TOKEN, {}, { crit: ['x'], x: 1 }, KEY)],
  ['no signature that fits', () => proofOf(TOKEN, {}, {}, KEY).replace(/[^.]+$/, 'A'.repeat(86))],
  ['no jti', () => proofOf(TOKEN, { jti: undefined }, {}, KEY)],
  ['an empty jti', () => proofOf(TOKEN, { jti: '' }, {}, KEY)],
  ['a long jti', () => proofOf(TOKEN, { jti: 'x'.repeat(129) }, {}, KEY)],
  ['a jti that is a number', () => proofOf(TOKEN, { jti: 1 }, {}, KEY)],
  ['another method', () => proofOf(TOKEN, { htm: 'POST' }, {}, KEY)],
  ['a method in small letters', () => proofOf(TOKEN, { htm: 'get' }, {}, KEY)],
  ['no method', () => proofOf(TOKEN, { htm: undefined }, {}, KEY)],
  ['another path', () => proofOf(TOKEN, { htu: `${URL_ASKED}s` }, {}, KEY)],
  ['another host', () => proofOf(TOKEN, { htu: URL_ASKED.replace('example', 'evil') }, {}, KEY)],
  ['another scheme', () => proofOf(TOKEN, { htu: URL_ASKED.replace('https', 'http') }, {}, KEY)],
  ['a path alone', () => proofOf(TOKEN, { htu: '/api/secrets/value' }, {}, KEY)],
  ['no URL', () => proofOf(TOKEN, { htu: undefined }, {}, KEY)],
  ['a list of URLs', () => proofOf(TOKEN, { htu: [URL_ASKED] }, {}, KEY)],
  ['no iat', () => proofOf(TOKEN, { iat: undefined }, {}, KEY)],
  ['an iat that is text', () => proofOf(TOKEN, { iat: String(START_SECONDS) }, {}, KEY)],
  ['an iat of ten minutes ago', () => proofOf(TOKEN, { iat: START_SECONDS - 600 }, {}, KEY)],
  ['no ath', () => proofOf(TOKEN, { ath: undefined }, {}, KEY)],
  ['the ath of another token', () => proofOf(TOKEN, { ath: sha256(`${TOKEN}x`) }, {}, KEY)],
  ['an ath with padding', () => proofOf(TOKEN, { ath: `${sha256(TOKEN)}=` }, {}, KEY)],
  ['more than 4096 characters', () => proofOf(TOKEN, { x: 'x'.repeat(3100) }, {}, KEY)],
]

test.each(BAD)('a proof with %s: refused, and counted', async (_, make) => {
  const site = siteOf()
  const proof = make()
  for (let failures = 0; failures < 10; failures++)
    expect(told(await show(site, proof))).toBe(UNPROVEN)
  expect(told(await show(site, proofOf(TOKEN, {}, {}, KEY)))).toBe('429 RATE_LIMITED')
  site.pass(60_000)
  expect(told(await show(site, proofOf(TOKEN, { iat: START_SECONDS + 60 }, {}, KEY)))).toBe(ALICE)
})

test.each([
  [-61, UNPROVEN],
  [-60.5, UNPROVEN],
  [-60, ALICE],
  [-59, ALICE],
  [59, ALICE],
  [60, UNPROVEN],
  [61, UNPROVEN],
])('a proof that was made %d s from now: %s', async (seconds, expected) => {
  const proof = proofOf(TOKEN, { iat: START_SECONDS + seconds }, {}, KEY)
  expect(told(await show(siteOf(), proof))).toBe(expected)
})

test('the longest id of a proof', async () => {
  const outcome = await show(siteOf(), proofOf(TOKEN, { jti: 'x'.repeat(128) }, {}, KEY))
  expect(callerOf(outcome).proofs?.dpop?.proofId).toHaveLength(128)
})

/** RFC 9449, figures 12 and 13. */
const EXAMPLE = {
  token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
  proof: [
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpD',
    'a0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6',
    'IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGx',
    'lLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk',
    '1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJp',
    'LjA',
  ].join(''),
  method: 'GET',
  url: 'https://resource.example.org/protectedresource',
}

test('the example of RFC 9449 section 7.1', async () => {
  const { proof, ...request } = EXAMPLE
  expect(await verifyProof(proof, request, 1_562_262_618_000)).toEqual({
    thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
    proofId: 'e1j3V_bKic8-LAEB',
  })
  expect(await verifyProof(proof, { ...request, method: 'POST' }, 1_562_262_618_000)).toBe(
    undefined,
  )
})

test('a proof of the URL that was asked, however it is spelled', async () => {
  const htu = 'HTTPS://secrets.EXAMPLE.com:443/api/./x/../secrets/%76alue?uri=a#b'
  expect(told(await show(siteOf(), proofOf(TOKEN, { htu }, {}, KEY)))).toBe(ALICE)
  const url = `${URL_ASKED}?uri=openbao+kv2://secret/app%23token`
  expect(told(await show(siteOf(), proofOf(TOKEN, {}, {}, KEY), { url }))).toBe(ALICE)
})

test('of a URL that is none, nothing is proven', async () => {
  const proof = proofOf(TOKEN, { htu: '/x' }, {}, KEY)
  expect(told(await show(siteOf(), proof, { url: '/x' }))).toBe(UNPROVEN)
})

test('a proof of a token that is no good does not matter', async () => {
  const token = tokenOf({ exp: START_SECONDS - 60, cnf: { jkt: JKT } })
  const outcome = await show(siteOf(), proofOf(token, {}, {}, KEY), {}, token)
  expect(told(outcome)).toBe('401 UNAUTHENTICATED DPoP error="invalid_token"')
  expect(told(await siteOf().bear(token))).toBe(INVALID)
})

test('a proof of no token is refused, also where nobody need be anybody', async () => {
  const open = siteOf({ isDevelopment: true, requireAuth: false })
  for (const site of [siteOf(), open]) {
    const proof = proofOf(TOKEN, {}, {}, KEY)
    for (let tries = 0; tries < 10; tries++) expect(told(await site.ask({ proof }))).toBe(UNPROVEN)
    expect(told(await site.ask({ proof }))).toBe('429 RATE_LIMITED')
  }
})

test('claims of a token are those of the token, whoever has made the proof', async () => {
  const forged = jwsOf(
    { ...header(), kid: 'k1' },
    { ...claimsOf({ sub: 'bob' }), ...claims() },
    KEY,
  )
  const caller = callerOf(await show(siteOf(), forged))
  expect(caller.subject).toBe(ALICE)
})
