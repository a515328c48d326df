/** What a failed call of a server is to whoever asked the provider (specs: secrets-api §5.3). */
import { Kv2Error, type Kv2ErrorCode } from '@secreg/kv2'
import { ProviderError, type ProviderReason } from '../errors.ts'

/**
 * Every code with its reason. A denial is a failure of the provider: it is the provider's own credential that was denied,
 * and a 403 would look like a decision about whoever asked.
 */
const REASONS: Readonly<Record<Kv2ErrorCode, ProviderReason>> = Object.freeze({
  ERR_KV2_INVALID_PATH: 'PROVIDER_ERROR',
  ERR_KV2_CAS_MISMATCH: 'CAS_MISMATCH',
  ERR_KV2_CAS_REQUIRED: 'PROVIDER_ERROR',
  ERR_KV2_DENIED: 'PROVIDER_ERROR',
  ERR_KV2_NOT_AUTHENTICATED: 'PROVIDER_ERROR',
  ERR_KV2_THROTTLED: 'PROVIDER_BUSY',
  ERR_KV2_SEALED: 'PROVIDER_UNAVAILABLE',
  ERR_KV2_UNAVAILABLE: 'PROVIDER_ERROR',
  ERR_KV2_TRANSPORT_FAILED: 'PROVIDER_ERROR',
  ERR_KV2_TIMEOUT: 'PROVIDER_TIMEOUT',
  ERR_KV2_ANSWER_INVALID: 'PROVIDER_ERROR',
  ERR_KV2_ANSWER_TOO_LARGE: 'PROVIDER_ERROR',
  ERR_KV2_REDIRECT_REFUSED: 'PROVIDER_ERROR',
  ERR_KV2_CIRCUIT_OPEN: 'PROVIDER_UNAVAILABLE',
  ERR_KV2_BUSY: 'PROVIDER_BUSY',
  ERR_KV2_NO_ROUTE: 'PROVIDER_ERROR',
  ERR_KV2_UNSUPPORTED: 'PROVIDER_ERROR',
  ERR_KV2_REFUSED: 'PROVIDER_ERROR',
  ERR_KV2_CLOSED: 'PROVIDER_UNAVAILABLE',
})

/**
 * The error of the provider for whatever was thrown, which becomes its `cause`; one of the provider stays.
 *
 * @param signal - of the call: once it is aborted, what is thrown is its reason, which may be anything
 */
export function providerErrorOf(cause: unknown, signal: AbortSignal | undefined): ProviderError {
  if (cause instanceof ProviderError) return cause
  if (!Kv2Error.is(cause)) {
    const reason = signal?.aborted === true ? 'PROVIDER_TIMEOUT' : 'PROVIDER_ERROR'
    return new ProviderError(reason, { cause })
  }
  const { retryAfterSeconds } = cause
  return new ProviderError(reasonOf(cause), {
    cause,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

function reasonOf({ code, status }: Kv2Error): ProviderReason {
  if (code === 'ERR_KV2_UNAVAILABLE' && status === 503) return 'PROVIDER_UNAVAILABLE'
  return REASONS[code]
}
