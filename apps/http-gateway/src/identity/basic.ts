/** User and password of the scheme Basic (RFC 7617). */
import { LIMITS, SecregError } from '@secreg/protocol'
import { Credential } from './credential.ts'
import { tokenCredential } from './token.ts'

/** Canonical base64 with its padding (RFC 4648 §4); what its unused bits may say is checked by encoding again. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A user, a colon and a password in UTF-8, at four bytes a character, in base64. */
const MAX_CHARS = Math.ceil((4 * (LIMITS.tokenChars + 1 + LIMITS.passwordChars)) / 3) * 4

/** An account of a zone is `ZONE/LOGIN`, both as long as a login. */
const MAX_ZONE_USER_BYTES = 2 * LIMITS.loginBytes + 1

const CONTROL = /\p{Cc}/u

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The credential of a user and a password, or of an account of a zone and a token. A user without a password is a token: so `http://TOKEN@HOST` is sent.
 *
 * @param text - what follows the name of the scheme
 * @throws SecregError AUTH_FAILED, whatever is wrong with it
 */
export function basicCredential(text: string): Credential {
  const pair = decode(text)
  // RFC 7617 §2: the user has no colon, the password may.
  const colon = pair.indexOf(':')
  if (colon < 1 || CONTROL.test(pair)) throw malformed()
  const username = pair.slice(0, colon)
  const password = pair.slice(colon + 1)
  if (password === '') return tokenCredential(username)
  const most = username.includes('/') ? MAX_ZONE_USER_BYTES : LIMITS.loginBytes
  if (Buffer.byteLength(username) > most || password.length > LIMITS.passwordChars) {
    throw malformed()
  }
  return Credential.password(username, password)
}

function decode(text: string): string {
  if (text.length > MAX_CHARS || !BASE64.test(text)) throw malformed()
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw malformed()
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed()
  } finally {
    bytes.fill(0)
  }
}

function malformed(): SecregError {
  return new SecregError('AUTH_FAILED', 'a user and a password in base64 are expected after Basic')
}
