/** Deletion: specs secrets-api §2.5, E4. */
import { ProviderError, SecretsApiError } from '../errors.ts'
import type {
  CurrentSecret,
  FoundSecret,
  ProviderCallOptions,
  SecretProvider,
} from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { withCasRetry } from './cas-retry.ts'
import { foundOf, payloadIn } from './read-secret.ts'
import { callOptions } from './write-secret.ts'

/** Options of {@link deleteSecret}. */
export interface DeleteOptions extends ProviderCallOptions {
  /** Nothing can be brought back. Default false; means nothing where there are no versions. */
  readonly destroy?: boolean
}

/** What was deleted. */
export interface DeleteOutcome {
  readonly status: 'deleted' | 'destroyed'
  /**
   * `key_removed`: a write without the key; `version_deleted`: it can be undeleted; `node_removed`: where there are no
   * versions, with all below it.
   */
  readonly mode: 'version_deleted' | 'key_removed' | 'all_versions_destroyed' | 'node_removed'
  /** The version that was deleted, or the one that was written; null for none. */
  readonly version: number | null
}

/**
 * Delete what a URI names. With a fragment, a secret keeps its other keys; one that has none is deleted.
 *
 * @throws SecretsApiError `VERSION_NOT_ALLOWED`; `DESTROY_AFFECTS_OTHER_KEYS` with the count in `details.other_keys`
 * @throws ProviderError `SECRET_NOT_FOUND`, `FRAGMENT_NOT_FOUND`, `CAS_MISMATCH`, and those of the provider
 */
export async function deleteSecret(
  provider: SecretProvider,
  uri: SecretUri,
  options: DeleteOptions = {},
): Promise<DeleteOutcome> {
  if (uri.version !== undefined) throw new SecretsApiError('VERSION_NOT_ALLOWED')
  const call = callOptions(options)
  return withCasRetry(async () => {
    const current = await provider.read(uri, call)
    if (options.destroy === true && provider.capabilities.versions) {
      return destroySecret(provider, uri, current, call)
    }
    return removeFound(provider, uri, foundOf(current), call)
  })
}

/**
 * Delete what was read, if it is still what is there.
 *
 * @throws ProviderError `FRAGMENT_NOT_FOUND`, `CAS_MISMATCH`, and those of the provider
 */
export async function removeFound(
  provider: SecretProvider,
  uri: SecretUri,
  found: CurrentSecret & FoundSecret,
  options: ProviderCallOptions,
): Promise<DeleteOutcome> {
  const { versions } = provider.capabilities
  const { fragment } = uri
  payloadIn(found, fragment)
  if (fragment !== undefined && (found.data.size > 1 || !versions)) {
    const rest = new Map(found.data)
    rest.delete(fragment)
    const { version } = await provider.write(uri, rest, { ...options, cas: found.token })
    return { status: 'deleted', mode: 'key_removed', version }
  }
  await provider.remove(uri, found.token, options)
  const mode = versions ? 'version_deleted' : 'node_removed'
  return { status: 'deleted', mode, version: found.version }
}

async function destroySecret(
  provider: SecretProvider,
  uri: SecretUri,
  current: CurrentSecret,
  options: ProviderCallOptions,
): Promise<DeleteOutcome> {
  if (uri.fragment !== undefined) {
    const found = foundOf(current)
    payloadIn(found, uri.fragment)
    if (found.data.size > 1) {
      const details = { other_keys: found.data.size - 1 }
      throw new SecretsApiError('DESTROY_AFFECTS_OTHER_KEYS', { details })
    }
  } else if (current.kind === 'absent') {
    // A secret that has metadata alone is also one.
    const metadata = await provider.metadata(uri, options)
    if (metadata === undefined) throw new ProviderError('SECRET_NOT_FOUND')
  }
  await provider.destroy(uri, current.token, options)
  return { status: 'destroyed', mode: 'all_versions_destroyed', version: null }
}
