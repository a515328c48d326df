/** Session ids: UUIDv4 in lower case (RFC 9562 section 5.4), 122 random bits. */
import type { CryptoBackend } from '@secreg/crypto'
import { toHex } from './hex.ts'

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Make a session id from 16 random bytes. */
export function createSessionId(crypto: Pick<CryptoBackend, 'randomBytes'>): string {
  const random = crypto.randomBytes(16)
  if (random.length !== 16) throw new RangeError('randomBytes: expected 16 bytes')
  const bytes = Uint8Array.from(random)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = toHex(bytes)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

/** Tell whether a text has the form of a session id. Everything else is refused unhashed. */
export function isSessionId(text: string): boolean {
  return text.length === 36 && UUID_V4.test(text)
}

/** Compare two session ids in time that does not depend on where they differ. */
export function equalSessionIds(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
