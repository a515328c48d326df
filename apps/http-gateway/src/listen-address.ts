/** Where the gateway listens. */
import { isIPv6 } from 'node:net'
import type { HttpAddress } from '@secreg/host'

/** URL of a place where the gateway listens, without a path. */
export function urlOf(scheme: 'http' | 'https', { host, port }: HttpAddress): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Tell whether an address is reached from this machine only. */
export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return plain === '::1' || plain === 'localhost' || /^127(?:\.[0-9]{1,3}){3}$/.test(plain)
}
