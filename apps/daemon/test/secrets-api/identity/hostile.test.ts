/** Whatever is shown, there is an answer, and it says nothing of what was shown. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCompactJws } from '../../../src/secrets-api/identity/compact-jws.ts'
import { readKeySet } from '../../../src/secrets-api/identity/key-set.ts'
import { readPublicKey } from '../../../src/secrets-api/identity/public-key.ts'
import {
  base64url,
  freshKey,
  jwsOf,
  keyOf,
  proofOf,
  publicJwk,
  type Site,
  siteOf,
  thumbprintOf,
  tokenOf,
} from './support.ts'

const RUNS = 300
/** Of addresses that have not failed before. */
const addresses = fc.ipV4()

const STRANGER = freshKey('ES256')
const TOKEN = tokenOf({ cnf: { jkt: thumbprintOf(keyOf('ES256')) } })
const PROOF = proofOf(TOKEN)

/** A text with one of its characters replaced, left out, or doubled. */
const damaged = (text: string) =>
  fc
    .tuple(
      fc.nat(text.length - 1),
      fc.constantFrom('replace', 'remove', 'double'),
      fc.string({ minLength: 1, maxLength: 1 }),
    )
    .map(([at, how, other]) => {
      const middle = how === 'remove' ? '' : how === 'double' ? text.charAt(at).repeat(2) : other
      return `${text.slice(0, at)}${middle}${text.slice(at + 1)}`
    })
    .filter((each) => each !== text)

const members = fc.dictionary(
  fc.constantFrom(
    'alg',
    'kid',
    'typ',
    'jwk',
    'crit',
    'iss',
    'sub',
    'exp',
    'cnf',
    '__proto__',
    'htm',
    'htu',
    'iat',
    'jti',
    'ath',
  ),
  fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('ES256', 'at+jwt', 'dpop+jwt', 'https://idp.example.com/', 'k1', 4_000_000_000),
  ),
)

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.base64String({ maxLength: 300 }),
  fc
    .tuple(members, members)
    .map(([header, payload]) => `${base64url(header)}.${base64url(payload)}.AAAA`),
  fc
    .tuple(members, members)
    .map(([header, payload]) => jwsOf({ ...header, alg: 'ES256' }, payload, STRANGER)),
  damaged(TOKEN),
  damaged(PROOF),
)

async function refusedBy(site: Site, token: string, proof: string | undefined, address: string) {
  const outcome = await site.ask({
    address,
    token: { scheme: 'dpop', text: token },
    ...(proof === undefined ? {} : { proof }),
  })
  expect(outcome.kind).toBe('refused')
  if (outcome.kind !== 'refused') return
  expect([401, 429]).toContain(outcome.status)
  const { message, challenge = '' } = outcome
  expect([
    'a valid credential is needed',
    'the request does not prove the key of its credential',
    'too many requests; try again later',
  ]).toContain(message)
  expect(['', 'DPoP error="invalid_token"', 'DPoP error="invalid_dpop_proof"']).toContain(challenge)
}

test('any text as a token is refused', async () => {
  const site = siteOf()
  await fc.assert(
    fc.asyncProperty(texts, addresses, (text, address) =>
      refusedBy(site, text, undefined, address),
    ),
    { numRuns: RUNS },
  )
})

test('any text as a proof is refused', async () => {
  const site = siteOf()
  expect((await site.ask({ token: { scheme: 'dpop', text: TOKEN }, proof: PROOF })).kind).toBe(
    'authenticated',
  )
  await fc.assert(
    fc.asyncProperty(texts, addresses, (text, address) => refusedBy(site, TOKEN, text, address)),
    { numRuns: RUNS },
  )
})

test('any document of an issuer has keys or none, and never a private one', async () => {
  const jwk = fc.dictionary(
    fc.constantFrom(
      'kty',
      'crv',
      'x',
      'y',
      'n',
      'e',
      'd',
      'k',
      'kid',
      'alg',
      'use',
      'key_ops',
      '__proto__',
    ),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...Object.values(publicJwk(keyOf('ES256'))).map(String), 'OKP', 'RSA', 'oct'),
    ),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.jsonValue(), fc.record({ keys: fc.array(jwk) })),
      async (document) => {
        const set = readKeySet(document)
        await set?.find({ alg: 'ES256', kid: 'k1' }).catch(() => undefined)
        const found = readPublicKey(document)
        if (found !== undefined) expect(Object.keys(found)).not.toContain('d')
      },
    ),
    { numRuns: RUNS },
  )
})

test('what is read of a JWS is what is in it', () => {
  fc.assert(
    fc.property(members, members, (header, payload) => {
      const text = `${base64url({ ...header, alg: 'ES256' })}.${base64url(payload)}.AAAA`
      const read = readCompactJws(text, 8192)
      if (read === undefined) return
      expect(JSON.stringify(read.payload)).toBe(JSON.stringify(payload))
      expect(Object.hasOwn(read.header, 'crit')).toBe(false)
    }),
    { numRuns: RUNS },
  )
})
