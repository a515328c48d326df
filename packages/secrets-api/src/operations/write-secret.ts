/** Writing: specs secrets-api §2.5, E1. */
import { ProviderError, SecretsApiError } from '../errors.ts'
import type { JsonValue, SecretMap } from '../provider/json-value.ts'
import type {
  CurrentSecret,
  ProviderCallOptions,
  SecretProvider,
  WrittenSecret,
} from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { CAS_TRIES, withCasRetry } from './cas-retry.ts'
import { payloadOf, type SecretPayload } from './payload.ts'
import { type Author, type Stamped, stampMetadata } from './stamp-metadata.ts'

/** Options of {@link writeSecret}. */
export interface WriteOptions extends ProviderCallOptions, Author {
  /** The current version that is expected, 0 for none yet. Then nothing is tried again. */
  readonly cas?: number
}

/** What a write has made. */
export interface WriteOutcome {
  /** Null where there are no versions. */
  readonly version: number | null
  /** It was the first write of this secret. */
  readonly created: boolean
  readonly stamped: Stamped
}

/**
 * Write the value that a URI names. With a fragment, the other keys stay: what was read is written back with the new
 * value, if it is still what is there, and read again up to twice if not.
 *
 * @param value - see `payloadOf`
 * @throws SecretsApiError `INCOMPATIBLE_PAYLOAD`, `VERSION_NOT_ALLOWED`, `INVALID_REQUEST` for a `cas` that is no number
 *   of a version
 * @throws ProviderError `CAS_MISMATCH`; `OPERATION_NOT_SUPPORTED` for `cas` where there are no versions; and those of
 *   the provider
 */
export async function writeSecret(
  provider: SecretProvider,
  uri: SecretUri,
  value: unknown,
  options: WriteOptions,
): Promise<WriteOutcome> {
  const payload = payloadOf(uri, value)
  const { cas } = options
  if (cas !== undefined && (!Number.isSafeInteger(cas) || cas < 0)) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  if (cas !== undefined && !provider.capabilities.versions) {
    throw new ProviderError('OPERATION_NOT_SUPPORTED')
  }
  if (payload.kind === 'map' && cas === undefined) {
    const written = await provider.write(uri, payload.data, callOptions(options))
    return finishWrite(provider, uri, written, options)
  }
  const check = (current: CurrentSecret): void => {
    if (cas !== undefined && versionOf(current) !== cas) throw new ProviderError('CAS_MISMATCH')
  }
  const tries = cas === undefined ? CAS_TRIES : 1
  const { written } = await mergeSecret(provider, uri, payload, { ...options, check, tries })
  return finishWrite(provider, uri, written, options)
}

/** Options of {@link mergeSecret}. */
export interface MergeOptions extends ProviderCallOptions {
  /** Throws when what is there must not be written over. */
  readonly check?: (current: CurrentSecret) => void
  readonly tries?: number
}

/**
 * Read what is there, put a payload over it, and write it if nothing has changed meanwhile; else again.
 *
 * @returns what was written, and what it was written over
 */
export async function mergeSecret(
  provider: SecretProvider,
  uri: SecretUri,
  payload: SecretPayload,
  options: MergeOptions,
): Promise<{ written: WrittenSecret; over: CurrentSecret }> {
  const call = callOptions(options)
  return withCasRetry(async () => {
    const over = await provider.read(uri, call)
    options.check?.(over)
    const data = payload.kind === 'map' ? payload.data : mapWith(over, payload.key, payload.value)
    const written = await provider.write(uri, data, { ...call, cas: over.token })
    return { written, over }
  }, options.tries)
}

/** Stamp what was written first. */
export async function finishWrite(
  provider: SecretProvider,
  uri: SecretUri,
  { version, first }: WrittenSecret,
  options: ProviderCallOptions & Author,
): Promise<WriteOutcome> {
  const stamped = first
    ? await stampMetadata(provider, uri, options, callOptions(options))
    : 'unneeded'
  return { version, created: first, stamped }
}

/** The number that a write of `cas` is compared with (DESIGN §4): that of the latest version, 0 for none yet. */
export function versionOf(current: CurrentSecret): number | null {
  return current.kind === 'absent' ? 0 : current.version
}

/** What the provider is told of the options of an operation. */
export function callOptions({ signal }: ProviderCallOptions): ProviderCallOptions {
  return signal === undefined ? {} : { signal }
}

function mapWith(current: CurrentSecret, key: string, value: JsonValue): SecretMap {
  // What is deleted is not brought back with a key that is written.
  return new Map(current.kind === 'found' ? current.data : []).set(key, value)
}
