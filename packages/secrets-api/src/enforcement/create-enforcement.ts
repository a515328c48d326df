/**
 * Requests step by step (specs: secrets-api §0, P2 to P9). What is not permitted does not happen; what is not known is
 * refused.
 */
import { SecretsApiError } from '../errors.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { type Admission, admissionOf } from './admission.ts'
import { AntiReplay } from './anti-replay.ts'
import { providerAttributes } from './attributes.ts'
import { type AuthorizedBatch, authorizeBatch, PDP_RETRY_AFTER_SECONDS } from './authorize-batch.ts'
import { Authorizer, type Wanted } from './authorizer.ts'
import type { Enforcement, EnforcementOptions, Filtered, Permitted } from './enforcement.ts'
import { GrantBook, ownerOf } from './grant-book.ts'
import { Meter } from './metrics.ts'
import { type ListingOperation, SECRET_OPERATIONS } from './operation.ts'
import { gateMounts, gatePlaces } from './provider-gate.ts'
import type { Purpose } from './purpose.ts'
import { TokenBuckets } from './rate-limits.ts'
import { type Refused, refused, refusedBy } from './refusal.ts'
import { refuseAnonymous, refuseAudience, refuseScopes, refuseSender } from './refuse-caller.ts'
import { purposesOf, readTargets, type SecretRequest, type Targets } from './targets.ts'

/**
 * Make an enforcement point.
 *
 * @throws RangeError for options that are none; `decisions` disabled outside `dev` and `test` is one of them
 *
 * @example
 * ```ts
 * const admission = enforcement.admit(caller)
 * if (admission.kind === 'refused') return answer(admission)
 * const result = await enforcement.enforce(admission, { operation: 'value', target: () => ({ uri }) })
 * if (result.kind === 'refused') return answer(result)
 * return readSecret(provider, uri)
 * ```
 */
