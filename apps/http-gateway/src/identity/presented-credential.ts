/**
 * The credential of a request, from exactly one of the places where one may be:
 *
 *     Authorization: Bearer TOKEN
 *     Authorization: Basic base64(USER ":" PASSWORD)      a user without a password is a token
 *     Proxy-Authorization: Basic …                        with a target in absolute form only
 *     X-Vault-Token: TOKEN
 *     /t/TOKEN/…                                          prefix of the target
 *
 * A request with credentials at two places is refused, also when they are equal: whoever stands in front may have
 * looked at one of them, and the registry at the other. A credential that cannot be read is refused, and never makes
 * the request one without a credential.
 */
import { SecregError } from '@secreg/protocol'
import type { RequestFacts } from '../request-facts.ts'
import { basicCredential } from './basic.ts'
import type { Credential } from './credential.ts'
import { soleHeader } from './header.ts'
import { tokenCredential } from './token.ts'

/** Scheme and what follows it (RFC 9110 §11.4). */
const SCHEME = /^([A-Za-z]+) +([!-~]+)$/

/** Where the one credential of a request is. */
export interface CredentialPlace {
  readonly where: 'authorization' | 'proxy-authorization' | 'token'
  readonly value: string
}

/**
 * The place where a request has its credential.
 *
 * @returns undefined when it presents none
 * @throws SecregError INVALID_ARGUMENT when there is more than one, or one where none is taken
 */
export function credentialPlace(
  request: Pick<RequestFacts, 'headers' | 'target'>,
): CredentialPlace | undefined {
  const { headers, target } = request
  const authorization = soleHeader(headers, 'authorization')
  const proxy = soleHeader(headers, 'proxy-authorization')
  const vault = soleHeader(headers, 'x-vault-token')
  const { token } = target
  const places = [authorization, proxy, vault, token].filter((one) => one !== undefined)
  if (places.length === 0) return undefined
  if (places.length > 1) {
    throw new SecregError('INVALID_ARGUMENT', 'the request presents more than one credential')
  }
  if (proxy !== undefined && target.form !== 'absolute') {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'the header proxy-authorization is only for a target in absolute form',
    )
  }
  if (authorization !== undefined) return { where: 'authorization', value: authorization }
  if (proxy !== undefined) return { where: 'proxy-authorization', value: proxy }
  return { where: 'token', value: (vault ?? token) as string }
}

/**
 * The credential of a request.
 *
 * @returns undefined when it presents none
 * @throws SecregError INVALID_ARGUMENT when there is more than one, or one where none is taken; AUTH_FAILED when it
 * cannot be read. No part of it is in the message.
 */
export function presentedCredential(
  request: Pick<RequestFacts, 'headers' | 'target'>,
): Credential | undefined {
  const place = credentialPlace(request)
  return place === undefined ? undefined : credentialAt(place)
}

/** The credential at a place. @throws SecregError AUTH_FAILED when it cannot be read */
export function credentialAt({ where, value }: CredentialPlace): Credential {
  if (where === 'token') return tokenCredential(value)
  return ofScheme(value, where === 'authorization')
}

function ofScheme(value: string, mayBear: boolean): Credential {
  const [, scheme = '', rest = ''] = SCHEME.exec(value) ?? []
  switch (scheme.toLowerCase()) {
    case 'basic':
      return basicCredential(rest)
    case 'bearer':
      if (mayBear) return tokenCredential(rest)
      break
  }
  throw new SecregError(
    'AUTH_FAILED',
    mayBear ? 'Authorization is Bearer or Basic' : 'Proxy-Authorization is Basic',
  )
}
