/** Tokens as they come in a request. */
import { LIMITS, SecregError } from '@secreg/protocol'
import { Credential } from './credential.ts'

/** The form of every token, ours and foreign (`b64token`, RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * The credential of a token.
 *
 * @throws SecregError AUTH_FAILED when it cannot be one
 */
export function tokenCredential(token: string): Credential {
  if (token.length > LIMITS.tokenChars || !TOKEN.test(token)) {
    throw new SecregError('AUTH_FAILED', 'what is presented is no token')
  }
  return Credential.token(token)
}
