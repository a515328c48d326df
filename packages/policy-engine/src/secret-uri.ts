/**
 * Secrets that are kept elsewhere, by the scheme of whoever keeps them: `openbao+kv2://mount/segment…`. They are resources
 * beside paths: no pattern of paths is about one, nor the reverse, nor a pattern of one scheme about another's. What is
 * decided on is the whole secret, whatever key or version of it somebody wants.
 */

/** Who keeps secrets. */
export type SecretScheme = 'openbao+kv2' | 'hashicorp+kv2' | 'yaml'

/** Every scheme, in lower case as it is written. */
export const SECRET_SCHEMES: readonly SecretScheme[] = Object.freeze([
  'openbao+kv2',
  'hashicorp+kv2',
  'yaml',
])

/** Longest URI, characters, each of which is one byte. */
export const MAX_SECRET_CHARS = 2048
/** Longest segment, characters. */
export const MAX_SECRET_SEGMENT = 128
/** Most segments, the mount included. */
export const MAX_SECRET_SEGMENTS = 32
const MAX_VERSION = 2_147_483_647

/** Mount and segments. */
const PLACE = /^(?:\/[A-Za-z0-9._-]{1,128}){1,32}$/
const TAIL = /^([^#?]*)(?:#[A-Za-z0-9._-]{1,256})?(?:\?version=([1-9]\d{0,9}))?$/

/** The scheme that a text begins with; `undefined` for any other text, and for paths. */
export function schemeOf(text: string): SecretScheme | undefined {
  return SECRET_SCHEMES.find(
    (scheme) => text.startsWith(scheme) && text.startsWith('://', scheme.length),
  )
}

/** Where a secret stands with whoever keeps it: `/mount/segment…`. @param text that begins with the scheme */
export function placeIn(scheme: SecretScheme, text: string): string {
  return text.slice(scheme.length + 2)
}

/**
 * Tell whether a text is a secret that is kept elsewhere: scheme, mount and segments, nothing else. There is one spelling
 * of each.
 *
 * @example
 * ```ts
 * isForeignSecret('openbao+kv2://secret/app/api') // true
 * isForeignSecret('openbao+kv2://secret/app/api#key') // false
 * ```
 */
export function isForeignSecret(text: string): boolean {
  const scheme = schemeOf(text)
  if (scheme === undefined || text.length > MAX_SECRET_CHARS) return false
  const place = placeIn(scheme, text)
  return place.includes('/', 1) && isPlace(place)
}

function isPlace(place: string): boolean {
  return PLACE.test(place) && !/\.\.|\/\.(?:\/|$)/.test(place)
}

/** Tell whether a place may have secrets below it: `/` is all of a scheme, then come mounts and folders. */
export function isSecretPrefix(place: string): boolean {
  return place === '/' || (isPlace(place) && place.length < MAX_SECRET_CHARS)
}

/**
 * The secret that a URI in its canonical form is about, or is a key or version of (specs: secrets-api §1.2).
 *
 * @returns `undefined` for any other text
 * @example
 * ```ts
 * foreignSecretOf('openbao+kv2://secret/app/api#key?version=3') // 'openbao+kv2://secret/app/api'
 * ```
 */
export function foreignSecretOf(uri: string): string | undefined {
  if (uri.length > MAX_SECRET_CHARS) return undefined
  const [, secret, version] = TAIL.exec(uri) ?? []
  if (secret === undefined || !isForeignSecret(secret)) return undefined
  if (version === undefined) return secret
  // A file keeps no versions.
  return Number(version) > MAX_VERSION || secret.startsWith('yaml:') ? undefined : secret
}
