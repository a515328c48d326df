/** What of a request says who asks; all of it is a claim of the peer but the addresses and the certificate. */
import type { ParsedTarget } from './target.ts'

/** Facts of one request, for whoever identifies its caller. */
export interface RequestFacts {
  /** Header list as received: name, value, name, value, … (`rawHeaders` of Node.js). */
  readonly headers: readonly string[]
  readonly target: ParsedTarget
  /** Address of the peer of the TCP connection; empty when it has gone. */
  readonly remoteAddress: string
  /** 0 when it has gone. */
  readonly remotePort: number
  readonly localAddress: string
  /** Undefined without TLS. */
  readonly tls:
    | {
        /** DER form of the certificate that the client has proven and the configured authority has issued. */
        readonly clientCertificate?: Uint8Array
      }
    | undefined
}
