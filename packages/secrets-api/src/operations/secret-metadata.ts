/** Metadata and versions: specs secrets-api §2.5, E8 to E10. */
import { ProviderError, SecretsApiError } from '../errors.ts'
import type {
  ProviderCallOptions,
  SecretMetadata,
  SecretProvider,
  VersionMetadata,
} from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'

/** Whether the values of a version can be read. */
export type VersionState = 'active' | 'deleted' | 'destroyed'

/** A version with its state. */
export interface SecretVersionItem extends VersionMetadata {
  readonly state: VersionState
}

/**
 * All that is known of a secret but its values. A fragment is not looked at.
 *
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`, `SECRET_NOT_FOUND`, and those of the provider
 */
export async function readSecretMetadata(
  provider: SecretProvider,
  uri: SecretUri,
  options: ProviderCallOptions = {},
): Promise<SecretMetadata> {
  if (!provider.capabilities.versions) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const metadata = await provider.metadata(uri, options)
  if (metadata === undefined) throw new ProviderError('SECRET_NOT_FOUND')
  return metadata
}

/**
 * The versions of a secret, newest first.
 *
 * @param nowMs - a deletion that lies ahead of it has not happened
 * @throws ProviderError as {@link readSecretMetadata}
 */
export async function listSecretVersions(
  provider: SecretProvider,
  uri: SecretUri,
  nowMs: number,
  options: ProviderCallOptions = {},
): Promise<{ currentVersion: number; versions: readonly SecretVersionItem[] }> {
  const { currentVersion, versions } = await readSecretMetadata(provider, uri, options)
  const items = versions.map((each) => ({ ...each, state: versionState(each, nowMs) }))
  return { currentVersion, versions: items.sort((a, b) => b.version - a.version) }
}

/** The state of a version; a time of deletion that cannot be read has passed. */
export function versionState(
  { deletionTime, destroyed }: Pick<VersionMetadata, 'deletionTime' | 'destroyed'>,
  nowMs: number,
): VersionState {
  if (destroyed) return 'destroyed'
  return deletionTime === '' || Date.parse(deletionTime) > nowMs ? 'active' : 'deleted'
}

/**
 * Name the owner of a secret; all other metadata stays.
 *
 * @param uri - without fragment and version
 * @param owner - 1 to 512 bytes, no control characters
 * @throws SecretsApiError `INVALID_REQUEST`, `FRAGMENT_NOT_ALLOWED`, `VERSION_NOT_ALLOWED`
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`, `SECRET_NOT_FOUND`, and those of the provider
 */
export async function setSecretOwner(
  provider: SecretProvider,
  uri: SecretUri,
  owner: unknown,
  options: ProviderCallOptions = {},
): Promise<void> {
  const name = parseSecretOwner(owner)
  assertWholeSecret(uri)
  if (!provider.capabilities.customMetadata) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  await provider.patchMetadata(uri, new Map([['owner', name]]), options)
}

/**
 * Accept the name of an owner: 1 to 512 bytes, no control characters.
 *
 * @returns the same text
 * @throws SecretsApiError `INVALID_REQUEST`
 */
export function parseSecretOwner(owner: unknown): string {
  if (
    typeof owner !== 'string' ||
    owner === '' ||
    /[\p{Control}\p{Surrogate}\u2028\u2029]/u.test(owner) ||
    new TextEncoder().encode(owner).length > 512
  ) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  return owner
}

/** @throws SecretsApiError `FRAGMENT_NOT_ALLOWED`, `VERSION_NOT_ALLOWED` */
export function assertWholeSecret(uri: SecretUri): void {
  if (uri.fragment !== undefined) throw new SecretsApiError('FRAGMENT_NOT_ALLOWED')
  if (uri.version !== undefined) throw new SecretsApiError('VERSION_NOT_ALLOWED')
}
