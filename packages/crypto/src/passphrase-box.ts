/**
 * Documents sealed under a passphrase of their own, so that they open on any machine: exports.
 *
 * JSON, bytes in canonical base64:
 *
 *   { "format": F, "version": 1,
 *     "kdf": { "name": "scrypt", "N", "r", "p", "salt": 32 bytes },
 *     "cipher": "xchacha20-poly1305",
 *     "commitment": 32 bytes, "nonce": 24 bytes, "data": ciphertext and tag, "checksum": 32 bytes }
 *
 * Sealed as `committed-box.ts` describes; context = fields('secreg/v1/passphrase-box', format, version, kdf name, N, r,
 * p, salt, cipher).
 */
import { assertBytes, assertText } from './assert.ts'
import { type CryptoBackend, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './backend.ts'
import { encodeBase64 } from './base64.ts'
import { encodeFields, wipe } from './bytes.ts'
import {
  assertUndamaged,
  COMMITMENT_BYTES,
  type CommittedBox,
  openCommitted,
  sealCommitted,
} from './committed-box.ts'
import { CryptoError } from './errors.ts'
import { nobleBackend } from './noble-backend.ts'
import { assertPassphrase, encodePassphrase, type Passphrase } from './passphrase.ts'
import { parseScryptHeader, SALT_BYTES, type ScryptHeader } from './protector-header.ts'
import {
  assertScryptBounds,
  DEFAULT_SCRYPT,
  nobleScrypt,
  type Scrypt,
  type ScryptParams,
} from './scrypt.ts'
import { damaged, readBytes, readMembers } from './shape.ts'

const VERSION = 1
const CIPHER = 'xchacha20-poly1305'
const FORMAT = /^[a-z0-9][a-z0-9-]{0,63}$/

/** A sealed document; JSON-serialisable. */
export interface PassphraseDocument {
  /** What is inside, such as `secreg-export-encrypted`. */
  readonly format: string
  readonly version: typeof VERSION
  readonly kdf: ScryptHeader
  readonly cipher: typeof CIPHER
  /** 32 bytes, base64. */
  readonly commitment: string
  /** 24 bytes, base64. */
  readonly nonce: string
  /** Ciphertext and tag, base64. */
  readonly data: string
  /** 32 bytes, base64. */
  readonly checksum: string
}

/** Options of {@link sealWithPassphrase} and {@link openWithPassphrase}. */
export interface PassphraseBoxOptions {
  /** Default: {@link nobleBackend}. */
  readonly backend?: CryptoBackend
  /** Default: {@link nobleScrypt}. */
  readonly scrypt?: Scrypt
  /** Parameters of a new document. Default: {@link DEFAULT_SCRYPT}. */
  readonly params?: ScryptParams
}

/**
 * Seal a document.
 *
 * @param format - names the content, 1 to 64 of `a-z 0-9 -`; bound to it
 * @throws CryptoError `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`, and what `scrypt` throws
 */
export async function sealWithPassphrase(
  format: string,
  passphrase: Passphrase,
  plaintext: Uint8Array,
  {
    backend = nobleBackend,
    scrypt = nobleScrypt,
    params: { N, r, p } = DEFAULT_SCRYPT,
  }: PassphraseBoxOptions = {},
): Promise<PassphraseDocument> {
  assertFormat(format)
  assertBytes(plaintext, 'plaintext')
  assertScryptBounds({ N, r, p })
  const salt = backend.randomBytes(SALT_BYTES)
  const kdf: ScryptHeader = { name: 'scrypt', N, r, p, salt: encodeBase64(salt) }
  const bytes = assertPassphrase(passphrase)
  const secret = await scrypt(bytes, salt, { N, r, p, length: KEY_BYTES }).finally(() =>
    wipe(bytes),
  )
  const box = sealCommitted(backend, secret, contextOf(format, kdf), plaintext)
  wipe(secret)
  return {
    format,
    version: VERSION,
    kdf,
    cipher: CIPHER,
    commitment: encodeBase64(box.commitment),
    nonce: encodeBase64(box.nonce),
    data: encodeBase64(box.sealed),
    checksum: encodeBase64(box.checksum),
  }
}

/**
 * Open a document.
 *
 * @param document - as {@link sealWithPassphrase} returned it, for example from `JSON.parse`
 * @returns a fresh copy of the plaintext, which the caller wipes
 * @throws CryptoError `ERR_CRYPTO_WRONG_KEY` for another passphrase, `ERR_CRYPTO_DAMAGED`, `ERR_CRYPTO_FORMAT` for
 *   another format or version, `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`, and what `scrypt` throws
 */
export async function openWithPassphrase(
  format: string,
  passphrase: Passphrase,
  document: unknown,
  { backend = nobleBackend, scrypt = nobleScrypt }: PassphraseBoxOptions = {},
): Promise<Uint8Array> {
  assertFormat(format)
  const { kdf, box } = parseDocument(format, document)
  const context = contextOf(format, kdf)
  assertUndamaged(backend, context, box)
  const bytes = encodePassphrase(passphrase)
  if (bytes === undefined) throw new CryptoError('ERR_CRYPTO_WRONG_KEY')
  const { N, r, p } = kdf
  const secret = await scrypt(bytes, readBytes(kdf.salt, SALT_BYTES), {
    N,
    r,
    p,
    length: KEY_BYTES,
  }).finally(() => wipe(bytes))
  try {
    const plaintext = openCommitted(backend, secret, context, box)
    if (plaintext === undefined) throw new CryptoError('ERR_CRYPTO_WRONG_KEY')
    return plaintext
  } finally {
    wipe(secret)
  }
}

function parseDocument(
  format: string,
  document: unknown,
): { readonly kdf: ScryptHeader; readonly box: CommittedBox } {
  const found = (document ?? {}) as { format?: unknown; version?: unknown }
  if (found.format !== format || found.version !== VERSION) {
    throw new CryptoError('ERR_CRYPTO_FORMAT')
  }
  const members = readMembers(document, [
    'format',
    'version',
    'kdf',
    'cipher',
    'commitment',
    'nonce',
    'data',
    'checksum',
  ])
  if (members.cipher !== CIPHER) damaged()
  return {
    kdf: parseScryptHeader(members.kdf),
    box: {
      commitment: readBytes(members.commitment, COMMITMENT_BYTES),
      nonce: readBytes(members.nonce, NONCE_BYTES),
      sealed: readBytes(members.data, TAG_BYTES, Number.MAX_SAFE_INTEGER),
      checksum: readBytes(members.checksum, COMMITMENT_BYTES),
    },
  }
}

function contextOf(format: string, { name, N, r, p, salt }: ScryptHeader): Uint8Array {
  return encodeFields('secreg/v1/passphrase-box', format, VERSION, name, N, r, p, salt, CIPHER)
}

function assertFormat(format: string): void {
  if (!FORMAT.test(assertText(format, 'format'))) {
    throw new RangeError('format must be 1 to 64 characters of a-z, 0-9 and -')
  }
}
