/**
 * Packets as JSON objects, strictly (RFC 8259; specs: subauth §1.2, §5 question 14). White space around the object is
 * accepted.
 */
import { readStrictJson } from '@secreg/protocol'
import { SubauthError } from '../errors.ts'
import { SUBAUTH_LIMITS } from './limits.ts'

/** Members of an object, by names that are its own. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Read the object that a packet is.
 *
 * @throws SubauthError `ERR_SUBAUTH_MALFORMED` when it is none or is nested deeper than 64,
 *   `ERR_SUBAUTH_DUPLICATE_KEY` when one of its objects has a key twice
 */
export function parseJsonObject(packet: Uint8Array): JsonObject {
  const read = readStrictJson(packet, SUBAUTH_LIMITS.depth)
  if (!read.ok) throw new SubauthError(read.fault === 'malformed' ? 'MALFORMED' : 'DUPLICATE_KEY')
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SubauthError('MALFORMED')
  }
  return value as JsonObject
}
