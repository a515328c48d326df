/**
 * Passwords of accounts of zones. Our password policy does not bind them: programs and people set them over subauth,
 * whose rule is 1 to 256 bytes without `-`, which separates the parts of tokens (specs: subauth §3.3, §4).
 */
import { isHashedPassword } from './hashed-password.ts'
import { invalid } from './name.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { normalizePassword } from './password-policy.ts'

declare const ZONE_PASSWORD: unique symbol

/**
 * PHC string of a password of an account of a zone. No `HashedPassword`: that one passed the policy. Only
 * `hashZonePassword` and a row that was stored make one.
 */
export type ZonePasswordHash = string & { readonly [ZONE_PASSWORD]: true }

/** Longest password, bytes of UTF-8. */
export const ZONE_PASSWORD_MAX_BYTES = 256

/** Tell whether a value has the form of a PHC string. */
export function isZonePasswordHash(value: unknown): value is ZonePasswordHash {
  return typeof value === 'string' && isHashedPassword(value)
}

/** The form in which a password is hashed and verified, or undefined where a text cannot be one. */
export function normalizeZonePassword(password: string): string | undefined {
  if (password.length > ZONE_PASSWORD_MAX_BYTES) return undefined
  const text = normalizePassword(password)
  const bytes = new TextEncoder().encode(text).length
  // A lone surrogate has no UTF-8: all of them would hash alike.
  const whole = bytes >= 1 && bytes <= ZONE_PASSWORD_MAX_BYTES && !/\p{Cs}/u.test(text)
  return whole && !text.includes('-') ? text : undefined
}

/**
 * Check and hash a new password.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`; whatever the hasher throws, as `ERR_BUSY`
 */
export async function hashZonePassword(
  hasher: PasswordHasher,
  password: string,
): Promise<ZonePasswordHash> {
  if (typeof password !== 'string') throw new TypeError('password: expected a string')
  const text = normalizeZonePassword(password)
  if (text === undefined) {
    throw invalid(`password: expected 1 to ${ZONE_PASSWORD_MAX_BYTES} bytes without -`)
  }
  const hash = await hasher.hash(text)
  if (!isZonePasswordHash(hash)) throw new TypeError('hasher: expected it to return a PHC string')
  return hash
}
