/** Facts of requests, as the server gives them. */
import type { RequestFacts } from '../../src/request-facts.ts'
import { parseTarget } from '../../src/target.ts'

/** Parts of a request; what is absent is ordinary. */
export interface FactParts {
  readonly headers?: readonly string[]
  /** As in the request line. */
  readonly target?: string
  readonly from?: string
  readonly port?: number
  readonly certificate?: Uint8Array
}

export function factsOf(parts: FactParts = {}): RequestFacts {
  return {
    headers: parts.headers ?? ['Host', 'localhost'],
    target: parseTarget(parts.target ?? '/api/get'),
    remoteAddress: parts.from ?? '192.0.2.7',
    remotePort: parts.port ?? 40_000,
    localAddress: '192.0.2.1',
    tls: parts.certificate === undefined ? undefined : { clientCertificate: parts.certificate },
  }
}

export function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** The reason of what a call throws, or undefined; anything but an error of the registry fails. */
export function reasonOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return reasonIn(error)
  }
}

export async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(() => undefined, reasonIn)
}

function reasonIn(error: unknown): string {
  const { name, reason } = error as { name?: unknown; reason?: unknown }
  if (name !== 'SecregError' || typeof reason !== 'string') throw error
  return reason
}
