/** The platform-neutral backend, over @noble/ciphers and @noble/hashes. */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { assertBytes } from './assert.ts'
import {
  assertCipher,
  assertHkdf,
  assertRandomLength,
  type CryptoBackend,
  equalBytes,
  TAG_BYTES,
} from './backend.ts'
import { CryptoError } from './errors.ts'

/** Backend in plain JavaScript; runs wherever `crypto.getRandomValues` exists. */
export const nobleBackend: CryptoBackend = Object.freeze<CryptoBackend>({
  name: 'noble',

  randomBytes(length) {
    return globalThis.crypto.getRandomValues(new Uint8Array(assertRandomLength(length)))
  },

  xchachaSeal(key, nonce, aad, plaintext) {
    assertCipher(key, nonce, aad, plaintext)
    return xchacha20poly1305(key, nonce, aad).encrypt(plaintext)
  },

  xchachaOpen(key, nonce, aad, sealed) {
    assertCipher(key, nonce, aad, sealed)
    if (sealed.length < TAG_BYTES) throw new CryptoError('ERR_CRYPTO_OPEN')
    try {
      return xchacha20poly1305(key, nonce, aad).decrypt(sealed)
    } catch {
      throw new CryptoError('ERR_CRYPTO_OPEN')
    }
  },

  hkdfSha256(ikm, salt, info, length) {
    assertHkdf(ikm, salt, info, length)
    return hkdf(sha256, ikm, salt, info, length)
  },

  hmacSha256(key, data) {
    return hmac(sha256, assertBytes(key, 'key'), assertBytes(data, 'data'))
  },

  sha256(data) {
    return sha256(assertBytes(data, 'data'))
  },

  equal(a, b) {
    return equalBytes(assertBytes(a, 'a'), assertBytes(b, 'b'))
  },
})
