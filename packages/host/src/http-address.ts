/** Where the gateway listens, what it is called, and which proxies it believes. */
import { isIP, isIPv6 } from 'node:net'
import * as z from 'zod'
import type { TextRule } from './config-row.ts'

/** A parsed `http.listen`. */
export interface HttpAddress {
  /** An address of IPv4 or IPv6, or a name that the system looks up. */
  readonly host: string
  /** 0 = chosen by the system. */
  readonly port: number
}

const ADDRESS =
  /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)):(0|[1-9][0-9]{0,4})$/

/** Parse `HOST:PORT`, an address of IPv6 in brackets; `undefined` when it is none. */
export function parseHttpAddress(text: string): HttpAddress | undefined {
  const [, v6, host = v6, digits] = ADDRESS.exec(text) ?? []
  const port = Number(digits)
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

export const HTTP_ADDRESS: TextRule<string> = {
  expected: '"HOST:PORT", with an address of IPv6 in brackets; port 0 is chosen by the system',
  schema: z.string().refine((value) => parseHttpAddress(value) !== undefined),
}

/** What stands before the paths of a server that others reach over TLS: `https://HOST` or `https://HOST:PORT`. */
export const HTTPS_ORIGIN: TextRule<string> = {
  expected: '"https://HOST" or "https://HOST:PORT", in lower case and with nothing behind it',
  schema: z.string().refine((value) => /^https:\/\//.test(value) && isOrigin(value)),
}

/** As browsers and clients write it: without user, path, and the port that is meant anyway. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

export const HOST_NAME: TextRule<string> = {
  expected: 'DNS names in lower case',
  schema: z
    .string()
    .regex(
      /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/,
    ),
}

/** A range of addresses (RFC 4632 §3.1, RFC 4291 §2.3). */
export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** Leading bits that count. */
  readonly prefix: number
}

/** Parse an address, or `ADDRESS/BITS`; `undefined` when it is none, or all there are. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', bits] = /^([0-9A-Fa-f.:]{2,45})(?:\/([1-9][0-9]{0,2}))?$/.exec(text) ?? []
  if (isIP(address) === 0) return undefined
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  const most = family === 'ipv6' ? 128 : 32
  const prefix = bits === undefined ? most : Number(bits)
  return prefix > most ? undefined : { family, address, prefix }
}

export const ADDRESS_RANGE: TextRule<string> = {
  expected: 'addresses and ranges such as "10.0.0.7" and "10.0.0.0/8"',
  schema: z.string().refine((value) => parseAddressRange(value) !== undefined),
}

export const HEADER_NAME: TextRule<string> = {
  expected: 'letters, digits and "-", at most 64',
  schema: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
}
