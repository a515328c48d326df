/** Reading: specs secrets-api §2.5, E2 and E3. */
import { ProviderError } from '../errors.ts'
import { type JsonValue, objectOfSecretMap } from '../provider/json-value.ts'
import type {
  CurrentSecret,
  FoundSecret,
  PinnedSecret,
  ProviderCallOptions,
  SecretProvider,
} from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import type { SecretPayload } from './payload.ts'

/** A value that was read. */
export interface ReadOutcome {
  /** The key's where the URI has a fragment, else an object of all. */
  readonly value: JsonValue
  /** Null where there are no versions. */
  readonly version: number | null
}

/**
 * Read what a URI names. A version that it names is read, or none.
 *
 * @throws ProviderError `SECRET_NOT_FOUND`, also for a secret that is deleted; `FRAGMENT_NOT_FOUND`;
 *   `SECRET_VERSION_DELETED` and `SECRET_VERSION_DESTROYED` for a version that is named;
 *   `OPERATION_NOT_SUPPORTED` for a version where there are none; and those of the provider
 */
export async function readSecret(
  provider: SecretProvider,
  uri: SecretUri,
  options: ProviderCallOptions = {},
): Promise<ReadOutcome> {
  const found = await findSecret(provider, uri, options)
  const payload = payloadIn(found, uri.fragment)
  const value = payload.kind === 'key' ? payload.value : objectOfSecretMap(payload.data)
  return { value, version: found.version }
}

/** The version that a URI names, or the current one. @throws ProviderError as {@link readSecret} */
export async function findSecret(
  provider: SecretProvider,
  uri: SecretUri,
  options: ProviderCallOptions,
): Promise<FoundSecret> {
  if (uri.version === undefined) return foundOf(await provider.read(uri, options))
  if (!provider.capabilities.versions) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const pinned: PinnedSecret = await provider.readVersion(uri, uri.version, options)
  if (pinned.kind === 'found') return pinned
  if (pinned.kind === 'absent') throw new ProviderError('SECRET_NOT_FOUND')
  const deleted = pinned.kind === 'deleted'
  throw new ProviderError(deleted ? 'SECRET_VERSION_DELETED' : 'SECRET_VERSION_DESTROYED')
}

/** A secret that can be read. @throws ProviderError `SECRET_NOT_FOUND` */
export function foundOf(current: CurrentSecret): CurrentSecret & FoundSecret {
  if (current.kind !== 'found') throw new ProviderError('SECRET_NOT_FOUND')
  return current
}

/** The part of a secret that a fragment names. @throws ProviderError `FRAGMENT_NOT_FOUND` */
export function payloadIn(found: FoundSecret, fragment: string | undefined): SecretPayload {
  if (fragment === undefined) return { kind: 'map', data: found.data }
  const value = found.data.get(fragment)
  if (value === undefined) throw new ProviderError('FRAGMENT_NOT_FOUND')
  return { kind: 'key', key: fragment, value }
}
