/**
 * Headers that `tailscale serve` sets in front of a server on loopback (tailscale `ipn/ipnlocal/serve.go`): it deletes
 * what the caller sent under these names, and sets
 *
 *     X-Forwarded-For: ADDRESS                    of the caller
 *     Tailscale-User-Login: LOGIN                 of a node that is a person's; in encoded words when not ASCII
 *     Tailscale-Funnel-Request: ?1                of a caller from the Internet; then there is no login
 *
 * They are to be read of loopback peers only; every process of this host can be one.
 */
import { SecregError } from '@secreg/protocol'
import { normalAddress } from './address.ts'
import { decodeWords, isEncoded } from './encoded-word.ts'
import { soleHeader } from './header.ts'
import { loginAssertion } from './tailnet-principal.ts'

/** What the headers say. */
export interface ServeFacts {
  /** `tailnet:<login>`. */
  readonly assertion: string | undefined
  /** Normal form. */
  readonly address: string | undefined
}

const MAX_CHARS = 2048

/**
 * Read the headers.
 *
 * @param headers - name, value, name, value, …
 * @throws SecregError INVALID_ARGUMENT when serve would not have sent them
 */
export function readServeHeaders(headers: readonly string[]): ServeFacts {
  const login = soleHeader(headers, 'tailscale-user-login')
  const funnel = soleHeader(headers, 'tailscale-funnel-request')
  if (funnel !== undefined && login !== undefined) throw refused('tailscale-funnel-request')
  return { assertion: assertionOf(login), address: addressOf(headers) }
}

function assertionOf(value: string | undefined): string | undefined {
  // Serve sends an empty one for a login that is no UTF-8.
  if (value === undefined || value === '') return undefined
  if (value.length > MAX_CHARS || !/^[ -~]+$/.test(value)) throw refused('tailscale-user-login')
  const login = isEncoded(value) ? decodeWords(value) : value
  const assertion = login === undefined ? undefined : loginAssertion(login)
  if (assertion === undefined) throw refused('tailscale-user-login')
  return assertion
}

/** The last element is what the nearest proxy has written; whatever is before it may be the caller's. */
function addressOf(headers: readonly string[]): string | undefined {
  const value = soleHeader(headers, 'x-forwarded-for')
  if (value === undefined) return undefined
  const last = value.slice(value.lastIndexOf(',') + 1).replace(/^[ \t]+|[ \t]+$/g, '')
  const address = last.length > 45 ? undefined : normalAddress(last)
  if (address === undefined) throw refused('x-forwarded-for')
  return address
}

function refused(name: string): SecregError {
  return new SecregError('INVALID_ARGUMENT', `the header ${name} is not as tailscale serve sets it`)
}
