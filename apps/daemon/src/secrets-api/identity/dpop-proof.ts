/** Proofs that a request comes from whoever holds a key (RFC 9449 section 4). */
import { createHash } from 'node:crypto'
import type { SenderProofs } from '@secreg/secrets-api/enforcement'
import { calculateJwkThumbprint, compactVerify } from 'jose'
import { type Members, memberOf, readCompactJws, typeOf } from './compact-jws.ts'
import { normalUrl } from './proof-url.ts'
import { readPublicKey } from './public-key.ts'

/** Longest proof, characters. */
export const MAX_PROOF_CHARS = 4096
/** Seconds that a proof may be older or younger than now. */
export const PROOF_WINDOW_SECONDS = 60
/** Longest `jti`, characters. */
const MAX_PROOF_ID_CHARS = 128

/** What a proof has to be for. */
export interface ProvenRequest {
  readonly method: string
  /** Its query and fragment do not matter. */
  readonly url: string
  /** The access token beside it. */
  readonly token: string
}

/**
 * Verify a proof: checks 2 to 12 of section 4.3, but that it has not been used before, and that the token is bound to its
 * key. No nonce is ever demanded, so none is looked at.
 *
 * @param timeMs - now, milliseconds since 1970
 * @returns whose key it is, and its id; undefined for a proof that is none, or of something else
 */
export async function verifyProof(
  proof: string,
  request: ProvenRequest,
  timeMs: number,
): Promise<SenderProofs['dpop']> {
  const jws = readCompactJws(proof, MAX_PROOF_CHARS)
  if (jws === undefined || typeOf(jws.header) !== 'dpop+jwt') return undefined
  // Nothing is computed of a proof that would prove nothing.
  const proofId = idOf(jws.payload)
  if (proofId === undefined || !isFor(jws.payload, request, timeMs)) return undefined
  const key = readPublicKey(memberOf(jws.header, 'jwk'))
  const alg = memberOf(jws.header, 'alg') as string
  if (key === undefined || (key.alg !== undefined && key.alg !== alg)) return undefined
  try {
    await compactVerify(proof, key, { algorithms: [alg] })
    return { thumbprint: await calculateJwkThumbprint(key, 'sha256'), proofId }
  } catch {
    return undefined
  }
}

/** `ath` of a token (RFC 9449 section 4.2). */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token, 'ascii').digest('base64url')
}

function idOf(claims: Members): string | undefined {
  const id = memberOf(claims, 'jti')
  return typeof id === 'string' && id !== '' && id.length <= MAX_PROOF_ID_CHARS ? id : undefined
}

function isFor(claims: Members, { method, url, token }: ProvenRequest, timeMs: number): boolean {
  if (memberOf(claims, 'htm') !== method || memberOf(claims, 'ath') !== tokenHash(token)) {
    return false
  }
  const htu = memberOf(claims, 'htu')
  const normal = typeof htu === 'string' ? normalUrl(htu) : undefined
  return normal !== undefined && normal === normalUrl(url) && isRecent(claims, timeMs)
}

/** One end is open: a proof is good for less than twice the window, which is how long it is remembered. */
function isRecent(claims: Members, timeMs: number): boolean {
  const iat = memberOf(claims, 'iat')
  if (typeof iat !== 'number') return false
  const age = timeMs / 1000 - iat
  return age <= PROOF_WINDOW_SECONDS && age > -PROOF_WINDOW_SECONDS
}
