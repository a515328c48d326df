/** What is known of one connection: its peer, what it holds, and how many of its requests have no answer yet. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ByteBudget, ByteLease } from '@secreg/host'
import type { RequestFacts } from '../request-facts.ts'

/** Requests that a client may send before it has the answer to the first; hardly anybody sends more than one. */
export const MAX_PIPELINED = 32

/** Time in which a peer that is still sending can read why it was refused, milliseconds. */
const LINGER_MS = 1000

interface ProvenCertificate {
  readonly der: Uint8Array
  readonly validUntilMs: number
}

export class Connection {
  readonly socket: Socket
  readonly isSecure: boolean
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  /** Answers that were not taken. */
  readonly lease: ByteLease
  /** Requests without a complete answer. */
  underWay = 0
  /** Of the requests so far, the last one; they are served one after the other (RFC 9112 §9.3.2). Never rejects. */
  previous: Promise<void> | undefined
  /** The last request has had its answer. */
  ends = false
  readonly #certificate: ProvenCertificate | undefined

  constructor(socket: Socket, budget: ByteBudget) {
    this.socket = socket
    this.isSecure = socket instanceof TLSSocket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.lease = budget.lease()
    this.#certificate = socket instanceof TLSSocket ? certificateOf(socket) : undefined
    socket.once('close', () => this.lease.close())
  }

  /** What its TLS has proven; a certificate that has expired since proves nothing any more. */
  tls(nowMs: number): RequestFacts['tls'] {
    if (!this.isSecure) return undefined
    const certificate = this.#certificate
    if (certificate === undefined || nowMs > certificate.validUntilMs) return {}
    return { clientCertificate: certificate.der }
  }

  /**
   * Let the next close wait for a peer that is still sending: a reset would take the answer away from it (RFC 9112
   * §9.6).
   */
  linger(): void {
    const { socket } = this
    socket.destroySoon = () => {
      socket.end()
      const timer = setTimeout(() => socket.destroy(), LINGER_MS)
      socket.once('close', () => clearTimeout(timer))
      socket.once('end', () => socket.destroy())
    }
  }
}

function certificateOf(socket: TLSSocket): ProvenCertificate | undefined {
  if (!socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  return { der: certificate.raw, validUntilMs: Date.parse(certificate.validTo) }
}
