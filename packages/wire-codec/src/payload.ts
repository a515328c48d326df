/**
 * Payloads: one JSON object (RFC 8259) in UTF-8, read strictly. No byte order mark, no member name twice in an object,
 * at most 32 levels, no text that has no UTF-8 form. Numbers are those of JSON.parse; what is allowed is for the
 * message's validator to say.
 */
import { SecregError } from '@secreg/protocol'
import { assertBytes } from './framing.ts'
import { TEXT } from './native-text.ts'
import { MAYBE_NOT_ASCII, NESTED, scanPayload } from './scan-payload.ts'

/**
 * Read a payload.
 *
 * @param payload the bytes of a frame's payload; nothing is the same as `{}`. Not kept
 * @returns an object with own members only as sent; a member `__proto__` is a member like any other
 * @throws SecregError `ERR_PAYLOAD_INVALID`; its message never quotes the payload
 *
 * @example
 * ```ts
 * decodePayload(new TextEncoder().encode('{"key":"/a"}')) // { key: '/a' }
 * ```
 */
export function decodePayload(payload: Uint8Array): Record<string, unknown> {
  assertBytes(payload, 'payload')
  if (payload.length === 0) return {}
  const scan = scanPayload(payload)
  let value: Record<string, unknown>
  try {
    value = JSON.parse(
      scan & MAYBE_NOT_ASCII ? TEXT.utf8(payload) : TEXT.ascii(payload, 0, payload.length),
    )
  } catch {
    // No cause: the message of a SyntaxError quotes the text, which may hold a password.
    throw new SecregError('PAYLOAD_INVALID', 'payload: expected JSON in UTF-8')
  }
  const members = scan & NESTED ? countMembers(value) : Object.keys(value).length
  // JSON.parse keeps the last of equal names, however they were escaped; each left a colon behind.
  if (members !== scan >>> 2) {
    throw new SecregError('PAYLOAD_INVALID', 'payload: expected no member name twice')
  }
  return value
}

/**
 * Write a payload.
 *
 * @param value an object of JSON values
 * @returns JSON text, in ASCII if all of its texts are
 * @throws TypeError if it is not an object or JSON has no form of it
 * @throws SecregError `ERR_PAYLOAD_INVALID` if a text in it has no UTF-8 form
 *
 * @example
 * ```ts
 * encodePayload({ key: '/a', decrypt: true }) // '{"key":"/a","decrypt":true}'
 * ```
 */
export function encodePayload(value: object): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('payload: expected an object')
  }
  const text: unknown = JSON.stringify(value)
  if (typeof text !== 'string' || !text.startsWith('{')) {
    throw new TypeError('payload: expected an object that JSON shows as one')
  }
  // JSON.stringify escapes a lone surrogate, and nothing else, as \ud…; a backslash before it is itself escaped.
  if (text.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud/.test(text)) {
    throw new SecregError('PAYLOAD_INVALID', 'payload: expected text without lone surrogates')
  }
  return text
}

/** Members of all objects in a parsed payload, whose depth has been checked. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) {
    let count = 0
    for (const item of value) {
      if (typeof item === 'object') count += countMembers(item)
    }
    return count
  }
  const values = Object.values(value)
  let count = values.length
  for (const item of values) {
    if (typeof item === 'object') count += countMembers(item)
  }
  return count
}