export function createEnforcement(options: EnforcementOptions): Enforcement {
  assertOptions(options)
  const { nowMs, newId } = options
  const meter = new Meter(options.observer)
  const antiReplay = new AntiReplay(options.antiReplay ?? {}, nowMs)
  const buckets = new TokenBuckets(options.requestLimit ?? {}, nowMs)
  const book = new GrantBook(options.grants ?? {}, { nowMs, newId })
  const attributes = options.attributes ?? providerAttributes(options.providerOf)
  const authorizer =
    options.decisions === 'disabled'
      ? undefined
      : new Authorizer({
          ...options,
          decisions: options.decisions,
          attributes,
          book,
          antiReplay,
          meter,
        })

  function counted<T>(result: T | Refused): T | Refused {
    if (isRefused(result)) {
      meter.count('secrets_errors_total', { code: result.code })
      if (result.code === 'TENANT_MOUNT_MISMATCH') meter.count('tenant_mount_violation_total', {})
    }
    return result
  }

  /** P8. */
  function refuseCredential(
    { caller, proof }: Admission,
    purpose: Purpose,
    uris: readonly string[],
  ): Refused | undefined {
    const audience = refuseAudience(caller, purpose, uris, options)
    if (audience !== undefined) meter.count('secret_denies_total', { policy: 'audience' })
    if (audience === undefined && proof === 'seen') meter.count('anti_replay_total', {})
    return audience ?? refuseSender({ caller, proof }, antiReplay)
  }

  async function decide(
    admission: Admission,
    request: SecretRequest,
  ): Promise<Permitted | Refused> {
    const { operation } = request
    const { caller } = admission
    const early = refuseAnonymous(caller, options) ?? refuseScopes(caller, operation, options)
    if (early !== undefined) return early
    const targets = readOrRefuse(request)
    if (isRefused(targets)) return targets
    const [purpose] = purposesOf(operation)
    const uris = targets.places.map(({ place }) => place.canonical)
    const late =
      gatePlaces(caller, targets.places, options) ?? refuseCredential(admission, purpose, uris)
    if (late !== undefined) return late
    const permitted = { kind: 'permitted', operation, operationId: newId() } as const
    if (authorizer === undefined) return { ...permitted, permits: [] }
    const batch = await authorizeBatch(authorizer, admission, targets.wanted)
    return isRefused(batch) ? batch : { ...permitted, permits: batch.permits }
  }

  async function filterItems<T>(
    admission: Admission,
    operation: ListingOperation,
    items: readonly T[],
    uriOf: (item: T) => SecretUri,
  ): Promise<Filtered<T> | Refused> {
    const { caller } = admission
    const { purpose } = SECRET_OPERATIONS[operation]
    const early =
      refuseAnonymous(caller, options) ??
      refuseScopes(caller, operation, options) ??
      refuseCredential(admission, purpose, [])
    if (early !== undefined) return early
    if (authorizer === undefined) return { kind: 'filtered', items }
    const uris = items.map(uriOf)
    const wanted = uris.map((uri) => ({ uri, purpose }))
    const batch = await authorizeBatch(authorizer, admission, [], wanted)
    if (isRefused(batch)) return batch
    if (batch.failures.some(({ reason }) => reason === 'unavailable')) {
      const details = { purpose, effect: 'Deny', failures: [] } as const
      const retryAfterSeconds = PDP_RETRY_AFTER_SECONDS
      return refused('P9', 'PDP_UNAVAILABLE', { details, retryAfterSeconds })
    }
    const shown = new Set(batch.permits.map((permit) => canonicalOf(permit.wanted)))
    return { kind: 'filtered', items: items.filter((_, at) => shown.has(uris[at]?.canonical)) }
  }

  async function authorizeAll(
    admission: Admission,
    required: readonly Wanted[],
    optional: readonly Wanted[],
  ): Promise<AuthorizedBatch | Refused> {
    const all = [...required, ...optional]
    const [first] = all
    if (first === undefined) return { kind: 'authorized', permits: [], failures: [] }
    const places = all.flatMap(({ uri }) => (uri === 'tenant' ? [] : [uri]))
    const early =
      refuseAnonymous(admission.caller, options) ??
      gateMounts(admission.caller.tenant, places, options) ??
      refuseCredential(
        admission,
        first.purpose,
        places.map(({ canonical }) => canonical),
      )
    if (early !== undefined) return early
    if (authorizer === undefined) return { kind: 'authorized', permits: [], failures: [] }
    return authorizeBatch(authorizer, admission, required, optional)
  }

  return {
    admit(caller) {
      const retryAfterSeconds = buckets.take(ownerOf(caller))
      if (retryAfterSeconds !== undefined) {
        return counted(refused('P1', 'RATE_LIMITED', { retryAfterSeconds }))
      }
      return admissionOf(caller, (proof, owner) => antiReplay.consumeProof(proof, owner))
    },
    refuseUnknown({ caller }) {
      const refusal = refuseAnonymous(caller, options)
      return refusal && counted<never>(refusal)
    },
    async enforce(admission, request) {
      const startMs = nowMs()
      const result = counted(await decide(admission, request))
      const onGrant = !isRefused(result) && result.permits.some(({ hit }) => hit === 'grant')
      meter.record('pep_latency_ms', { hit: onGrant ? 'grant' : 'first' }, nowMs() - startMs)
      return result
    },
    async filter(admission, operation, items, uriOf) {
      return counted(await filterItems(admission, operation, items, uriOf))
    },
    async authorizeBatch(admission, required, optional = []) {
      return counted(await authorizeAll(admission, required, optional))
    },
    endGrants: () => book.clear(),
  }
}

function assertOptions({ decisions, environment, audience }: EnforcementOptions): void {
  if (decisions === 'disabled' && environment !== 'dev' && environment !== 'test') {
    throw new RangeError('decisions: expected who decides, outside of dev and test')
  }
  if (typeof audience !== 'string' || audience === '') {
    throw new RangeError('audience: expected at least 1 character')
  }
}

function isRefused(result: unknown): result is Refused {
  return (result as { kind?: unknown }).kind === 'refused'
}

function canonicalOf({ uri }: Wanted): string | undefined {
  return uri === 'tenant' ? undefined : uri.canonical
}

/** P3 and P4. */
function readOrRefuse(request: SecretRequest): Targets | Refused {
  try {
    return readTargets(request)
  } catch (error) {
    if (!SecretsApiError.is(error)) throw error
    return refusedBy(error.name === 'SecretUriError' ? 'P4' : 'P3', error)
  }
}
