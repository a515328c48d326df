/** The fast backend: HChaCha20 here, everything else in OpenSSL through node:crypto. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto'
import { assertBytes } from '../assert.ts'
import {
  assertCipher,
  assertHkdf,
  assertRandomLength,
  type CryptoBackend,
  KEY_BYTES,
  NONCE_BYTES,
  TAG_BYTES,
} from '../backend.ts'
import { CryptoError } from '../errors.ts'
import { createHChaCha } from './hchacha.ts'

const CIPHER = 'chacha20-poly1305'
const OPTIONS = Object.freeze({ authTagLength: TAG_BYTES })

/** Backend on node:crypto. */
export const nodeBackend: CryptoBackend = /* @__PURE__ */ createNodeBackend()

function createNodeBackend(): CryptoBackend {
  const hchacha = createHChaCha()
  const subkey = new Uint8Array(KEY_BYTES)
  // Four zero bytes, then the last 8 of the nonce (draft-irtf-cfrg-xchacha-03 §2.3).
  const iv = new Uint8Array(12)

  const prepare = (key: Uint8Array, nonce: Uint8Array): void => {
    hchacha.derive(key, nonce, subkey)
    for (let i = 16; i < NONCE_BYTES; i++) iv[i - 12] = nonce[i] as number
  }

  return Object.freeze<CryptoBackend>({
    name: 'node',

    randomBytes(length) {
      return randomFillSync(new Uint8Array(assertRandomLength(length)))
    },

    xchachaSeal(key, nonce, aad, plaintext) {
      assertCipher(key, nonce, aad, plaintext)
      try {
        prepare(key, nonce)
        const cipher = createCipheriv(CIPHER, subkey, iv, OPTIONS)
        cipher.setAAD(aad, { plaintextLength: plaintext.length })
        const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
        sealed.set(cipher.update(plaintext))
        cipher.final()
        sealed.set(cipher.getAuthTag(), plaintext.length)
        return sealed
      } finally {
        subkey.fill(0)
      }
    },

    xchachaOpen(key, nonce, aad, sealed) {
      assertCipher(key, nonce, aad, sealed)
      const length = sealed.length - TAG_BYTES
      if (length < 0) throw new CryptoError('ERR_CRYPTO_OPEN')
      let unverified: Uint8Array | undefined
      try {
        prepare(key, nonce)
        const decipher = createDecipheriv(CIPHER, subkey, iv, OPTIONS)
        decipher.setAAD(aad, { plaintextLength: length })
        decipher.setAuthTag(sealed.subarray(length))
        unverified = decipher.update(sealed.subarray(0, length))
        decipher.final()
        return plain(unverified)
      } catch {
        unverified?.fill(0)
        throw new CryptoError('ERR_CRYPTO_OPEN')
      } finally {
        subkey.fill(0)
      }
    },

    hkdfSha256(ikm, salt, info, length) {
      assertHkdf(ikm, salt, info, length)
      return new Uint8Array(hkdfSync('sha256', ikm, salt, info, length))
    },

    hmacSha256(key, data) {
      assertBytes(key, 'key')
      return plain(createHmac('sha256', key).update(assertBytes(data, 'data')).digest())
    },

    sha256(data) {
      return plain(hash('sha256', assertBytes(data, 'data'), 'buffer'))
    },

    equal(a, b) {
      assertBytes(a, 'a')
      assertBytes(b, 'b')
      return a.length === b.length && timingSafeEqual(a, b)
    },
  })
}

/** OpenSSL's results own their memory; only the class changes, because a Buffer's `slice` is a view. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
