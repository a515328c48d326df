/** Signed JSON in compact form, as it stands before anybody has looked at its signature (RFC 7515 section 7.1). */
import { readStrictJson } from '@secreg/protocol'
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.ts'

/** Members of a JSON object that came from outside. */
export type Members = Readonly<Record<string, unknown>>

/** What a text says. Nothing of it is true yet. */
export interface UnverifiedJws {
  readonly header: Members
  readonly payload: Members
}

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/
/** Objects and arrays within each other, the outermost included. */
const MAX_DEPTH = 16
/** Longest `kid`, characters. */
export const MAX_KEY_ID_CHARS = 256

/**
 * Read header and payload.
 *
 * @param maxChars - longest text
 * @returns undefined for what is longer, is of another form, has a member twice, is signed by no algorithm that is
 *   believed, or demands an extension: none is known here (RFC 7515 section 4.1.11)
 */
export function readCompactJws(text: string, maxChars: number): UnverifiedJws | undefined {
  if (text.length > maxChars) return undefined
  const [, first = '', second = '', signature = ''] = COMPACT.exec(text) ?? []
  if (bytesOf(signature) === undefined) return undefined
  const header = objectOf(first)
  const payload = objectOf(second)
  if (header === undefined || payload === undefined) return undefined
  if (memberOf(header, 'crit') !== undefined || memberOf(header, 'b64') !== undefined) {
    return undefined
  }
  const alg = memberOf(header, 'alg')
  if (typeof alg !== 'string' || !SIGNATURE_ALGORITHMS.includes(alg)) return undefined
  const kid = memberOf(header, 'kid')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID_CHARS)) {
    return undefined
  }
  return { header, payload }
}

/** A member of an object itself, none of those that every object has. */
export function memberOf(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

/** Whether a value is a JSON object. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Media type of a header, without the part that may be left out (RFC 7515 section 4.1.9); undefined for none. */
export function typeOf(header: Members): unknown {
  const typ = memberOf(header, 'typ')
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
}

function objectOf(part: string): Members | undefined {
  const bytes = bytesOf(part)
  const read = bytes && readStrictJson(bytes, MAX_DEPTH)
  return read?.ok === true && isMembers(read.value) ? read.value : undefined
}

/** Bytes in their one spelling (RFC 4648 section 3.5): two texts are two tokens. */
function bytesOf(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
