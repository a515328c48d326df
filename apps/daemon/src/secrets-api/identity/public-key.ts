/** Public keys as others name them (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). */
import type { JWK } from 'jose'
import { isMembers, MAX_KEY_ID_CHARS, type Members, memberOf } from './compact-jws.ts'
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.ts'

/** Members that only a key has that signs, or is shared. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const BASE64URL = /^[A-Za-z0-9_-]+$/
/** Bytes: 2048 to 8192 bits. Whoever names a larger one wants work to be done. */
const MODULUS_BYTES = { least: 256, most: 1024 }
/** Bytes. With a long one, a verification takes as long as a signature. */
const MAX_EXPONENT_BYTES = 4
const COORDINATE_BYTES: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
])
const ED25519_BYTES = 32

/**
 * Read a key that verifies signatures.
 *
 * @returns a copy with the members that matter; undefined for a private or shared key, one that is for something else,
 *   and one that is too short, too long, or of a kind that is not known
 */
export function readPublicKey(value: unknown): JWK | undefined {
  if (!isMembers(value) || PRIVATE.some((name) => Object.hasOwn(value, name))) return undefined
  const key = keyOf(value)
  const purpose = purposeOf(value)
  return key === undefined || purpose === undefined ? undefined : { ...key, ...purpose }
}

/** The members of which the thumbprint of a key is made (RFC 7638 section 3.2). */
function keyOf(jwk: Members): JWK | undefined {
  const kty = memberOf(jwk, 'kty')
  const crv = memberOf(jwk, 'crv')
  if (kty === 'RSA') {
    const n = bytesOf(jwk, 'n')
    const e = bytesOf(jwk, 'e')
    return n !== undefined && e !== undefined && isModulus(n) && isExponent(e)
      ? { kty, n: n.text, e: e.text }
      : undefined
  }
  const x = bytesOf(jwk, 'x')
  if (kty === 'OKP') {
    return crv === 'Ed25519' && x?.bytes.length === ED25519_BYTES
      ? { kty, crv, x: x.text }
      : undefined
  }
  if (kty !== 'EC' || typeof crv !== 'string') return undefined
  const y = bytesOf(jwk, 'y')
  const length = COORDINATE_BYTES.get(crv)
  return length !== undefined && x?.bytes.length === length && y?.bytes.length === length
    ? { kty, crv, x: x.text, y: y.text }
    : undefined
}

/** What the key is for; undefined where it is not for signatures, or says so in no known way. */
function purposeOf(jwk: Members): JWK | undefined {
  const kid = memberOf(jwk, 'kid')
  const use = memberOf(jwk, 'use')
  const alg = memberOf(jwk, 'alg')
  const operations = memberOf(jwk, 'key_ops')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID_CHARS)) {
    return undefined
  }
  if (use !== undefined && use !== 'sig') return undefined
  if (alg !== undefined && (typeof alg !== 'string' || !SIGNATURE_ALGORITHMS.includes(alg))) {
    return undefined
  }
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return undefined
  }
  return { ...(kid === undefined ? {} : { kid }), ...(alg === undefined ? {} : { alg }) }
}

interface Bytes {
  readonly text: string
  readonly bytes: Buffer
}

function bytesOf(jwk: Members, name: string): Bytes | undefined {
  const text = memberOf(jwk, name)
  if (typeof text !== 'string' || text.length > 2 * MODULUS_BYTES.most) return undefined
  if (!BASE64URL.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  // One spelling: the thumbprint is of the text (RFC 7638 section 3.3).
  return bytes.toString('base64url') === text ? { text, bytes } : undefined
}

function isModulus({ bytes }: Bytes): boolean {
  const { least, most } = MODULUS_BYTES
  return bytes.length >= least && bytes.length <= most && bytes[0] !== 0
}

function isExponent({ bytes }: Bytes): boolean {
  if (bytes.length > MAX_EXPONENT_BYTES || bytes[0] === 0) return false
  const exponent = bytes.readUIntBE(0, bytes.length)
  return exponent >= 3 && exponent % 2 === 1
}
