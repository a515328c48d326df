/** The keys of an issuer (RFC 7517 section 5). */
import { type CryptoKey, createLocalJWKSet, errors } from 'jose'
import { isMembers, type Members, memberOf } from './compact-jws.ts'
import { readPublicKey } from './public-key.ts'

/** Most keys of a set. */
export const MAX_KEYS = 100

/** A set that does not change. */
export interface KeySet {
  /** How many of its keys verify signatures. */
  readonly size: number
  /** The one key that a header fits, by `kid` and `alg`; undefined for none, and where more than one does. */
  find(header: Members): Promise<CryptoKey | undefined>
}

/**
 * Read a set. Keys that cannot be used are left out.
 *
 * @returns undefined for what is no set, or has more than {@link MAX_KEYS} keys
 */
export function readKeySet(document: unknown): KeySet | undefined {
  const list = isMembers(document) ? memberOf(document, 'keys') : undefined
  if (!Array.isArray(list) || list.length > MAX_KEYS) return undefined
  const keys = list.map(readPublicKey).filter((key) => key !== undefined)
  const find = createLocalJWKSet({ keys })
  return {
    size: keys.length,
    async find(header) {
      try {
        return await find({ alg: String(header['alg']), ...kidOf(header) })
      } catch (error) {
        if (isNone(error)) return undefined
        throw error
      }
    },
  }
}

function kidOf(header: Members): { readonly kid?: string } {
  const kid = memberOf(header, 'kid')
  return typeof kid === 'string' ? { kid } : {}
}

function isNone(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  )
}
