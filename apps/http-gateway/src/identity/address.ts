/** Addresses of peers, each in one form, so that one peer is one peer. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/

/**
 * Normal form of an IP address: an IPv4-mapped one is its IPv4 address (RFC 4291 §2.5.5.2), IPv6 is written as
 * RFC 5952 has it, a zone index (RFC 4007 §11) is left out.
 *
 * @returns undefined when it is no address
 */
export function normalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  // As a socket for both families gives the addresses of most.
  const mapped = MAPPED.exec(text)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (!isIPv6(text)) return undefined
  const percent = text.indexOf('%')
  const bare = percent < 0 ? text : text.slice(0, percent)
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' })
  return MAPPED.exec(address)?.[1] ?? address
}

/** Whether a normal address is of this host alone (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

/** Whether a normal address is one of this machine's own, loopback not counted. */
export function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) =>
    all?.some((one) => !one.internal && normalAddress(one.address) === address),
  )
}

/** What counts as one source: an IPv4 address, or the /64 of an IPv6 address (RFC 4291 §2.5.1). */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - first.length - last.length
  const groups = [...first, ...Array<string>(Math.max(0, missing)).fill('0'), ...last]
  return `${groups.slice(0, 4).join(':')}::/64`
}
