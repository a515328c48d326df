/**
 * The certificate that a client has shown to a proxy in front, which ends TLS and says so in a header (specs: secrets-api
 * §3.4; RFC 9440). It counts from the addresses of such proxies alone: from there, what their own connection shows is the
 * proxy, and never the client.
 */
import { X509Certificate } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'
import { parseAddressRange } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import type { RequestFacts } from '../request-facts.ts'
import { normalAddress } from './address.ts'
import { soleHeader } from './header.ts'

/** Longest header, characters (`MAX_CLIENT_CERT_SIZE`). */
const MAX_CHARS = 32 * 1024

const ARMOR = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

export interface ForwardedCertificates {
  /** Addresses and ranges of proxies. */
  readonly proxies: readonly string[]
  /** Name of the header, in any case. */
  readonly header: string
}

/** What finds the certificate of the client of a request, DER. */
export type CertificateOf = (request: RequestFacts) => Uint8Array | undefined

/**
 * Make what tells the certificate of a client, whoever has verified it.
 *
 * @returns a function that throws SecregError INVALID_ARGUMENT for a header of a proxy that comes twice, or is no
 * certificate; no part of it is in the message
 */
export function certificateOf({ proxies, header }: ForwardedCertificates): CertificateOf {
  const trusted = new BlockList()
  for (const proxy of proxies) {
    const range = parseAddressRange(proxy)
    if (range === undefined) throw new RangeError('proxies: expected addresses and ranges')
    trusted.addSubnet(range.address, range.prefix, range.family)
  }
  const name = header.toLowerCase()
  return ({ remoteAddress, headers, tls }) => {
    const peer = normalAddress(remoteAddress)
    const isProxy = peer !== undefined && trusted.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4')
    if (!isProxy) return tls?.clientCertificate
    const text = soleHeader(headers, name)
    // As proxies say that there is none.
    return text === undefined || text === '' ? undefined : derOf(text)
  }
}

function derOf(text: string): Uint8Array | undefined {
  if (text.length > MAX_CHARS) throw malformed()
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(Buffer.from(base64Of(text), 'base64'))
  } catch {
    throw malformed()
  }
  const nowMs = Date.now()
  const isValid =
    Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo)
  return isValid ? certificate.raw : undefined
}

/** Of the first certificate, which is that of the client: PEM with escapes, base64 alone, or a byte sequence. */
function base64Of(text: string): string {
  const plain = text.includes('%') ? decodeURIComponent(text) : text
  const armored = ARMOR.exec(plain)?.[1]?.replaceAll(/\s/g, '')
  const [first = ''] = (armored ?? plain).split(',')
  const bare = /^:(.*):$/.exec(first)?.[1] ?? first
  if (!BASE64.test(bare)) throw malformed()
  return bare
}

function malformed(): SecregError {
  return new SecregError('INVALID_ARGUMENT', 'the certificate that a proxy has passed on is none')
}
