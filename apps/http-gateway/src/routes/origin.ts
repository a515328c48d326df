/** Where clients reach this server. */
import { isIP } from 'node:net'
import { GatewayError } from '../errors.ts'
import { isLoopback, normalAddress } from '../identity/address.ts'
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

/**
 * Whether an origin, as a request names it, can be no other server than this: by its address, or by a name that is
 * configured. Whoever passes a request on that was sent to him writes what he likes in `Host`.
 *
 * @param names - in lower case
 */
export function isOwnOrigin(
  origin: string,
  { facts }: Pick<Exchange, 'facts'>,
  names: ReadonlySet<string>,
): boolean {
  const host = new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1')
  if (names.has(host)) return true
  const local = normalAddress(facts.localAddress)
  if (local === undefined) return false
  if (isIP(host) === 0) return host === 'localhost' && isLoopback(local)
  const address = normalAddress(host)
  return address === local || (isLoopback(local) && address !== undefined && isLoopback(address))
}
