/** Bringing versions back and destroying them: specs secrets-api §2.5, E12 and E13. */
import { ProviderError, SecretsApiError } from '../errors.ts'
import type { ProviderCallOptions, SecretProvider, VersionMetadata } from '../provider/provider.ts'
import { SECRET_URI_LIMITS } from '../uri/characters.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { assertWholeSecret } from './secret-metadata.ts'

/** Most versions of one request. */
export const MAX_VERSIONS_PER_REQUEST = 100

/**
 * Undelete versions; all of them or none.
 *
 * @param uri - without fragment and version
 * @param versions - 1 to 100 numbers, each once
 * @throws SecretsApiError `VERSIONS_REQUIRED`, `INVALID_REQUEST`, `FRAGMENT_NOT_ALLOWED`, `VERSION_NOT_ALLOWED`
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`; `SECRET_NOT_FOUND` when one is not there; `SECRET_VERSION_DESTROYED`
 *   when one cannot be brought back; and those of the provider
 */
export async function undeleteSecretVersions(
  provider: SecretProvider,
  uri: SecretUri,
  versions: unknown,
  options: ProviderCallOptions = {},
): Promise<void> {
  const numbers = parseSecretVersions(versions)
  const found = await findVersions(provider, uri, numbers, options)
  if (found.some(({ destroyed }) => destroyed)) throw new ProviderError('SECRET_VERSION_DESTROYED')
  await provider.undelete(uri, numbers, options)
}

/**
 * Destroy versions; all of them or none.
 *
 * @throws as {@link undeleteSecretVersions}, but that a version may be destroyed already
 */
export async function destroySecretVersions(
  provider: SecretProvider,
  uri: SecretUri,
  versions: unknown,
  options: ProviderCallOptions = {},
): Promise<void> {
  const numbers = parseSecretVersions(versions)
  await findVersions(provider, uri, numbers, options)
  await provider.destroyVersions(uri, numbers, options)
}

/**
 * Accept numbers of versions.
 *
 * @returns the same numbers
 * @throws SecretsApiError `VERSIONS_REQUIRED` for none, `INVALID_REQUEST` for what are not 1 to 100 numbers, each once
 */
export function parseSecretVersions(versions: unknown): readonly number[] {
  if (versions === undefined || (Array.isArray(versions) && versions.length === 0)) {
    throw new SecretsApiError('VERSIONS_REQUIRED')
  }
  if (
    !Array.isArray(versions) ||
    versions.length > MAX_VERSIONS_PER_REQUEST ||
    !versions.every(isVersion) ||
    new Set(versions).size !== versions.length
  ) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  return versions
}

function isVersion(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= SECRET_URI_LIMITS.version
  )
}

/** Before anything is changed: a provider passes over numbers that it does not know. */
async function findVersions(
  provider: SecretProvider,
  uri: SecretUri,
  versions: readonly number[],
  options: ProviderCallOptions,
): Promise<readonly VersionMetadata[]> {
  assertWholeSecret(uri)
  if (!provider.capabilities.versions) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const metadata = await provider.metadata(uri, options)
  const wanted = new Set(versions)
  const found = metadata?.versions.filter(({ version }) => wanted.has(version)) ?? []
  if (found.length !== versions.length) throw new ProviderError('SECRET_NOT_FOUND')
  return found
}
