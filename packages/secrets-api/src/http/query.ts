/**
 * Queries of HTTP as they were sent. Decoders of forms make a space of `+`, which schemes of secret URIs contain (specs:
 * secrets-api §1.1).
 */
import { SecretsApiError } from '../errors.ts'

/** Bounds of a query. */
export const QUERY_LIMITS: { readonly length: number; readonly parameters: number } = Object.freeze(
  {
    /** Characters as sent: two secret URIs with every byte escaped, and more. */
    length: 16_384,
    parameters: 32,
  },
)

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Read a query: parted at `&` and at the first `=`, escapes decoded once as strict UTF-8, `+` left alone.
 *
 * @param query - what is between `?` and the end, or `#`, of a request's target
 * @param known - names that there may be
 * @returns values by name
 * @throws SecretsApiError `AMBIGUOUS_QUERY` for a name given twice, however it was escaped; `INVALID_REQUEST` for any
 *   other fault: an unknown name, a parameter without `=`, an escape that is none, bytes that are not UTF-8, characters
 *   that no target has, more than 16,384 characters or 32 parameters
 *
 * @example
 * ```ts
 * parseQuery('uri=openbao+kv2://secret/app/test%23value&version=2', ['uri', 'version']).get('uri')
 * // 'openbao+kv2://secret/app/test#value'
 * ```
 */
export function parseQuery(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  if (typeof query !== 'string') throw new TypeError('query: expected a string')
  if (query.length > QUERY_LIMITS.length) throw new SecretsApiError('INVALID_REQUEST')
  const found = new Map<string, string>()
  if (query === '') return found
  const pieces = query.split('&', QUERY_LIMITS.parameters + 1)
  if (pieces.length > QUERY_LIMITS.parameters) throw new SecretsApiError('INVALID_REQUEST')
  for (const piece of pieces) {
    const at = piece.indexOf('=')
    if (at < 0) throw new SecretsApiError('INVALID_REQUEST')
    const name = decode(piece.slice(0, at))
    const value = decode(piece.slice(at + 1))
    if (!known.includes(name)) throw new SecretsApiError('INVALID_REQUEST')
    if (found.has(name)) throw new SecretsApiError('AMBIGUOUS_QUERY')
    found.set(name, value)
  }
  return found
}

/** Decode what is escaped, once. */
function decode(text: string): string {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // A target is visible ASCII (RFC 9112 section 3.2); its fragment is never sent.
    if (code <= 0x20 || code > 0x7e || code === 0x23) throw new SecretsApiError('INVALID_REQUEST')
    if (code !== 0x25) {
      bytes[length++] = code
      continue
    }
    const digits = text.slice(at + 1, at + 3)
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new SecretsApiError('INVALID_REQUEST')
    bytes[length++] = Number.parseInt(digits, 16)
    at += 2
  }
  try {
    return decoder.decode(bytes.subarray(0, length))
  } catch {
    throw new SecretsApiError('INVALID_REQUEST')
  }
}

/**
 * A parameter that is literally `true` or `false`.
 *
 * @throws SecretsApiError `INVALID_REQUEST`
 */
export function booleanParameter(text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback
  if (text !== 'true' && text !== 'false') throw new SecretsApiError('INVALID_REQUEST')
  return text === 'true'
}

/**
 * A parameter that is a whole number in decimal, without a sign or leading zeros.
 *
 * @throws SecretsApiError `INVALID_REQUEST` when it is not from `least` to `most`
 */
export function integerParameter(
  text: string | undefined,
  { fallback, least, most }: { fallback: number; least: number; most: number },
): number {
  if (text === undefined) return fallback
  if (text.length > 10 || !/^(?:0|[1-9]\d*)$/.test(text)) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  const value = Number(text)
  if (value < least || value > most) throw new SecretsApiError('INVALID_REQUEST')
  return value
}
