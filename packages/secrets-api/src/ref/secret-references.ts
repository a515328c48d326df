/**
 * Names of secrets for audit records, metrics and logs, which must not hold a URI: HMAC-SHA-256 under the salt of the
 * tenant, in base64url (specs: secrets-api §1.7).
 */
import type { SecretUri } from '../uri/secret-uri.ts'

/** Length of a reference, characters of base64url without padding. */
export const SECRET_REFERENCE_LENGTH = 43

/** Makes references under one salt; equal URIs have equal ones. */
export interface SecretReferences {
  /** Of the URI as it is, its fragment and version included: two versions of one secret differ. */
  resourceRef(uri: Pick<SecretUri, 'canonical'>): Promise<string>
  /** Of scheme, mount and path alone: the same for all keys and versions of one secret. */
  pathRef(uri: Pick<SecretUri, 'path'>): Promise<string>
}

const encoder = new TextEncoder()
/** References that are kept, with their URIs of 2048 bytes at most. */
const KEPT = 1024

/**
 * Take up a salt.
 *
 * @param salt - a secret of the tenant, not empty, text as its UTF-8; not kept
 * @throws TypeError, RangeError for another salt
 *
 * @example
 * ```ts
 * const references = await openSecretReferences('test-tenant-salt-0123456789abcdef')
 * await references.resourceRef(parseSecretUri('yaml://secret/env#MY_API_KEY'))
 * // 'RTcj6VKx-gi-w6lfzxd8Gtryuiyb7iiZqybuoq7YiJ8'
 * ```
 */
export async function openSecretReferences(salt: string | Uint8Array): Promise<SecretReferences> {
  if (typeof salt !== 'string' && !(salt instanceof Uint8Array)) {
    throw new TypeError(`salt: expected text or bytes, got ${typeof salt}`)
  }
  if (salt.length === 0) throw new RangeError('salt: expected at least 1 byte, got none')
  const { subtle } = globalThis.crypto
  const bytes = typeof salt === 'string' ? encoder.encode(salt) : Uint8Array.from(salt)
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await subtle.importKey('raw', bytes, algorithm, false, ['sign'])
  bytes.fill(0)
  const sign = async (text: string): Promise<string> =>
    base64url(new Uint8Array(await subtle.sign('HMAC', key, encoder.encode(text))))
  const kept = new Map<string, Promise<string>>()
  // Most requests are for what was asked for a moment ago, and a signature is a turn of another thread.
  const referenceTo = (text: string): Promise<string> => {
    const reference = kept.get(text) ?? sign(text)
    kept.delete(text)
    kept.set(text, reference)
    if (kept.size > KEPT) kept.delete(kept.keys().next().value ?? '')
    return reference
  }
  return {
    resourceRef: (uri) => referenceTo(uri.canonical),
    pathRef: (uri) => referenceTo(uri.path),
  }
}

/**
 * A reference as policies of others name resources (specs: secrets-api §1.7).
 *
 * @param namespace - 1 to 128 letters, digits, `.`, `_` and `-`
 * @param resourceRef - whose first 16 characters are taken
 * @throws RangeError
 */
export function resourceArn(namespace: string, resourceRef: string): string {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(namespace)) {
    throw new RangeError('namespace: expected 1 to 128 letters, digits, ".", "_" and "-"')
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(resourceRef)) {
    throw new RangeError('resourceRef: expected 43 characters of base64url')
  }
  return `auth:v1:resource:secret:${namespace}:${resourceRef.slice(0, 16)}`
}

function base64url(bytes: Uint8Array): string {
  const text = globalThis.btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
