/**
 * Which names this server answers to. A web page whose own name resolves to a loopback address (DNS rebinding) reaches
 * what listens there as itself, so that a browser lets it read the answers; its name stands in `Host`.
 */
import { isIP } from 'node:net'
import { isLoopback } from '../listen-address.ts'

export interface HostPolicy {
  /** Host of `http.listen`, and `http.host_names`, in lower case. */
  readonly names: ReadonlySet<string>
  /** Behind `tailscale serve`, which keeps the name that the client used. */
  readonly tailscaleServe: boolean
}

const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?$/

/**
 * Tell whether a request may be answered.
 *
 * @param host - `Host`, or the authority of an absolute target; undefined of HTTP/1.0, which no browser speaks
 * @param localAddress - address of this end of the connection
 * @param isSecure - over TLS the certificate has named this server already
 */
export function isOwnHost(
  host: string | undefined,
  localAddress: string,
  isSecure: boolean,
  policy: HostPolicy,
): boolean {
  if (host === undefined) return true
  const [, bracketed, name = bracketed] = HOST.exec(host) ?? []
  if (name === undefined) return false
  if (isSecure || !isLoopback(localAddress)) return true
  const lower = name.toLowerCase()
  if (isIP(lower) !== 0 || lower === 'localhost') return true
  if (policy.names.has(lower)) return true
  // Names below ts.net are given by Tailscale, to nodes of a tailnet.
  return policy.tailscaleServe && lower.endsWith('.ts.net')
}
