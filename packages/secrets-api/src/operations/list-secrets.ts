/** Names of secrets and keys, without values: specs secrets-api §2.5, E6, E7 and E11. */
import { ProviderError, SecretsApiError } from '../errors.ts'
import { isJsonObject } from '../provider/json-value.ts'
import type { ProviderCallOptions, SecretProvider } from '../provider/provider.ts'
import { isSecretFragment, isSecretSegment } from '../uri/characters.ts'
import { makeSecretUri } from '../uri/format-secret-uri.ts'
import type { SecretPlace, SecretPrefix, SecretUri } from '../uri/secret-uri.ts'
import { foundOf } from './read-secret.ts'
import { assertWholeSecret } from './secret-metadata.ts'

/** A secret with the names of its keys. */
export interface SecretKeysItem {
  readonly uri: SecretUri
  /** Ascending; names that no URI can have are among them. */
  readonly keys: readonly string[]
}

/** Something that a search has found. A folder's URI is that of a secret of the same name, which need not be there. */
export interface SecretSearchItem {
  readonly uri: SecretUri
  readonly kind: 'key' | 'path' | 'folder'
}

/** Part of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Of the whole list. */
  readonly total: number
  readonly offset: number
  readonly limit: number
}

/** Longest text to search for, characters. */
export const MAX_SEARCH_LENGTH = 256

/**
 * The names of the keys of a secret, ascending; of those whose value is an object, with `/` behind.
 *
 * @param uri - without fragment and version
 * @throws SecretsApiError `FRAGMENT_NOT_ALLOWED`, `VERSION_NOT_ALLOWED`
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`, `SECRET_NOT_FOUND`, and those of the provider
 */
export async function listSecretKeys(
  provider: SecretProvider,
  uri: SecretUri,
  options: ProviderCallOptions = {},
): Promise<readonly string[]> {
  assertWholeSecret(uri)
  if (!provider.capabilities.entries) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const { data } = foundOf(await provider.read(uri, options))
  return [...data].map(([name, value]) => (isJsonObject(value) ? `${name}/` : name)).sort()
}

/**
 * All secrets at a prefix or below it that have a URI, ascending by it.
 *
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`, and those of the provider
 */
export async function listSecrets(
  provider: SecretProvider,
  prefix: SecretPrefix,
  options: ProviderCallOptions = {},
): Promise<readonly SecretKeysItem[]> {
  if (!provider.capabilities.entries) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const items: SecretKeysItem[] = []
  for (const { keys, ...place } of await provider.entries(prefix, options)) {
    const uri = uriAt(prefix, place)
    if (uri !== undefined) items.push({ uri, keys: [...keys].sort() })
  }
  return items.sort(byUri)
}

/**
 * Secrets and keys at a prefix or below it whose names contain a text, ascending by URI: of everything where the
 * provider can tell it at once, else of what is right below the prefix. A secret is found by a segment below the prefix
 * or by its last one, a key by its name. Case does not matter; values are never looked at.
 *
 * @param text - 1 to 256 characters
 * @throws SecretsApiError `INVALID_REQUEST`
 * @throws ProviderError `OPERATION_NOT_SUPPORTED`, and those of the provider
 */
export async function searchSecrets(
  provider: SecretProvider,
  prefix: SecretPrefix,
  text: string,
  options: ProviderCallOptions = {},
): Promise<readonly SecretSearchItem[]> {
  if (text === '' || text.length > MAX_SEARCH_LENGTH) throw new SecretsApiError('INVALID_REQUEST')
  const wanted = text.toLowerCase()
  const matches = (name: string): boolean => name.toLowerCase().includes(wanted)
  if (provider.capabilities.entries) {
    const found = (await listSecrets(provider, prefix, options)).flatMap(({ uri, keys }) => {
      const below = uri.segments.slice(prefix.segments.length)
      const path = [...below, ...uri.segments.slice(-1)].some(matches)
      const named = keys.filter((key) => isSecretFragment(key) && matches(key))
      const items = named.map((fragment): SecretSearchItem => {
        return { uri: makeSecretUri({ ...uri, fragment }), kind: 'key' }
      })
      return path ? [{ uri, kind: 'path' } as const, ...items] : items
    })
    return found.sort(byUri)
  }
  if (!provider.capabilities.list) throw new ProviderError('OPERATION_NOT_SUPPORTED')
  const items: SecretSearchItem[] = []
  for (const { name, kind } of await provider.list(prefix, options)) {
    const place = { mount: prefix.mount, segments: [...prefix.segments, name] }
    const uri = matches(name) ? uriAt(prefix, place) : undefined
    if (uri !== undefined) items.push({ uri, kind: kind === 'secret' ? 'path' : kind })
  }
  return items.sort(byUri)
}

/** Part of a list. @param offset 0 or more @param limit 1 or more */
export function pageOf<T>(items: readonly T[], offset: number, limit: number): Page<T> {
  return { items: items.slice(offset, offset + limit), total: items.length, offset, limit }
}

/** Undefined for what no URI can name: the names of a provider may have other characters. */
function uriAt({ scheme }: SecretPrefix, { mount, segments }: SecretPlace): SecretUri | undefined {
  if (segments.length === 0 || !segments.every(isSecretSegment)) return undefined
  try {
    return makeSecretUri({ scheme, mount, segments })
  } catch (error) {
    // All segments are well-formed, and still the whole is too long.
    if (SecretsApiError.is(error, 'ILLEGAL_SEGMENT')) return undefined
    throw error
  }
}

function byUri(a: { readonly uri: SecretUri }, b: { readonly uri: SecretUri }): number {
  if (a.uri.canonical === b.uri.canonical) return 0
  return a.uri.canonical < b.uri.canonical ? -1 : 1
}
