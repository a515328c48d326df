/** Access tokens of other issuers (RFC 7519 section 7.2, RFC 8725, RFC 9068 section 4). */
import { jwtVerify } from 'jose'
import type { IssuerSettings } from '../settings.ts'
import { type Members, memberOf, readCompactJws, typeOf } from './compact-jws.ts'
import { KeysUnavailableError } from './key-source.ts'
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.ts'
import { readTokenClaims, type TokenClaims } from './token-claims.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** Longest token, characters. */
export const MAX_TOKEN_CHARS = 8192

/** A token that is good. */
export interface VerifiedToken {
  readonly issuer: IssuerSettings
  readonly claims: TokenClaims
}

export interface TokenVerifierOptions {
  readonly issuers: ReadonlyMap<string, TrustedIssuer>
  /** Whether there is such a tenant, for tokens that name one. */
  readonly isTenant: (name: string) => boolean
  /** Seconds that clocks of issuers may be off. */
  readonly clockSkewSeconds: number
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly timeMs: () => number
}

const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt'])

export class TokenVerifier {
  readonly #options: TokenVerifierOptions
  readonly #verified: VerifiedTokens<VerifiedToken>

  constructor(options: TokenVerifierOptions) {
    this.#options = options
    this.#verified = new VerifiedTokens(options.nowMs)
  }

  /** A token that was verified a short while ago and has not expired, without any other work. */
  known(token: string): VerifiedToken | undefined {
    if (token.length > MAX_TOKEN_CHARS) return undefined
    const known = this.#verified.get(token)
    if (known === undefined || !this.#isExpired(known)) return known
    this.#verified.delete(token)
    return undefined
  }

  /**
   * Verify a token. Whom it is for is not looked at.
   *
   * @returns undefined for whatever is none of a trusted issuer that is good now
   * @throws KeysUnavailableError when the keys of its issuer are not known
   */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    const jws = readCompactJws(token, MAX_TOKEN_CHARS)
    if (jws === undefined || !TYPES.has(typeOf(jws.header))) return undefined
    const issuer = memberOf(jws.payload, 'iss')
    const trusted = typeof issuer === 'string' ? this.#options.issuers.get(issuer) : undefined
    if (trusted === undefined) return undefined
    const { settings } = trusted
    const payload = await this.#signedBy(trusted, jws.header, token)
    const claims = payload && readTokenClaims(payload, settings.tenantClaim)
    if (claims === undefined || !this.#isOfTenant(claims)) return undefined
    const verified = Object.freeze({ issuer: settings, claims })
    this.#verified.set(token, verified)
    return verified
  }

  #isOfTenant({ tenant }: TokenClaims): boolean {
    return tenant === undefined || this.#options.isTenant(tenant)
  }

  /** Claims of a token that an issuer has signed, and whose time it is. */
  async #signedBy(
    { settings, keys }: TrustedIssuer,
    header: Members,
    token: string,
  ): Promise<Members | undefined> {
    const { clockSkewSeconds, timeMs } = this.#options
    const key = await keys.find(header).catch((error: unknown) => {
      if (error instanceof KeysUnavailableError) throw error
      // A key of the set that is none, such as a point that is not on its curve.
      return undefined
    })
    if (key === undefined) return undefined
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [...SIGNATURE_ALGORITHMS],
        issuer: settings.issuer,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(timeMs()),
      })
      return payload
    } catch {
      return undefined
    }
  }

  /** In the same seconds as those of the first look at it. */
  #isExpired({ claims }: VerifiedToken): boolean {
    const { clockSkewSeconds, timeMs } = this.#options
    return claims.expiresAt <= Math.floor(timeMs() / 1000) - clockSkewSeconds
  }
}
