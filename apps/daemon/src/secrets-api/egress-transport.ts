/** HTTP through the egress child, as the transport of a client: the daemon itself opens no connection. */
import { type Kv2OwnFault, type Kv2Transport, Kv2TransportError } from '@secreg/kv2'
import type { Egress } from '../egress/egress-process.ts'
import { EgressError, type EgressErrorCode } from '../egress/errors.ts'
import { HTTP_LIMITS } from '../egress/http-messages.ts'

export interface EgressTransportOptions {
  readonly egress: Pick<Egress, 'call'>
  /** Certificates that the server is checked against, PEM. Undefined: those of the system. */
  readonly ca: string | undefined
  /** Check the server's certificate; false is for development. */
  readonly verifyTls: boolean
  /** Most connections to one host, 1 to 1,000; exchanges beyond wait. */
  readonly poolSize: number
  /** Of one exchange, after which nobody waits any more even if its signal is not aborted; milliseconds. */
  readonly timeoutMs: number
  /** Until a connection stands, TLS included; milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number
}

const CONNECT_MS = 5000

/** Of whoever has a signal that says when it is enough, so that it is the signal that ends an exchange. */
const GRACE_MS = 1000

/**
 * Make a transport. Of an answer it reads 2 MiB at most. It owns nothing: connections are the child's, which closes them when
 * they have not been used for a minute.
 */
export function egressTransport(options: EgressTransportOptions): Kv2Transport {
  const { egress, ca, verifyTls, poolSize, connectTimeoutMs = CONNECT_MS } = options
  const timeoutMs = options.timeoutMs + GRACE_MS
  return {
    async send({ method, url, headers, body }, { signal, maxAnswerBytes }) {
      const question = {
        method,
        url,
        headers: { ...headers },
        verifyTls,
        poolSize,
        connectTimeoutMs,
        maxAnswerBytes: Math.min(maxAnswerBytes, HTTP_LIMITS.answerBytes),
        ...(body !== undefined && { body }),
        ...(ca !== undefined && { ca }),
      }
      try {
        const answer = await egress.call('http.request', question, { timeoutMs, signal })
        return { ...answer, body: Buffer.from(answer.body, 'base64') }
      } catch (error) {
        signal.throwIfAborted()
        throw transportErrorOf(error)
      }
    },
  }
}

/** What is known of a failure. */
interface Known {
  /** Nothing of the request can have arrived. */
  readonly unsent?: true
  /** It is not the server's. */
  readonly own?: Kv2OwnFault
}

/** Whatever is not here may have arrived, and is the server's. */
const KNOWN: Readonly<Partial<Record<EgressErrorCode, Known>>> = Object.freeze({
  ERR_EGRESS_NOT_SENT: { unsent: true },
  ERR_EGRESS_TLS_FAILED: { unsent: true },
  ERR_EGRESS_INVALID: { unsent: true, own: 'failed' },
  ERR_EGRESS_TOO_LARGE: { unsent: true, own: 'failed' },
  ERR_EGRESS_BUSY: { unsent: true, own: 'busy' },
  ERR_EGRESS_CHILD_GONE: { own: 'failed' },
  ERR_EGRESS_CLOSED: { own: 'failed' },
  ERR_EGRESS_CANCELLED: { own: 'failed' },
  ERR_EGRESS_TIMEOUT: { own: 'failed' },
  ERR_EGRESS_INTERNAL: { own: 'failed' },
  ERR_EGRESS_PEER_TOO_LARGE: { own: 'failed' },
})

function transportErrorOf(error: unknown): Kv2TransportError {
  if (!(error instanceof EgressError)) return new Kv2TransportError(false, undefined, 'failed')
  const { code, unasked } = error
  const { unsent = unasked, own } = KNOWN[code] ?? {}
  return new Kv2TransportError(unsent, code.replace('ERR_EGRESS_', ''), own)
}
