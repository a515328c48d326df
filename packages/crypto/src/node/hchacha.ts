/**
 * HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2) on preallocated words.
 *
 * Node.js has ChaCha20-Poly1305 and no XChaCha; this subkey is all that is missing (DESIGN §10, measured parts).
 * Only additions, rotations and exclusive-ors of 32-bit words: no branch and no index depends on a secret.
 */

/** Computes HChaCha20 subkeys; not to be shared between threads. */
export interface HChaCha {
  /** Write the subkey of `key` (32 bytes) and the first 16 bytes of `nonce` into `out` (32 bytes). */
  derive(key: Uint8Array, nonce: Uint8Array, out: Uint8Array): void
}

/** "expand 32-byte k" (RFC 8439 §2.3). */
const SIGMA = Object.freeze([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const)

/** Make an instance with words of its own. */
export function createHChaCha(): HChaCha {
  const s = new Int32Array(16)
  return {
    derive(key, nonce, out) {
      s[0] = SIGMA[0]
      s[1] = SIGMA[1]
      s[2] = SIGMA[2]
      s[3] = SIGMA[3]
      for (let i = 0; i < 8; i++) s[4 + i] = readWord(key, 4 * i)
      for (let i = 0; i < 4; i++) s[12 + i] = readWord(nonce, 4 * i)
      for (let round = 0; round < 20; round += 2) {
        quarterRound(s, 0, 4, 8, 12)
        quarterRound(s, 1, 5, 9, 13)
        quarterRound(s, 2, 6, 10, 14)
        quarterRound(s, 3, 7, 11, 15)
        quarterRound(s, 0, 5, 10, 15)
        quarterRound(s, 1, 6, 11, 12)
        quarterRound(s, 2, 7, 8, 13)
        quarterRound(s, 3, 4, 9, 14)
      }
      // The first and last rows, without adding the initial state.
      for (let i = 0; i < 4; i++) {
        writeWord(out, 4 * i, s[i] as number)
        writeWord(out, 16 + 4 * i, s[12 + i] as number)
      }
      s.fill(0)
    },
  }
}

/** RFC 8439 §2.1. */
function quarterRound(s: Int32Array, ia: number, ib: number, ic: number, id: number): void {
  let a = s[ia] as number
  let b = s[ib] as number
  let c = s[ic] as number
  let d = s[id] as number
  a = (a + b) | 0
  d ^= a
  d = (d << 16) | (d >>> 16)
  c = (c + d) | 0
  b ^= c
  b = (b << 12) | (b >>> 20)
  a = (a + b) | 0
  d ^= a
  d = (d << 8) | (d >>> 24)
  c = (c + d) | 0
  b ^= c
  b = (b << 7) | (b >>> 25)
  s[ia] = a
  s[ib] = b
  s[ic] = c
  s[id] = d
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word
  out[at + 1] = word >>> 8
  out[at + 2] = word >>> 16
  out[at + 3] = word >>> 24
}
