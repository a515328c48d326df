/**
 * A long stream sealed in chunks, so that both ends work in bounded memory and no byte is given out unauthenticated:
 * STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
 * 2015), with the nonces of age (age-encryption.org/v1, "Payload").
 *
 *   chunk = XChaCha20-Poly1305(key, nonce, aad, plaintext of 65 536 bytes), 16 bytes longer
 *   nonce = 16 zero bytes | number of the chunk from 0 (7, big-endian) | 1 for the last chunk, else 0 (1)
 *
 * The last chunk has 0 to 65 536 bytes of plaintext, and 0 only if it is the first too. Chunks follow each other without
 * lengths. The nonces are not random: a key is for one stream only.
 */
import { assertBytes } from './assert.ts'
import { type CryptoBackend, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './backend.ts'
import { wipe } from './bytes.ts'
import { CryptoError, isCryptoError } from './errors.ts'
import { nobleBackend } from './noble-backend.ts'
import { createTurns } from './turns.ts'

/** Plaintext of every chunk but the last, in bytes. */
export const STREAM_CHUNK_BYTES = 65_536

const SEALED_CHUNK_BYTES = STREAM_CHUNK_BYTES + TAG_BYTES
const LAST_AT = NONCE_BYTES - 1

/** Bytes in pieces of any size. A piece is read until the next one is asked for. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Options of {@link sealStream} and {@link openStream}. */
export interface StreamOptions {
  /** Default: {@link nobleBackend}. */
  readonly backend?: CryptoBackend
}

/**
 * Seal a stream.
 *
 * @param key - 32 bytes, for this stream only; read until the stream ends, the caller wipes it
 * @param aad - associated data of every chunk, any length
 * @returns one sealed chunk at a time, each a fresh copy
 */
export function sealStream(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  { backend = nobleBackend }: StreamOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  assertStream(key, aad, source)
  return sealChunks(key, aad, source, backend)
}

/**
 * Open a stream. What has been given out is authentic and in its place; the stream is complete once the iteration has
 * ended without an error.
 *
 * @param key - 32 bytes; read until the stream ends, the caller wipes it
 * @param aad - as it was sealed with
 * @returns the plaintext of one chunk at a time, each a fresh copy, which the caller wipes
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` if a chunk is not as it was sealed or not in its place,
 *   `ERR_CRYPTO_TRUNCATED` if chunks are missing at the end or the last one is short and not as it was sealed,
 *   `ERR_CRYPTO_TRAILING` if something follows a last chunk of full length
 */
export function openStream(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  { backend = nobleBackend }: StreamOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  assertStream(key, aad, source)
  return openChunks(key, aad, source, backend)
}

async function* sealChunks(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  backend: CryptoBackend,
): AsyncGenerator<Uint8Array, void, undefined> {
  const turn = createTurns()
  let number = 0
  for await (const { bytes, last } of chunksOf(source, STREAM_CHUNK_BYTES)) {
    await turn()
    yield backend.xchachaSeal(key, nonceOf(number++, last), aad, bytes)
  }
}

async function* openChunks(
  key: Uint8Array,
  aad: Uint8Array,
  source: ByteSource,
  backend: CryptoBackend,
): AsyncGenerator<Uint8Array, void, undefined> {
  const turn = createTurns()
  let number = 0
  for await (const { bytes, last } of chunksOf(source, SEALED_CHUNK_BYTES)) {
    await turn()
    const open = (asLast: boolean): Uint8Array | undefined =>
      tryOpen(backend, key, nonceOf(number, asLast), aad, bytes)
    const plaintext = open(last)
    if (plaintext === undefined) throw new CryptoError(faultOf(bytes, last, open))
    if (last && plaintext.length === 0 && number > 0) throw new CryptoError('ERR_CRYPTO_DAMAGED')
    number++
    yield plaintext
  }
}

/** Why a chunk did not open: whether it would as what its place says that it is not. */
function faultOf(
  bytes: Uint8Array,
  last: boolean,
  open: (asLast: boolean) => Uint8Array | undefined,
): 'ERR_CRYPTO_DAMAGED' | 'ERR_CRYPTO_TRUNCATED' | 'ERR_CRYPTO_TRAILING' {
  if (bytes.length < SEALED_CHUNK_BYTES) return 'ERR_CRYPTO_TRUNCATED'
  const plaintext = open(!last)
  if (plaintext === undefined) return 'ERR_CRYPTO_DAMAGED'
  wipe(plaintext)
  return last ? 'ERR_CRYPTO_TRUNCATED' : 'ERR_CRYPTO_TRAILING'
}

function tryOpen(
  backend: CryptoBackend,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  try {
    return backend.xchachaOpen(key, nonce, aad, sealed)
  } catch (error) {
    if (isCryptoError(error, 'ERR_CRYPTO_OPEN')) return undefined
    throw error
  }
}

/** Cut a source into chunks of `size` bytes and a last one of what is left; `bytes` is valid until the next one. */
async function* chunksOf(
  source: ByteSource,
  size: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly last: boolean }, void, undefined> {
  const chunk = new Uint8Array(size)
  let held = 0
  try {
    for await (const piece of source) {
      const { length } = assertBytes(piece, 'a piece of the source')
      for (let at = 0; at < length; ) {
        // A full chunk waits until it is known whether it is the last.
        if (held === size) {
          yield { bytes: chunk, last: false }
          held = 0
        }
        const part = piece.subarray(at, at + size - held)
        chunk.set(part, held)
        held += part.length
        at += part.length
      }
    }
    yield { bytes: chunk.subarray(0, held), last: true }
  } finally {
    wipe(chunk)
  }
}

function nonceOf(number: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  for (let at = LAST_AT - 1, rest = number; rest > 0; at--, rest = Math.floor(rest / 256)) {
    nonce[at] = rest % 256
  }
  nonce[LAST_AT] = last ? 1 : 0
  return nonce
}

function assertStream(key: Uint8Array, aad: Uint8Array, source: ByteSource): void {
  assertBytes(key, 'key', KEY_BYTES)
  assertBytes(aad, 'aad')
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(
    source,
  ) as Partial<AsyncIterable<Uint8Array> & Iterable<Uint8Array>>
  if (typeof source === 'string' || typeof (asynchronous ?? synchronous) !== 'function') {
    throw new TypeError('source must be an iterable of Uint8Arrays')
  }
}
