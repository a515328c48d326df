/** Rotation: specs secrets-api §2.5, E5. */
import type { ProviderCallOptions, SecretProvider } from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { payloadOf } from './payload.ts'
import type { Author, Stamped } from './stamp-metadata.ts'
import { callOptions, finishWrite, mergeSecret, versionOf } from './write-secret.ts'

/** What a rotation has made. */
export interface RotateOutcome {
  /** Null where there was none, there are none, or it could not be looked up. */
  readonly oldVersion: number | null
  readonly newVersion: number | null
  readonly created: boolean
  readonly stamped: Stamped
}

/**
 * Write a new value, as `writeSecret` does, and tell both versions. Whether it succeeds depends on the write alone.
 *
 * @throws SecretsApiError, ProviderError as `writeSecret`
 */
export async function rotateSecret(
  provider: SecretProvider,
  uri: SecretUri,
  value: unknown,
  options: ProviderCallOptions & Author,
): Promise<RotateOutcome> {
  const payload = payloadOf(uri, value)
  if (payload.kind === 'key') {
    const { written, over } = await mergeSecret(provider, uri, payload, options)
    const { version, created, stamped } = await finishWrite(provider, uri, written, options)
    const oldVersion = provider.capabilities.versions ? versionOf(over) || null : null
    return { oldVersion, newVersion: version, created, stamped }
  }
  const oldVersion = await currentVersion(provider, uri, callOptions(options))
  const written = await provider.write(uri, payload.data, callOptions(options))
  const { version, created, stamped } = await finishWrite(provider, uri, written, options)
  return { oldVersion, newVersion: version, created, stamped }
}

async function currentVersion(
  provider: SecretProvider,
  uri: SecretUri,
  options: ProviderCallOptions,
): Promise<number | null> {
  if (!provider.capabilities.versions) return null
  try {
    return (await provider.metadata(uri, options))?.currentVersion || null
  } catch {
    return null
  }
}
