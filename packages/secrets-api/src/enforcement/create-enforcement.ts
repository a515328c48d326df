/**
 * The point that every request for a secret passes before a provider is asked (specs: secrets-api §0, P2 to P9). What it
 * does not permit does not happen; what it does not know it refuses.
 */
import { SecretsApiError } from '../errors.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { type Admission, type AuthenticatedCaller, admissionOf } from './admission.ts'
import { AntiReplay, type AntiReplayOptions } from './anti-replay.ts'
import { type AttributesPort, providerAttributes } from './attributes.ts'
import { type AuthorizedBatch, authorizeBatch, type Permit } from './authorize-batch.ts'
import { Authorizer, type Wanted } from './authorizer.ts'
import type { DecisionPort } from './decision.ts'
import { GrantBook, type GrantOptions, ownerOf } from './grant-book.ts'
import { type EnforcementObserver, Meter } from './metrics.ts'
import { type ListingOperation, SECRET_OPERATIONS, type SecretOperation } from './operation.ts'
import { gatePlaces, type ProviderGateOptions } from './provider-gate.ts'
import { type BucketRule, TokenBuckets } from './rate-limits.ts'
import { type Refused, refused, refusedBy } from './refusal.ts'
import { type CallerRules, refuseAudience, refuseScopes, refuseSender } from './refuse-caller.ts'
import { readTargets, type SecretRequest, type Targets } from './targets.ts'

/** What an enforcement point goes by. */
export interface EnforcementOptions extends ProviderGateOptions, CallerRules {
  /** Who decides; `disabled` permits everything that gets so far, and is nothing outside `dev` and `test`. */
  readonly decisions: DecisionPort | 'disabled'
  /** Default: read from the provider. */
  readonly attributes?: AttributesPort
  readonly grants?: GrantOptions
  readonly antiReplay?: AntiReplayOptions
  /** Of one subject. */
  readonly requestLimit?: Partial<BucketRule>
  readonly observer?: EnforcementObserver
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly timeMs: () => number
  /** A fresh id that nobody can guess, such as a UUID: of grants, decisions and operations. */
  readonly newId: () => string
  /** A signal that is aborted when decisions, or attributes, have taken too long: two seconds are usual. */
  readonly newDeadline: () => AbortSignal
}

/** What may be done now, once. */
export interface Permitted {
  readonly kind: 'permitted'
  readonly operation: SecretOperation
  /** Of this operation, shared by all that is recorded of it. */
  readonly operationId: string
  /** One for each purpose on each secret; none for a listing, and where decisions are disabled. */
  readonly permits: readonly Permit[]
}

/** The entries of a listing that may be shown. */
export interface Filtered<T> {
  readonly kind: 'filtered'
  /** In the order in which they were given. */
  readonly items: readonly T[]
}

/** Lets requests through, or not. */
export interface Enforcement {
  /**
   * Take up a request of an authenticated caller; once for each, also for one of many items: its DPoP proof is used up.
   *
   * @returns refused with 429 where the subject asks too much
   * @throws TypeError, RangeError for a caller that is none
   */
  admit(caller: AuthenticatedCaller): Admission | Refused
  /**
   * Permit one operation, or refuse it at the first step that it does not pass.
   *
   * @throws what `target` of the request throws, if it is not one of this package
   */
  enforce(admission: Admission, request: SecretRequest): Promise<Permitted | Refused>
  /**
   * Keep the entries of a permitted listing for which its purpose is permitted; of the others nothing is told.
   *
   * @returns refused with 503 where anything could not be decided: what nobody could decide on looks like nothing else
   */
  filter<T>(
    admission: Admission,
    operation: ListingOperation,
    items: readonly T[],
    uriOf: (item: T) => SecretUri,
  ): Promise<Filtered<T> | Refused>
  /** Authorize many secrets at once, without the steps before a decision. */
  authorizeBatch(
    admission: Admission,
    required: readonly Wanted[],
    optional?: readonly Wanted[],
  ): Promise<AuthorizedBatch | Refused>
  /** End all grants at once, as when policy has changed: the next use of each secret is decided anew. */
  endGrants(): void
}

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

  async function decide(
    admission: Admission,
    request: SecretRequest,
  ): Promise<Permitted | Refused> {
    const { operation } = request
    const scopes = refuseScopes(admission.caller, operation, options)
    if (scopes !== undefined) return scopes
    const targets = readOrRefuse(request)
    if (isRefused(targets)) return targets
    const early =
      gatePlaces(admission.caller.tenant, targets.places, options) ??
      refuseAudience(admission.caller, operation, targets, options, meter) ??
      refuseSender(admission, antiReplay, meter)
    if (early !== undefined) return early
    const permitted = { kind: 'permitted', operation, operationId: newId() } as const
    if (authorizer === undefined) return { ...permitted, permits: [] }
    const batch = await authorizeBatch(authorizer, admission, targets.wanted)
    return isRefused(batch) ? batch : { ...permitted, permits: batch.permits }
  }

  return {
    admit(caller) {
      const retryAfterSeconds = buckets.take(ownerOf(caller))
      if (retryAfterSeconds !== undefined) {
        return counted(refused('P1', 'RATE_LIMITED', { retryAfterSeconds }))
      }
      return admissionOf(caller, (proof, owner) => antiReplay.consumeProof(proof, owner))
    },
    async enforce(admission, request) {
      const startMs = nowMs()
      const result = counted(await decide(admission, request))
      const onGrant = !isRefused(result) && result.permits.some(({ hit }) => hit === 'grant')
      meter.record('pep_latency_ms', { hit: onGrant ? 'grant' : 'first' }, nowMs() - startMs)
      return result
    },
    async filter(admission, operation, items, uriOf) {
      if (authorizer === undefined) return { kind: 'filtered', items }
      const { purpose } = SECRET_OPERATIONS[operation]
      const uris = items.map(uriOf)
      const batch = await authorizeBatch(
        authorizer,
        admission,
        [],
        uris.map((uri) => ({ uri, purpose })),
      )
      if (isRefused(batch)) return counted(batch)
      const outage = batch.failures.find(({ reason }) => reason === 'unavailable')
      if (outage !== undefined) {
        const details = { purpose, effect: 'Deny', failures: [] } as const
        return counted(refused('P9', 'PDP_UNAVAILABLE', { details, retryAfterSeconds: 1 }))
      }
      const shown = new Set(batch.permits.map(({ wanted }) => canonicalOf(wanted)))
      return {
        kind: 'filtered',
        items: items.filter((_, at) => shown.has(uris[at]?.canonical)),
      }
    },
    async authorizeBatch(admission, required, optional = []) {
      if (authorizer === undefined) return { kind: 'authorized', permits: [], failures: [] }
      return counted(await authorizeBatch(authorizer, admission, required, optional))
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
