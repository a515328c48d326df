/** One operation of the enforcement point, with what is done once it is permitted. */
import type { DoneFacts } from '../enforcement/audit-event.ts'
import type {
  ListingOperation,
  SingleOperation,
  TenantOperation,
  TransferOperation,
} from '../enforcement/operation.ts'
import type { Author, Stamped } from '../operations/stamp-metadata.ts'
import type { ProviderCallOptions, SecretProvider } from '../provider/provider.ts'
import type { SecretPrefix, SecretProviderName, SecretUri } from '../uri/secret-uri.ts'

/** What an operation that is permitted works with. */
export interface Access {
  /** @throws ProviderError `PROVIDER_NOT_CONFIGURED` */
  readonly provider: (name: SecretProviderName) => SecretProvider
  readonly call: ProviderCallOptions
  readonly author: ProviderCallOptions & Author
  /** The entries of this listing that the caller may see. @throws Refusal */
  readonly show: <T>(items: readonly T[], uriOf: (item: T) => SecretUri) => Promise<readonly T[]>
}

/** What was done. */
export interface Done {
  /** Of the answer. */
  readonly body: Readonly<Record<string, unknown>>
  readonly facts: DoneFacts
  readonly stamped?: Stamped
}

/** What a request has been found to ask for. */
export interface Prepared<Target> {
  readonly target: Target
  readonly run: (access: Access) => Promise<Done>
}

interface TaskOn<On, Operation, Target> {
  readonly on: On
  readonly operation: Operation
  /**
   * Read the request; called once the scope is there. Whatever is wrong with the request alone is refused here, so that
   * nobody learns from it what there is.
   *
   * @throws SecretsApiError
   */
  readonly prepare: () => Prepared<Target>
}

/** On one secret. */
export type SingleTask = TaskOn<'secret', SingleOperation, { readonly uri: SecretUri }>

/** On the tenant. */
export type TenantTask = TaskOn<'tenant', TenantOperation, object>

/** Any. */
export type Task =
  | SingleTask
  | TenantTask
  | TaskOn<'transfer', TransferOperation, { readonly from: SecretUri; readonly to: SecretUri }>
  | TaskOn<'listing', ListingOperation, { readonly prefixes: readonly SecretPrefix[] }>
