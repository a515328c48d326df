/** What names in a secret URI are made of (specs: secrets-api §1.2). */

/** Lengths of secret URIs and their parts, characters, each of which is one byte. */
export const SECRET_URI_LIMITS: SecretUriLimits = Object.freeze({
  uri: 2048,
  segments: 32,
  segment: 128,
  fragment: 256,
  version: 2_147_483_647,
})

/** See {@link SECRET_URI_LIMITS}. */
export interface SecretUriLimits {
  /** A whole URI or prefix, as it was sent. */
  readonly uri: number
  /** Segments, the mount included. */
  readonly segments: number
  readonly segment: number
  readonly fragment: number
  /** Largest number of a version. */
  readonly version: number
}

/** Per ASCII code: 1 for letters, digits, `.`, `_` and `-`. */
const NAME: Uint8Array = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  if (/[A-Za-z0-9._-]/.test(String.fromCharCode(code))) NAME[code] = 1
}

/** Tell whether a text consists of letters, digits, `.`, `_` and `-`. */
export function isName(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (NAME[text.charCodeAt(at)] !== 1) return false
  }
  return true
}

/** Tell whether a text can be a mount or another segment of a path: 1 to 128 characters, and nowhere `..`. */
export function isSecretSegment(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= SECRET_URI_LIMITS.segment &&
    text !== '.' &&
    isName(text) &&
    !text.includes('..')
  )
}

/** Tell whether a text can be a fragment: 1 to 256 characters. */
export function isSecretFragment(text: string): boolean {
  return text.length > 0 && text.length <= SECRET_URI_LIMITS.fragment && isName(text)
}
