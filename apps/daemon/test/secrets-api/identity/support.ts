/** An authenticator with a clock that stands, issuers with real keys, and tokens that are signed without the library. */
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto'
import type { Caller } from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import type { Peer } from '@secreg/registry'
import type { Refused } from '@secreg/secrets-api/enforcement'
import {
  type Authenticated,
  type AuthenticationSettings,
  type Authenticator,
  createAuthenticator,
} from '../../../src/secrets-api/identity/authenticator.ts'
import type { KeysFault } from '../../../src/secrets-api/identity/key-source.ts'
import type { IssuerSettings } from '../../../src/secrets-api/settings.ts'

export type Request = RequestOf<'secrets'>
export type Presented = NonNullable<Request['presented']>
export type Members = Readonly<Record<string, unknown>>

/** 2026-11-26T12:00:00Z */
export const START_SECONDS = 1_795_694_400
export const IDP = 'https://idp.example.com/'
export const URL_ASKED = 'https://secrets.example.com/api/secrets/value'
export const ADDRESS = '192.0.2.7'

/** Keys by algorithm, made once for a file of tests. */
export function keyOf(alg: string): KeyObject {
  const name = alg === 'Ed25519' ? 'EdDSA' : alg.replace(/^PS/, 'RS').replace(/^RS\d+/, 'RS256')
  let key = KEYS.get(name)
  if (key === undefined) {
    key = freshKey(name)
    KEYS.set(name, key)
  }
  return key
}

const KEYS = new Map<string, KeyObject>()
const CURVES: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
}

export function freshKey(alg: string): KeyObject {
  const namedCurve = CURVES[alg]
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

export function publicJwk(key: KeyObject, more: Members = {}): JsonWebKey {
  return { ...createPublicKey(key).export({ format: 'jwk' }), ...more }
}

/** RFC 7638, written again. */
export function thumbprintOf(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicJwk(key)
  const members =
    kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return sha256(JSON.stringify(members))
}

export const sha256 = (text: string): string =>
  createHash('sha256').update(text).digest('base64url')

export const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Sign whatever is given, as text where it is text. */
export function jwsOf(header: Members | string, payload: Members | string, key: KeyObject): string {
  const signed = `${base64url(header)}.${base64url(payload)}`
  const alg = typeof header === 'string' ? 'RS256' : String(header['alg'])
  return `${signed}.${sign(hashOf(alg), Buffer.from(signed), signerOf(alg, key)).toString('base64url')}`
}

function hashOf(alg: string): string | null {
  const bits = /\d{3}$/.exec(alg)?.[0]
  return bits === undefined || alg === 'Ed25519' ? null : `sha${bits}`
}

function signerOf(alg: string, key: KeyObject): SignKeyObjectInput {
  if (alg.startsWith('PS')) {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 }
  }
  return { key, dsaEncoding: 'ieee-p1363' }
}

/** What a good token of alice says. */
export function claimsOf(more: Members = {}): Members {
  return {
    iss: IDP,
    sub: 'alice',
    aud: 'crud.secrets',
    scope: 'secrets.read',
    jti: 'jti-1',
    client_id: 'app',
    iat: START_SECONDS,
    exp: START_SECONDS + 300,
    ...more,
  }
}

/** A token of alice. */
export function tokenOf(more: Members = {}, header: Members = {}, key?: KeyObject): string {
  const whole = { alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header }
  return jwsOf(whole, claimsOf(more), key ?? keyOf(String(whole.alg)))
}

/** A DPoP proof of a request, beside a token. */
export function proofOf(
  token: string,
  more: Members = {},
  header: Members = {},
  key: KeyObject = keyOf('ES256'),
): string {
  return jwsOf(
    { alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk(key), ...header },
    {
      jti: 'proof-1',
      htm: 'GET',
      htu: URL_ASKED,
      iat: START_SECONDS,
      ath: sha256(token),
      ...more,
    },
    key,
  )
}

export const issuerOf = (more: Partial<IssuerSettings> = {}): IssuerSettings => ({
  issuer: IDP,
  name: 'idp',
  keys: { url: 'https://idp.example.com/jwks' },
  ca: undefined,
  tenantClaim: undefined,
  ...more,
})

export const SETTINGS: AuthenticationSettings = {
  audience: 'crud.secrets',
  clockSkewSeconds: 5,
  inboundAuthMode: 'bearer',
  isDevelopment: false,
  issuers: [issuerOf()],
  mounts: new Map([['acme', new Set(['secret'])]]),
  requireAuth: true,
  tenant: 'main',
}

export const GATEWAY: Peer = {
  door: 'http',
  address: 'gateway',
  gateway: { binding: {}, lifetimeMs: 300_000, loginOf: () => undefined },
}
export const LOCAL: Peer = { door: 'registry', address: 'local', uid: 1000 }

export interface Site {
  readonly authenticator: Authenticator
  /** Issuers that were asked for their keys, in order. */
  readonly fetched: string[]
  readonly faults: [string, KeysFault | undefined][]
  /** What issuers answer; throw for one that is down. */
  answer: (issuer: IssuerSettings) => unknown
  /** Let time pass. */
  pass(milliseconds: number): void
  /** Ask as a gateway does, for whoever shows this. */
  ask(presented?: Partial<Presented>, more?: Partial<Request>, caller?: Caller): Promise<Outcome>
  /** Show a token as a bearer's. */
  bear(token: string, more?: Partial<Presented>): Promise<Outcome>
}

export type Outcome = Authenticated | Refused

/** Set of the keys that {@link tokenOf} signs with. */
export const keysOf = (...algs: readonly string[]): unknown => ({
  keys: algs.map((alg) => publicJwk(keyOf(alg), { kid: 'k1', use: 'sig' })),
})

export function siteOf(more: Partial<AuthenticationSettings> = {}): Site {
  let elapsedMs = 0
  let ids = 0
  const fetched: string[] = []
  const faults: [string, KeysFault | undefined][] = []
  const authenticator = createAuthenticator({
    settings: { ...SETTINGS, ...more },
    fetchKeys: async (issuer) => {
      fetched.push(issuer.name)
      return site.answer(issuer)
    },
    tellKeys: (name, fault) => void faults.push([name, fault]),
    nowMs: () => 5_000 + elapsedMs,
    timeMs: () => START_SECONDS * 1000 + elapsedMs,
    newId: () => `new-${++ids}`,
  })
  const site: Site = {
    authenticator,
    fetched,
    faults,
    answer: () => keysOf('ES256'),
    pass: (milliseconds) => {
      elapsedMs += milliseconds
    },
    ask: (presented, request = {}, caller) =>
      authenticator.authenticate({ peer: GATEWAY, ...(caller === undefined ? {} : { caller }) }, {
        op: 'ask',
        route: 'value',
        correlation: 'asked-1',
        presented: { address: ADDRESS, method: 'GET', url: URL_ASKED, ...presented },
        ...request,
      } as Request),
    bear: (text, shown = {}) => site.ask({ token: { scheme: 'bearer', text }, ...shown }),
  }
  return site
}

/** An outcome in short: the subject, or status, code and challenge. */
export function told(outcome: Outcome): string {
  if (outcome.kind === 'authenticated') return outcome.caller.subject
  const { challenge, code, status } = outcome
  return [status, code, ...(challenge === undefined ? [] : [challenge])].join(' ')
}

export const ALICE = 'auth:account:idp:alice'
export const INVALID = '401 UNAUTHENTICATED Bearer error="invalid_token"'
export const UNPROVEN = '401 SENDER_BINDING_MISMATCH DPoP error="invalid_dpop_proof"'
