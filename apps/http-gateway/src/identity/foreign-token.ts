/** Tokens that another issuer has made: told from those of the registry by their form alone, and never looked into. */
import { LIMITS, SecregError } from '@secreg/protocol'

/** Scheme and what follows it (RFC 9110 §11.4). */
const SCHEME = /^([A-Za-z]+) +([!-~]+)$/

/** Three parts in base64url (RFC 7515 §7.1). The last one of an unsigned token is empty: the daemon refuses it. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** `token68` (RFC 9110 §11.2), as RFC 9449 §7.1 has it. */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/

/** Begins every access token of the registry. */
const OWN = 'sreg_'

/** A token of another issuer. Neither JSON nor an inspection shows it. */
export class ForeignToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly #text: string

  constructor(scheme: 'bearer' | 'dpop', text: string) {
    this.scheme = scheme
    this.#text = text
  }

  /** What the daemon is sent. Holds the token: for the request and nothing else. */
  get presented(): { readonly scheme: 'bearer' | 'dpop'; readonly text: string } {
    return { scheme: this.scheme, text: this.#text }
  }
}

/**
 * The token of another issuer in the header `Authorization`.
 *
 * @returns undefined where there is another scheme, or a token of the registry
 * @throws SecregError AUTH_FAILED when it cannot be one
 */
export function foreignToken(authorization: string): ForeignToken | undefined {
  const [, word = '', text = ''] = SCHEME.exec(authorization) ?? []
  const scheme = word.toLowerCase()
  if (scheme === 'bearer') {
    if (text.startsWith(OWN) || !JWT.test(text)) return undefined
  } else if (scheme !== 'dpop') return undefined
  if (text.length > LIMITS.foreignTokenChars || !TOKEN68.test(text)) {
    throw new SecregError('AUTH_FAILED', 'what is presented is no token')
  }
  return new ForeignToken(scheme, text)
}
