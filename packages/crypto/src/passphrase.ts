/**
 * Bytes of passwords and passphrases: UTF-8 of the NFC form, as OpaqueString has it (RFC 8265 §4.2.2, rule 4), so that
 * a password typed on another keyboard or system is the same password. Nothing else is changed: no trimming, no
 * mapping of spaces, no case folding.
 */
import { isBytes } from './assert.ts'
import { utf8Bytes, wipe } from './bytes.ts'

/** Longest password or passphrase in bytes of UTF-8. */
export const PASSPHRASE_MAX_BYTES = 4096
/** Bounds the work of normalising: composing at most halves UTF-16 units and cuts bytes to three eighths. */
const UNNORMALISED_MAX: number = 3 * PASSPHRASE_MAX_BYTES

/**
 * A password or passphrase: text, or its bytes in UTF-8.
 *
 * Bytes can be wiped by their owner and text cannot; bytes outside ASCII pass through a string for their NFC form.
 */
export type Passphrase = string | Uint8Array

/**
 * Bytes that a key is derived from, or `undefined` if this cannot be a password: empty, too long, a lone surrogate,
 * invalid UTF-8. The result is a fresh copy, which the caller wipes.
 */
export function encodePassphrase(passphrase: Passphrase): Uint8Array | undefined {
  let bytes: Uint8Array
  if (typeof passphrase === 'string') {
    if (passphrase.length > UNNORMALISED_MAX || /\p{Surrogate}/u.test(passphrase)) {
      return undefined
    }
    bytes = utf8Bytes(passphrase.normalize('NFC'))
  } else if (isBytes(passphrase)) {
    if (passphrase.length > UNNORMALISED_MAX) return undefined
    if (passphrase.every((byte) => byte < 0x80)) {
      bytes = Uint8Array.from(passphrase)
    } else {
      try {
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(passphrase)
        bytes = utf8Bytes(text.normalize('NFC'))
      } catch {
        return undefined
      }
    }
  } else {
    throw new TypeError('a passphrase must be a string or a Uint8Array')
  }
  if (bytes.length === 0 || bytes.length > PASSPHRASE_MAX_BYTES) {
    wipe(bytes)
    return undefined
  }
  return bytes
}

/** As {@link encodePassphrase}, for a passphrase that its owner chooses: an unusable one is a RangeError. */
export function assertPassphrase(passphrase: Passphrase): Uint8Array {
  const bytes = encodePassphrase(passphrase)
  if (bytes === undefined) {
    throw new RangeError(`a passphrase must be 1 to ${PASSPHRASE_MAX_BYTES} bytes of valid text`)
  }
  return bytes
}
