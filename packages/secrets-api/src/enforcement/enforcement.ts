/** The point that every request for a secret passes before a provider is asked: what it is given, and what it gives. */
import type { SecretUri } from '../uri/secret-uri.ts'
import type { Admission, AuthenticatedCaller } from './admission.ts'
import type { AntiReplayOptions } from './anti-replay.ts'
import type { AttributesPort } from './attributes.ts'
import type { AuthorizedBatch, Permit } from './authorize-batch.ts'
import type { Wanted } from './authorizer.ts'
import type { DecisionPort } from './decision.ts'
import type { GrantOptions } from './grant-book.ts'
import type { EnforcementObserver } from './metrics.ts'
import type { ListingOperation, SecretOperation } from './operation.ts'
import type { ProviderGateOptions } from './provider-gate.ts'
import type { BucketRule } from './rate-limits.ts'
import type { Refused } from './refusal.ts'
import type { CallerRules } from './refuse-caller.ts'
import type { SecretRequest } from './targets.ts'

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
  /** P1 alone, for a request of many items, before the items are read. */
  refuseUnknown(admission: Admission): Refused | undefined
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
  /**
   * Authorize many secrets at once, for whoever has operations of his own: scopes, environment and providers are not
   * looked at, all other steps are.
   */
  authorizeBatch(
    admission: Admission,
    required: readonly Wanted[],
    optional?: readonly Wanted[],
  ): Promise<AuthorizedBatch | Refused>
  /** End all grants at once, as when policy has changed: the next use of each secret is decided anew. */
  endGrants(): void
}
