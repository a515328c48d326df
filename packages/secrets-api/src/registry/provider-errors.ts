/**
 * What a refusal of the registry is to whoever asked the provider. The registry decides a second time, after whoever
 * asked was allowed to ask: what it does not let him see is not there (specs: secrets-api §0, "Non-enumeration"), which
 * the calls say themselves; any other denial is a failure of the provider, as it is with other providers (§5.3), since a
 * 403 would look like the decision that was made before. The registry's own log has the denial.
 */
import { type Reason, SecregError } from '@secreg/protocol'
import { ProviderError, type ProviderReason } from '../errors.ts'

/** All that are no plain failures. */
const REASONS: Partial<Record<Reason, ProviderReason>> = Object.freeze({
  VERSION_CONFLICT: 'CAS_MISMATCH',
  VALUE_INVALID: 'INCOMPATIBLE_PAYLOAD',
  VALUE_TOO_LARGE: 'INCOMPATIBLE_PAYLOAD',
  BUSY: 'PROVIDER_BUSY',
  TIMEOUT: 'PROVIDER_TIMEOUT',
  SEALED: 'PROVIDER_UNAVAILABLE',
  UNINITIALIZED: 'PROVIDER_UNAVAILABLE',
  SHUTTING_DOWN: 'PROVIDER_UNAVAILABLE',
  TOO_MANY_CONNECTIONS: 'PROVIDER_UNAVAILABLE',
  UNREACHABLE: 'PROVIDER_UNAVAILABLE',
})

/**
 * The error of the provider for whatever was thrown, which becomes its `cause`; one of the provider stays.
 *
 * @param signal - of the call: once it is aborted, what is thrown is its reason, which may be anything
 */
export function providerErrorOf(cause: unknown, signal: AbortSignal | undefined): ProviderError {
  if (cause instanceof ProviderError) return cause
  if (!SecregError.is(cause)) {
    const reason = signal?.aborted === true ? 'PROVIDER_TIMEOUT' : 'PROVIDER_ERROR'
    return new ProviderError(reason, { cause })
  }
  const { retryAfterSeconds } = cause
  return new ProviderError(REASONS[cause.reason] ?? 'PROVIDER_ERROR', {
    cause,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

/** Why there is nothing to be had of an entry; `undefined` where the registry has failed in another way. */
export function absenceOf(
  error: unknown,
): 'absent' | 'hidden' | 'entry-deleted' | 'deleted' | 'destroyed' | undefined {
  if (!SecregError.is(error)) return undefined
  switch (error.reason) {
    case 'NOT_FOUND':
    case 'STORAGE_KEY_NOT_FOUND':
    case 'VERSION_NOT_FOUND':
      return 'absent'
    case 'ACCESS_DENIED':
      return 'hidden'
    case 'ENTRY_DELETED':
      return 'entry-deleted'
    case 'VERSION_DELETED':
      return 'deleted'
    case 'VERSION_DESTROYED':
      return 'destroyed'
    default:
      return undefined
  }
}

/**
 * What a call answers, or why there is nothing.
 *
 * @throws whatever else it fails with
 */
export async function unlessAbsent<T>(
  call: Promise<T>,
): Promise<T | NonNullable<ReturnType<typeof absenceOf>>> {
  try {
    return await call
  } catch (error) {
    const absence = absenceOf(error)
    if (absence === undefined) throw error
    return absence
  }
}

/** Whether a write was made: false where the entry was not as the write demanded. @throws whatever else it fails with */
export async function unlessConflict<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (SecregError.is(error) && error.reason === 'VERSION_CONFLICT') return undefined
    throw error
  }
}

/** Answers that do not belong together, again and again: somebody else is faster. */
export function tooFast(): ProviderError {
  return new ProviderError('PROVIDER_BUSY', { retryAfterSeconds: 1 })
}
