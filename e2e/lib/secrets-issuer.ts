/** An issuer of access tokens, with nothing but Node.js: it signs them, and publishes its keys over HTTP in this process. */
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Claims = Readonly<Record<string, unknown>>

/** Every scope of the Secrets API. */
export const SCOPES = [
  'secrets.read',
  'secrets.write',
  'secrets.delete',
  'secrets.destroy',
  'secrets.rotate',
  'secrets.read_metadata',
  'secrets.set_owner',
] as const

export type Scope = (typeof SCOPES)[number]

export const AUDIENCE = 'crud.secrets'

/** A key of P-256, and the name that tokens know it by. */
export class SigningKey {
  readonly kid: string
  readonly publicJwk: JsonWebKey
  readonly #key: KeyObject

  constructor(kid: string = randomUUID()) {
    this.kid = kid
    this.#key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    this.publicJwk = createPublicKey(this.#key).export({ format: 'jwk' })
  }

  /** SHA-256 of the key (RFC 7638 section 3). */
  get thumbprint(): string {
    const { crv, kty, x, y } = this.publicJwk
    return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  }

  /** PEM of the public half, with which some would check a MAC. */
  get publicPem(): string {
    return createPublicKey(this.#key).export({ format: 'pem', type: 'spki' }).toString()
  }

  /** A signed token (RFC 7515 section 7.1). */
  jws(header: Claims, payload: Claims): string {
    const input = signingInput({ alg: 'ES256', ...header }, payload)
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }
}

/** Header and payload as they are signed (RFC 7515 section 5.1). */
function signingInput(header: Claims, payload: Claims): string {
  return [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

/** A token that nobody has signed (RFC 7515 appendix A.5). */
export function unsignedToken(payload: Claims): string {
  return `${signingInput({ alg: 'none', typ: 'JWT' }, payload)}.`
}

/** A token whose MAC was made with what everybody knows: the public key, as text. */
export function confusedToken(key: SigningKey, payload: Claims): string {
  const input = signingInput({ alg: 'HS256', typ: 'JWT', kid: key.kid }, payload)
  return `${input}.${createHmac('sha256', key.publicPem).update(input).digest('base64url')}`
}

export class TestIssuer implements AsyncDisposable {
  /** Its name in the configuration, and in subjects. */
  readonly name: string
  /** `iss` */
  readonly issuer: string
  key: SigningKey = new SigningKey()
  /** Times that its keys were asked for. */
  fetches = 0
  /** Every token that was made. */
  readonly minted: string[] = []
  readonly #server: Server

  private constructor(name: string) {
    this.name = name
    this.issuer = `https://${name}.example.org`
    this.#server = createServer((_request, response) => {
      this.fetches++
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(this.jwks))
    })
  }

  static async start(name = 'idp'): Promise<TestIssuer> {
    const issuer = new TestIssuer(name)
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  get jwks(): object {
    const { kid, publicJwk } = this.key
    return { keys: [{ ...publicJwk, kid, alg: 'ES256', use: 'sig' }] }
  }

  get jwksUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`
  }

  /** Claims of a fresh token: five minutes, an id of its own. */
  claims(sub: string, scopes: readonly string[] = SCOPES, more: Claims = {}): Claims {
    const now = Math.floor(Date.now() / 1000)
    const claims: Record<string, unknown> = {
      iss: this.issuer,
      sub,
      aud: AUDIENCE,
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      client_id: 'spa-client',
      scope: scopes.join(' '),
      ...more,
    }
    for (const [name, value] of Object.entries(claims)) if (value === undefined) delete claims[name]
    return claims
  }

  /** A fresh token. @param more - undefined removes a claim */
  token(sub: string, scopes?: readonly string[], more?: Claims): string {
    return this.sign(this.claims(sub, scopes, more))
  }

  sign(claims: Claims, header: Claims = {}): string {
    const token = this.key.jws({ typ: 'at+jwt', kid: this.key.kid, ...header }, claims)
    this.minted.push(token)
    return token
  }

  /** Subject that a token has at decision points and in the log. */
  subject(sub: string): string {
    return `auth:account:${this.name}:${sub}`
  }

  /** Principal that policies of the registry name him by. */
  principal(sub: string): string {
    return `account:${this.subject(sub)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** What a proof of a key is about. */
export interface ProofOptions {
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** The access token beside it. */
  readonly token: string
  /** Claims that are otherwise; undefined removes one. */
  readonly more?: Claims
}

/** A DPoP proof (RFC 9449 section 4.2). */
export function dpopProof(
  key: SigningKey,
  { method, url, token, more = {} }: ProofOptions,
): string {
  const { crv, kty, x, y } = key.publicJwk
  const ath = createHash('sha256').update(token).digest('base64url')
  const iat = Math.floor(Date.now() / 1000)
  const claims = { jti: randomUUID(), htm: method, htu: url, iat, ath, ...more }
  return key.jws({ typ: 'dpop+jwt', jwk: { crv, kty, x, y } }, claims)
}
