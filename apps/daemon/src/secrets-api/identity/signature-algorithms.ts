/**
 * Algorithms of signatures that are believed (RFC 7518 section 3.1, RFC 8037, RFC 9864): asymmetric ones alone, so that no
 * public key is ever taken for a shared one, and `none` is none.
 */
export const SIGNATURE_ALGORITHMS: readonly string[] = Object.freeze([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
])
