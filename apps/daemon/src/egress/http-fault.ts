/** Words for what an exchange over HTTP fails with. */
import { Kv2TransportError } from '@secreg/kv2'
import { FaultError } from './fault.ts'
import { isTlsCode } from './tls-codes.ts'

/** The fault for what a transport has thrown. @param signal - of the exchange */
export function httpFaultOf(error: unknown, signal: AbortSignal): FaultError {
  if (signal.aborted) return new FaultError('CANCELLED')
  if (error instanceof Kv2TransportError) {
    if (!error.unsent) return new FaultError('UNREACHABLE')
    return new FaultError(isTlsCode(error.code ?? '') ? 'TLS_FAILED' : 'NOT_SENT')
  }
  // Certificates that are none are thrown before there is a connection.
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return new FaultError(typeof code === 'string' && isTlsCode(code) ? 'TLS_FAILED' : 'INTERNAL')
}
