/** What a client of the Secrets API does (specs: secrets-api §2.4). */
import type { JsonValue } from '../provider/json-value.ts'
import type { SecretsEventsOptions } from './follow-events.ts'
import type { SecretsCallOptions } from './options.ts'
import type {
  SecretBulkOperation,
  SecretBulkResult,
  SecretDeleteResult,
  SecretEventResult,
  SecretFound,
  SecretKeysResult,
  SecretMetadataResult,
  SecretOwnerResult,
  SecretRotateResult,
  SecretsPage,
  SecretTransferResult,
  SecretValueResult,
  SecretVersionsChanged,
  SecretVersionsResult,
  SecretWriteResult,
} from './results.ts'

/**
 * A client. It keeps nothing, follows no redirect and repeats no change.
 *
 * Every call is rejected with a `SecretsClientError`, or with the reason of its signal; wrong arguments are a TypeError
 * or RangeError. URIs are refused before anything is sent where they are not canonical.
 */
export interface SecretsClient {
  /** A value, for use (E3). Needs the scope `secrets.read` and the purpose `execute`. */
  value(
    uri: string,
    options?: SecretsCallOptions & { readonly version?: number },
  ): Promise<SecretValueResult>
  /** A value of YAML (E2); purpose `read`. */
  read(uri: string, options?: SecretsCallOptions): Promise<JsonValue>
  /**
   * Write a key, or an object that replaces the whole secret (E1).
   *
   * @param options - `cas` is the version that must be current; 0 for none yet
   */
  write(
    uri: string,
    value: JsonValue,
    options?: SecretsCallOptions & { readonly cas?: number },
  ): Promise<SecretWriteResult>
  /** The same, and tells both versions (E5). */
  rotate(uri: string, value: JsonValue, options?: SecretsCallOptions): Promise<SecretRotateResult>
  /** Delete a key, or the current version (E4). */
  delete(uri: string, options?: SecretsCallOptions): Promise<SecretDeleteResult>
  /** Delete all versions and metadata for ever (E4 with `destroy`). */
  destroy(uri: string, options?: SecretsCallOptions): Promise<SecretDeleteResult>
  /** Names of the keys of a secret of YAML (E7). */
  keys(uri: string, options?: SecretsCallOptions): Promise<SecretKeysResult>
  /**
   * Secrets of YAML below a prefix, with the names of their keys (E6).
   *
   * @param options - `limit` is 1 to 1000; 100 by default
   */
  list(
    prefix: string,
    options?: SecretsCallOptions & { readonly offset?: number; readonly limit?: number },
  ): Promise<SecretsPage<SecretKeysResult>>
  /** All that is known of a secret but its values (E8). */
  metadata(uri: string, options?: SecretsCallOptions): Promise<SecretMetadataResult>
  /** Versions of a secret, newest first (E9). */
  versions(uri: string, options?: SecretsCallOptions): Promise<SecretVersionsResult>
  /** Name another owner (E10). */
  setOwner(uri: string, owner: string, options?: SecretsCallOptions): Promise<SecretOwnerResult>
  /** Bring versions back (E12). */
  undelete(
    uri: string,
    versions: readonly number[],
    options?: SecretsCallOptions,
  ): Promise<SecretVersionsChanged>
  /** Destroy versions for ever (E13). */
  destroyVersions(
    uri: string,
    versions: readonly number[],
    options?: SecretsCallOptions,
  ): Promise<SecretVersionsChanged>
  /**
   * Secrets and keys by name, a page at a time (E11). What changes meanwhile may be told twice, or not at all.
   *
   * @param text - 1 to 256 characters
   * @param options - `pageSize` is 1 to 1000; 100 by default
   */
  search(
    text: string,
    options?: SecretsCallOptions & { readonly prefix?: string; readonly pageSize?: number },
  ): AsyncIterable<SecretFound>
  /**
   * Several changes, one after the other, of which each may fail (E14). That some failed is no error.
   *
   * @param operations - 1 to 100
   * @param options - without `continueOnError: false`, a failure does not end it
   */
  bulk(
    operations: readonly SecretBulkOperation[],
    options?: SecretsCallOptions & { readonly continueOnError?: boolean },
  ): Promise<SecretBulkResult>
  /** Copy a secret or a key (E15). */
  copy(
    fromUri: string,
    toUri: string,
    options?: SecretsCallOptions & { readonly overwrite?: boolean },
  ): Promise<SecretTransferResult>
  /** Copy, then delete the source (E16). */
  move(
    fromUri: string,
    toUri: string,
    options?: SecretsCallOptions & { readonly overwrite?: boolean },
  ): Promise<SecretTransferResult>
  /** Events of the tenant as they happen, for development (E17); ends with its signal, or with the loop. */
  events(options?: SecretsEventsOptions): AsyncIterable<SecretEventResult>
}
