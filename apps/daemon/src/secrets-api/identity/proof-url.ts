/** Two URLs of one resource (RFC 9449 section 4.3, check 9; RFC 3986 sections 6.2.2 and 6.2.3). */

const HTTP = /^https?:\/\/[\x21-\x7e]+$/i

/**
 * The one spelling of a URL, without query and fragment: scheme and host in lower case, no port that goes without saying,
 * no dot segments, an empty path as `/`, no escapes of characters that need none, other escapes in upper case.
 *
 * @returns undefined for what is no URL of HTTP, or names a user
 */
export function normalUrl(text: string): string | undefined {
  if (!HTTP.test(text) || text.includes('\\')) return undefined
  // Before dot segments are removed: an escaped dot is a dot.
  const plain = text.replace(/[?#].*$/, '').replace(/%([0-9a-f]{2})/gi, normalEscape)
  if (!URL.canParse(plain)) return undefined
  const url = new URL(plain)
  if (url.username !== '' || url.password !== '') return undefined
  return `${url.protocol}//${url.host}${url.pathname}`
}

function normalEscape(_: string, hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16))
  return /[A-Za-z0-9._~-]/.test(character) ? character : `%${hex.toUpperCase()}`
}
