/** A JSON object out of a body: bounded in depth and width before anything is made of it, and never quoted. */
import { LIMITS, readStrictJson } from '@secreg/protocol'
import { GatewayError } from '../errors.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Members and elements of a body in all. The largest transaction has a third of that. An object is slow to make, so that
 * without a bound one body would hold up everybody else for a fifth of a second.
 */
export const MAX_ITEMS: number = 32 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Read a body as one JSON object (RFC 8259); an empty one is `{}`.
 *
 * @throws GatewayError ERR_GATEWAY_BODY_INVALID
 */
export function parseJsonBody(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {}
  assertShape(body)
  let value: unknown
  try {
    value = JSON.parse(UTF8.decode(body))
  } catch {
    // No cause: the message of a SyntaxError quotes the text.
    throw invalid('the body is not JSON in UTF-8')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('the body is not a JSON object')
  }
  return value as Record<string, unknown>
}

/**
 * Read a body as one JSON object in which no name is given twice (RFC 7493 section 2.3), to be a member of a request of
 * the registry.
 *
 * @throws GatewayError ERR_GATEWAY_BODY_INVALID
 */
export function parseStrictJsonBody(body: Uint8Array): Record<string, unknown> {
  assertShape(body)
  const read = readStrictJson(body, LIMITS.payloadDepth - 1)
  if (!read.ok) {
    throw invalid(
      read.fault === 'repeated-name'
        ? 'body: a name is given twice'
        : 'body: expected JSON in UTF-8',
    )
  }
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('body: expected an object')
  }
  return value as Record<string, unknown>
}

/** One pass over the bytes; what is no JSON is found by the parser. */
function assertShape(body: Uint8Array): void {
  let depth = 0
  let items = 1
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number
    if (inString) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    // `[` and `{`, `]` and `}`
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > LIMITS.payloadDepth) throw invalid('the body is nested too deeply')
    } else if (byte === 0x5d || byte === 0x7d) depth--
    // `,`
    else if (byte === 0x2c && ++items > MAX_ITEMS) throw invalid('the body has too many members')
  }
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_BODY_INVALID', message)
}
