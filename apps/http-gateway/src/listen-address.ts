/** Where the gateway listens. */
import { isIPv6 } from 'node:net'

/** A host and a port. */
export interface ListenAddress {
  /** Address, without brackets, or a name. */
  readonly host: string
  readonly port: number
}

const FORM = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(0|[1-9][0-9]{0,4})$/

/**
 * Parse `HOST:PORT`; an IPv6 address stands in brackets.
 *
 * @returns `undefined` for anything else
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, host = bracketed, digits] = FORM.exec(text) ?? []
  const port = Number(digits)
  if (host === undefined || port > 65_535) return undefined
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined
  return { host, port }
}

/** URL of a place where the gateway listens, without a path. */
export function urlOf(scheme: 'http' | 'https', { host, port }: ListenAddress): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Tell whether an address is reached from this machine only. */
export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return plain === '::1' || plain === 'localhost' || /^127(?:\.[0-9]{1,3}){3}$/.test(plain)
}
