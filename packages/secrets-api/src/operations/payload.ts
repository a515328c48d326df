/** The values that a write names: specs secrets-api §2.5, E1. */
import { SecretsApiError } from '../errors.ts'
import {
  isJsonObject,
  type JsonValue,
  type SecretMap,
  secretMapOf,
} from '../provider/json-value.ts'
import type { SecretUri } from '../uri/secret-uri.ts'

/** One key, or all of them. */
export type SecretPayload =
  | { readonly kind: 'key'; readonly key: string; readonly value: JsonValue }
  | { readonly kind: 'map'; readonly data: SecretMap }

/**
 * Tell what is to be written.
 *
 * @param uri - with a fragment, `value` is that key's: a text, number or truth value, or an object with this one member;
 *   without, it is an object with at least one member, which replaces all keys
 * @throws SecretsApiError `INCOMPATIBLE_PAYLOAD`; `VERSION_NOT_ALLOWED` for a URI with a version
 */
export function payloadOf(uri: SecretUri, value: unknown): SecretPayload {
  if (uri.version !== undefined) throw new SecretsApiError('VERSION_NOT_ALLOWED')
  const { fragment: key } = uri
  if (key === undefined) {
    if (!isJsonObject(value) || Object.keys(value).length === 0) throw incompatible()
    return { kind: 'map', data: secretMapOf(value) }
  }
  const scalar = isJsonObject(value) ? onlyMember(value, key) : value
  if (typeof scalar !== 'string' && typeof scalar !== 'number' && typeof scalar !== 'boolean') {
    throw incompatible()
  }
  return { kind: 'key', key, value: scalar }
}

function onlyMember(object: { readonly [name: string]: JsonValue }, key: string): unknown {
  return Object.keys(object).length === 1 && Object.hasOwn(object, key) ? object[key] : undefined
}

function incompatible(): SecretsApiError {
  return new SecretsApiError('INCOMPATIBLE_PAYLOAD')
}
