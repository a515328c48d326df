/** The whole API without HTTP: a request of an authenticated caller, and what is answered (specs: secrets-api §2). */
import type { SecretsRoute } from '@secreg/protocol'
import type { AuthenticatedCaller } from '../enforcement/admission.ts'
import type { Enforcement } from '../enforcement/enforcement.ts'
import type { EnforcementObserver } from '../enforcement/metrics.ts'
import type { SecretOperation } from '../enforcement/operation.ts'
import type { AuditEnvelope, AuditedOperation } from '../enforcement.ts'
import type { SecretProvider } from '../provider/provider.ts'
import type { SecretReferences } from '../ref/secret-references.ts'
import type { SecretProviderName } from '../uri/secret-uri.ts'

/** A request. */
export interface SecretsRequest {
  /** E1 to E16 and E18 by name (specs: secrets-api §2.4). */
  readonly route: SecretsRoute
  /** What followed `?`, as it was sent; empty for none. */
  readonly query: string
  /** As it was sent; undefined where there was none. */
  readonly body: Uint8Array | undefined
}

/** An answer. */
export interface SecretsAnswer {
  readonly status: number
  /** Beside those that every answer has: `WWW-Authenticate`, `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** To be sent as JSON. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Events behind a place in the stream of a tenant, and where to go on. */
export interface SecretsEvents {
  readonly events: readonly { readonly id: number; readonly envelope: AuditEnvelope }[]
  /** Id of the last event of the stream, shown or not. */
  readonly after: number
}

/** Records operations. */
export interface SecretsAuditPort {
  /**
   * Ask before anything is done whether it could be recorded.
   *
   * @throws anything: then nothing is done, and the answer is 503 `AUDIT_UNAVAILABLE`
   */
  assertReady(): void
  /**
   * Record an operation that has ended, before it is answered.
   *
   * @param canonicals - URIs and prefixes that it was about, for the log alone
   * @param events - those to be published; none of what sampling leaves out
   * @throws anything: then what was read is dropped, and the answer is 503 `AUDIT_UNAVAILABLE`
   */
  record(
    operation: AuditedOperation,
    canonicals: readonly string[],
    events: readonly AuditEnvelope[],
  ): Promise<void>
}

/** What a service is made of. */
export interface SecretsServiceOptions {
  readonly enforcement: Enforcement
  /** For one caller, to do what has been permitted; undefined for one that is not configured. */
  readonly providersOf: (
    caller: AuthenticatedCaller,
    operation: SecretOperation,
  ) => (name: SecretProviderName) => SecretProvider | undefined
  readonly audit: SecretsAuditPort
  readonly references: SecretReferences
  /** The salt of the references is good for this process alone. */
  readonly ephemeralReferences: boolean
  /** Runs of slashes are taken as one, for development (specs: secrets-api §1.4). */
  readonly legacy: boolean
  /** Mounts that a search without a prefix goes through: those of YAML, where it is on. */
  readonly searchMounts: (tenant: string) => ReadonlySet<string>
  /** E17 and E18 are on. */
  readonly devEndpoints: boolean
  /** Events that are kept for them. */
  readonly ringSize: number
  /** One of so many reads on a live grant is published. */
  readonly sampleCacheHits: number
  /** Name of the service, in events. */
  readonly service: string
  readonly observer?: EnforcementObserver
  /** Told of what only a fault of the program explains, for its log; never shown to a caller. */
  readonly onFault?: (error: unknown) => void
  readonly nowMs: () => number
  readonly timeMs: () => number
  readonly newId: () => string
}

/** The API. */
export interface SecretsService {
  /**
   * Answer a request. Whatever happens, there is an answer: a fault of the program is a 500 without a word about it.
   *
   * @param signal - aborted when nobody waits any more; what is under way at a provider ends
   */
  answer(
    caller: AuthenticatedCaller,
    request: SecretsRequest,
    signal?: AbortSignal,
  ): Promise<SecretsAnswer>
  /**
   * Events of the caller's tenant (E17), as soon as there are any, or none after a while; decided anew each time.
   *
   * @param after - id of the last one known; undefined for what comes from now on
   * @param waitMs - longest wait
   */
  follow(
    caller: AuthenticatedCaller,
    after: number | undefined,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<SecretsEvents | SecretsAnswer>
}
