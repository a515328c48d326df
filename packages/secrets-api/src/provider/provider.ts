/**
 * What stands behind the schemes of secret URIs: YAML files, KV version 2 servers and the registry, through one interface
 * (specs: secrets-api §5). Everything that a request means is done above it, so that all providers mean the same.
 */
import type { SecretPlace, SecretProviderName } from '../uri/secret-uri.ts'
import type { SecretMap } from './json-value.ts'

/** What a provider has; the rest is refused with `OPERATION_NOT_SUPPORTED`. */
export interface ProviderCapabilities {
  /** Writes make numbered versions, which can be read, deleted, undeleted and destroyed. */
  readonly versions: boolean
  /** Secrets have metadata of their own. */
  readonly customMetadata: boolean
  /** {@link SecretProvider.list} tells what is right below a place. */
  readonly list: boolean
  /** {@link SecretProvider.entries} tells all that is below a place, with the names of keys. */
  readonly entries: boolean
  /** A value that is an object is also a secret, one segment below. */
  readonly nested: boolean
}

/** Options of every call. */
export interface ProviderCallOptions {
  /** Ends the call, whose outcome is then not known. */
  readonly signal?: AbortSignal
}

/**
 * Stands for the current state of a secret, its absence included: equal for equal states, different where the values or
 * the version differ. It is of one provider, is never shown, and holds no value.
 */
export type StateToken = string

/** A secret that can be read. */
export interface FoundSecret {
  readonly kind: 'found'
  readonly data: SecretMap
  /** Null where there are no versions. */
  readonly version: number | null
}

/** A version whose values are not there. */
export interface GoneSecret {
  readonly kind: 'deleted' | 'destroyed'
  readonly version: number
}

/** A secret as it is: its current version. */
export type CurrentSecret = (FoundSecret | GoneSecret | { readonly kind: 'absent' }) & {
  readonly token: StateToken
}

/** One version of a secret. */
export type PinnedSecret = FoundSecret | GoneSecret | { readonly kind: 'absent' }

/** What a write has made. */
export interface WrittenSecret {
  /** Null where there are no versions. */
  readonly version: number | null
  /** Nothing had been written here before, in this life of the secret. */
  readonly first: boolean
}

/** A version, without its values. */
export interface VersionMetadata {
  readonly version: number
  /** RFC 3339. */
  readonly createdTime: string
  /** RFC 3339, also in the future; empty for none. */
  readonly deletionTime: string
  readonly destroyed: boolean
}

/** All that is known of a secret but its values. */
export interface SecretMetadata {
  /** 0 when nothing has been written. */
  readonly currentVersion: number
  readonly oldestVersion: number
  /** RFC 3339. */
  readonly createdTime: string
  readonly updatedTime: string
  /** 0 for the provider's own number. */
  readonly maxVersions: number
  readonly casRequired: boolean
  /** As the provider writes a duration; `0s` for never. */
  readonly deleteVersionAfter: string
  readonly customMetadata: ReadonlyMap<string, string>
  /** Ascending. */
  readonly versions: readonly VersionMetadata[]
}

/** Something right below a place. */
export interface ListedName {
  readonly name: string
  /** A folder has something below it; one name can be both, and is then listed twice. */
  readonly kind: 'secret' | 'folder'
}

/** A secret with the names of its keys. */
export interface SecretKeys extends SecretPlace {
  /** Without those whose value is itself a secret. */
  readonly keys: readonly string[]
}

/**
 * A provider. An instance speaks for one caller, or for all of them where the provider knows none; who may do what has
 * been decided before it is asked.
 *
 * Its errors are `ProviderError`s alone: `PROVIDER_ERROR`, `PROVIDER_TIMEOUT`, `PROVIDER_BUSY`,
 * `PROVIDER_UNAVAILABLE` and `PROVIDER_NOT_CONFIGURED` of every method, the others where they are named. None has a
 * text of the provider but as its `cause`.
 */
export interface SecretProvider {
  readonly name: SecretProviderName
  readonly capabilities: ProviderCapabilities

  /** The current version. */
  read(place: SecretPlace, options?: ProviderCallOptions): Promise<CurrentSecret>

  /** A version by its number, and never another one. */
  readVersion(
    place: SecretPlace,
    version: number,
    options?: ProviderCallOptions,
  ): Promise<PinnedSecret>

  /**
   * Replace all values.
   *
   * @param options - with `cas`, only if the current state is the one that it stands for: checked and written as one
   *   step. Without, whatever is there, also where the provider itself demands a check
   * @throws ProviderError `CAS_MISMATCH`; `INCOMPATIBLE_PAYLOAD` for what cannot stand there
   */
  write(
    place: SecretPlace,
    data: SecretMap,
    options?: ProviderCallOptions & { readonly cas?: StateToken },
  ): Promise<WrittenSecret>

  /**
   * Make a secret that is found unreadable: with versions, the current one is deleted, and can be undeleted.
   *
   * @param cas - of the state that may be removed: of two calls with one token, one succeeds
   * @throws ProviderError `CAS_MISMATCH`
   */
  remove(place: SecretPlace, cas: StateToken, options?: ProviderCallOptions): Promise<void>

  /**
   * Destroy all versions, deleted ones included, and the metadata.
   *
   * @param cas - as of {@link remove}
   * @throws ProviderError `CAS_MISMATCH`
   */
  destroy(place: SecretPlace, cas: StateToken, options?: ProviderCallOptions): Promise<void>

  /** Undelete versions that are there and not destroyed. */
  undelete(
    place: SecretPlace,
    versions: readonly number[],
    options?: ProviderCallOptions,
  ): Promise<void>

  /** Destroy versions that are there. */
  destroyVersions(
    place: SecretPlace,
    versions: readonly number[],
    options?: ProviderCallOptions,
  ): Promise<void>

  /** @returns undefined where there is no secret; one whose versions are all gone has metadata */
  metadata(place: SecretPlace, options?: ProviderCallOptions): Promise<SecretMetadata | undefined>

  /**
   * Set members of the custom metadata; others stay as they are.
   *
   * @throws ProviderError `SECRET_NOT_FOUND`
   */
  patchMetadata(
    place: SecretPlace,
    members: ReadonlyMap<string, string>,
    options?: ProviderCallOptions,
  ): Promise<void>

  /** What is right below a place, in any order; nothing where nothing is. */
  list(place: SecretPlace, options?: ProviderCallOptions): Promise<readonly ListedName[]>

  /** All secrets at a place or below it, in any order, as of one moment. */
  entries(place: SecretPlace, options?: ProviderCallOptions): Promise<readonly SecretKeys[]>
}
