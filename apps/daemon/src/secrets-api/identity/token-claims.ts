/** What an access token says of its bearer (RFC 7519 section 4.1, RFC 9068 section 2.2, RFC 8693 section 4). */
import type { Confirmation } from '@secreg/secrets-api/enforcement'
import { isMembers, type Members, memberOf } from './compact-jws.ts'

/** Claims that matter, checked. */
export interface TokenClaims {
  /** `sub` */
  readonly subject: string
  /** `aud`; undefined where there is none. */
  readonly audience: readonly string[] | undefined
  readonly scopes: readonly string[]
  /** `jti` */
  readonly tokenId: string | undefined
  readonly clientId: string | undefined
  /** `cnf` */
  readonly confirmation: Confirmation | undefined
  /** Of the claim that names it; undefined where none does. */
  readonly tenant: string | undefined
  /** `exp`, seconds since 1970. */
  readonly expiresAt: number
}

/** Printable ASCII, without a space at either end: two names that look alike are one (OpenID Connect Core section 2). */
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const TENANT = /^[A-Za-z0-9._-]{1,128}$/
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

const MAX_SUBJECT_CHARS = 512
const MAX_TOKEN_ID_CHARS = 512
const MAX_CLIENT_ID_CHARS = 512
const MAX_AUDIENCE_CHARS = 1024
const MAX_AUDIENCES = 64
const MAX_SCOPES = 256

/**
 * Read the claims of a token whose signature is good.
 *
 * @param tenantClaim - claim that names the tenant; undefined where none does
 * @returns undefined where one is missing that must be there, or is not what it should be: what is not understood is
 *   never left out, but for claims that are not asked for
 */
export function readTokenClaims(
  claims: Members,
  tenantClaim: string | undefined,
): TokenClaims | undefined {
  try {
    return {
      subject: required(printable(claims, 'sub', MAX_SUBJECT_CHARS)),
      audience: audienceOf(claims),
      scopes: scopesOf(claims),
      tokenId: printable(claims, 'jti', MAX_TOKEN_ID_CHARS),
      clientId:
        printable(claims, 'client_id', MAX_CLIENT_ID_CHARS) ??
        printable(claims, 'azp', MAX_CLIENT_ID_CHARS),
      confirmation: confirmationOf(claims),
      tenant: tenantClaim === undefined ? undefined : tenantOf(claims, tenantClaim),
      expiresAt: expiryOf(claims),
    }
  } catch (error) {
    if (error instanceof Unfit) return undefined
    throw error
  }
}

class Unfit extends Error {}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Unfit()
  return value
}

function printable(claims: Members, name: string, most: number): string | undefined {
  const value = memberOf(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value.length > most || !PRINTABLE.test(value)) throw new Unfit()
  return value
}

function audienceOf(claims: Members): readonly string[] | undefined {
  const value = memberOf(claims, 'aud')
  if (value === undefined) return undefined
  const list: unknown = typeof value === 'string' ? [value] : value
  if (!isTexts(list) || list.length > MAX_AUDIENCES) throw new Unfit()
  if (list.some((each) => each.length > MAX_AUDIENCE_CHARS)) throw new Unfit()
  return Object.freeze([...list])
}

/** `scope` is one text, `scp` a list. */
function scopesOf(claims: Members): readonly string[] {
  const scope = memberOf(claims, 'scope')
  const scp = memberOf(claims, 'scp')
  let list: readonly string[] = []
  if (scope !== undefined) {
    if (typeof scope !== 'string') throw new Unfit()
    list = scope.split(' ').filter((each) => each !== '')
  } else if (scp !== undefined) {
    if (!isTexts(scp)) throw new Unfit()
    list = scp
  }
  if (list.length > MAX_SCOPES || !list.every((each) => SCOPE.test(each))) throw new Unfit()
  return Object.freeze([...new Set(list)])
}

/**
 * The keys that the token is bound to. One that is bound in any other way cannot be proven here, and must not be taken for
 * a bearer's (RFC 7800 section 3.1).
 */
function confirmationOf(claims: Members): Confirmation | undefined {
  const value = memberOf(claims, 'cnf')
  if (value === undefined) return undefined
  if (!isMembers(value)) throw new Unfit()
  const names = Object.keys(value)
  if (names.length === 0 || names.some((name) => name !== 'jkt' && name !== 'x5t#S256')) {
    throw new Unfit()
  }
  const dpop = thumbprint(value, 'jkt')
  const mtls = thumbprint(value, 'x5t#S256')
  return Object.freeze({
    ...(dpop === undefined ? {} : { dpop }),
    ...(mtls === undefined ? {} : { mtls }),
  })
}

function thumbprint(members: Members, name: string): string | undefined {
  const value = memberOf(members, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !THUMBPRINT.test(value)) throw new Unfit()
  return value
}

function tenantOf(claims: Members, name: string): string {
  const value = memberOf(claims, name)
  if (typeof value !== 'string' || !TENANT.test(value)) throw new Unfit()
  return value
}

function expiryOf(claims: Members): number {
  const value = memberOf(claims, 'exp')
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unfit()
  return value
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
