/** What requests present, as the configuration has it: the one place where facts of HTTP become claims of identity. */
import { SecregError } from '@secreg/protocol'
import type { RequestFacts } from '../request-facts.ts'
import { isLoopback, normalAddress } from './address.ts'
import { certificateAssertion } from './certificate.ts'
import { foreignToken } from './foreign-token.ts'
import type { Presented } from './presented.ts'
import { credentialAt, credentialPlace } from './presented-credential.ts'
import { readServeHeaders } from './serve-headers.ts'
import { Whois, type WhoisOptions } from './whois.ts'

export { Credential, type CredentialKind, type CredentialLogin } from './credential.ts'
export type { Presented } from './presented.ts'
export {
  createSessionSource,
  type LoginRelay,
  type SessionSource,
  type SessionSourceOptions,
} from './session-source.ts'

/** Which assertions are made. A client certificate is one wherever the server has verified it. */
export interface IdentityConfig {
  /** Path of the socket of tailscaled; undefined asks nobody. */
  readonly tailscaleWhois: string | undefined
  /** Whether loopback peers are `tailscale serve`. */
  readonly tailscaleServe: boolean
}

/** Options of {@link createIdentity}. */
export interface IdentityOptions {
  readonly whois?: WhoisOptions
}

/** Options of one look at what a request presents. */
export interface PresentedOptions {
  /** Ends the wait for tailscaled. */
  readonly signal?: AbortSignal
  /** Tokens of other issuers are taken too. Default no. */
  readonly foreignTokens?: boolean
}

/** Tells what requests present. */
export interface Identity {
  /**
   * What a request presents. A credential in it wins over all that would be asserted.
   *
   * @throws SecregError INVALID_ARGUMENT when it contradicts itself, AUTH_FAILED when its credential cannot be read,
   * UNREACHABLE, BUSY or TIMEOUT when tailscaled is needed and does not answer; nothing of the request is in a message
   */
  presentedBy(request: RequestFacts, options?: PresentedOptions): Promise<Presented>
}

/**
 * Make what tells who asks.
 *
 * @example
 * ```ts
 * const identity = createIdentity({ tailscaleWhois: undefined, tailscaleServe: false })
 * const presented = await identity.presentedBy(request)
 * ```
 */
export function createIdentity(config: IdentityConfig, options: IdentityOptions = {}): Identity {
  const { tailscaleServe } = config
  const whois =
    config.tailscaleWhois === undefined
      ? undefined
      : new Whois(config.tailscaleWhois, options.whois)

  return {
    async presentedBy(request, { signal, foreignTokens = false } = {}) {
      const place = credentialPlace(request)
      const foreign =
        foreignTokens && place?.where === 'authorization' ? foreignToken(place.value) : undefined
      const credential =
        place === undefined || foreign !== undefined ? undefined : credentialAt(place)
      const peer = normalAddress(request.remoteAddress)
      if (peer === undefined) {
        throw new SecregError('AUTH_FAILED', 'the address of the caller is not known')
      }
      const served =
        tailscaleServe && isLoopback(peer) ? readServeHeaders(request.headers) : undefined
      const address = served?.address ?? peer
      if (foreign !== undefined) return { foreign, address }
      if (credential !== undefined) return { credential, address }

      const certificate = request.tls?.clientCertificate
      const assertions = [
        ...(certificate === undefined ? [] : [certificateAssertion(certificate)]),
        ...(served === undefined && whois !== undefined
          ? await whois.of(peer, request.remotePort, signal)
          : []),
        ...(served?.assertion === undefined ? [] : [served.assertion]),
      ]
      return assertions.length === 0 ? { address } : { assertions, address }
    },
  }
}
