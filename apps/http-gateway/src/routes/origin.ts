/** Where clients reach this server. */
import { GatewayError } from '../errors.ts'
import type { Exchange } from './route.ts'

/**
 * The origin that a request was sent to (RFC 6454 §6.2): of the absolute target, else of `Host`; without TLS it says so.
 *
 * @throws GatewayError ERR_GATEWAY_TARGET_INVALID where it names none
 */
export function originOf({ facts, head }: Pick<Exchange, 'facts' | 'head'>): string {
  const host = facts.target.authority ?? head.host
  const url = `${facts.tls === undefined ? 'http' : 'https'}://${host}`
  if (host === undefined || !URL.canParse(url)) {
    throw new GatewayError('ERR_GATEWAY_TARGET_INVALID', 'the name of this server is missing')
  }
  return new URL(url).origin
}
