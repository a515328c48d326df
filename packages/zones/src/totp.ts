/**
 * One-time codes of six digits: HOTP (RFC 4226) and TOTP (RFC 6238) with HMAC-SHA-1 and steps of 30 seconds from
 * 1970 on, which is what authenticators support.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'

/** Length of a step, milliseconds (RFC 6238 section 5.2). */
export const TOTP_STEP_MS = 30_000
/** Steps before and after the present one whose codes are good (RFC 6238 section 5.2 asks for one at most). */
export const TOTP_WINDOW = 1
/** Length of a secret, bytes (RFC 4226 section 4, R6). */
export const TOTP_SECRET_BYTES = 20

const CODE = /^[0-9]{6}$/

/** Tell whether a text has the form of a code: six ASCII digits and nothing else, so that a code has one spelling. */
export function isTotpCode(text: string): boolean {
  return text.length === 6 && CODE.test(text)
}

/**
 * The code of a counter (RFC 4226 section 5.3).
 *
 * @param counter a non-negative safe integer
 */
export function hotp(secret: Uint8Array, counter: number): string {
  const message = new Uint8Array(8)
  new DataView(message.buffer).setBigUint64(0, BigInt(counter))
  const mac = hmac(sha1, secret, message)
  const offset = (mac[mac.length - 1] as number) & 0x0f
  const number = new DataView(mac.buffer, mac.byteOffset).getUint32(offset) & 0x7fff_ffff
  return String(number % 1_000_000).padStart(6, '0')
}

/**
 * The step that a code is of, among the present one and its neighbours.
 *
 * @param code as typed; what is no code equals none
 * @param after steps up to this one are used up
 * @param equal compares in constant time
 * @returns the last step that has this code, so that it is good at none that follows; undefined where there is none
 */
export function totpStep(
  secret: Uint8Array,
  code: string,
  options: {
    readonly nowMs: number
    readonly after: number
    readonly equal: (a: Uint8Array, b: Uint8Array) => boolean
  },
): number | undefined {
  const encoder = new TextEncoder()
  const given = encoder.encode(code)
  const now = Math.floor(options.nowMs / TOTP_STEP_MS)
  let found: number | undefined
  for (let step = now - TOTP_WINDOW; step <= now + TOTP_WINDOW; step++) {
    // No step is left out before it is compared, so that the time tells nothing of which one it was.
    const matches = options.equal(encoder.encode(hotp(secret, Math.max(step, 0))), given)
    if (matches && step >= 0 && step > options.after) found = step
  }
  return found
}
