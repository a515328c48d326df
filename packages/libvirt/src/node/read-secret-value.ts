/**
 * The value of a secret as libvirt keeps it: `<uuid>.base64` is base64 of it; `<uuid>.aes256cbc`, since 12.1, is base64
 * of 16 random bytes and the value in AES-256-CBC with PKCS #7 padding under a key of 32 bytes
 * (src/conf/virsecretobj.c, virSecretObjSaveData).
 *
 * Encrypted files carry no tag and do not name their secret: another key is noticed by its padding in 255 of 256 files
 * only, and files that were exchanged or changed are not noticed at all.
 */
import { createDecipheriv } from 'node:crypto'
import { join } from 'node:path'
import { decodeValueFile } from '../secret/decode-value-file.ts'
import { SecretFileError } from '../secret/secret-file-error.ts'
import { readRegularFile } from './read-regular-file.ts'

/** Length of the key in bytes. */
export const SECRETS_KEY_BYTES = 32
/** What follows the UUID in the name of a plain value. */
export const PLAIN_SUFFIX = '.base64'
/** What follows the UUID in the name of an encrypted value. */
export const ENCRYPTED_SUFFIX = '.aes256cbc'

/** Longest value in bytes (remote_protocol.x, REMOTE_SECRET_VALUE_MAX). */
const MAX_VALUE_BYTES = 65_536
/** Base64 of the longest encrypted value is 87,424 characters; the rest is for line ends. */
const MAX_FILE_BYTES = 98_304
const IV_BYTES = 16

/**
 * Read the value of a secret from libvirt's directory.
 *
 * @param uuid - in canonical form
 * @param key - 32 bytes
 * @returns 1 to 65,536 bytes, the caller's to wipe; `undefined` where the secret has no value
 * @throws SecretFileError
 */
export async function readSecretValue(
  directory: string,
  uuid: string,
  key: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  const encryptedPath = join(directory, `${uuid}${ENCRYPTED_SUFFIX}`)
  const plainPath = join(directory, `${uuid}${PLAIN_SUFFIX}`)
  const encrypted = await readRegularFile(encryptedPath, MAX_FILE_BYTES)
  let plain: Uint8Array | undefined
  try {
    plain = await readRegularFile(plainPath, MAX_FILE_BYTES)
    if (encrypted === undefined) {
      return plain === undefined ? undefined : bounded(decoded(plain, plainPath), plainPath)
    }
    // libvirt removes the other one after it has written one, so an interruption leaves both.
    if (plain !== undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_TWO_VALUES', plainPath)
    if (key === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_ENCRYPTED', encryptedPath)
    return bounded(decrypted(decoded(encrypted, encryptedPath), key, encryptedPath), encryptedPath)
  } finally {
    encrypted?.fill(0)
    plain?.fill(0)
  }
}

function decoded(text: Uint8Array, path: string): Uint8Array {
  const bytes = decodeValueFile(text)
  if (bytes === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_VALUE', path)
  return bytes
}

function bounded(value: Uint8Array, path: string): Uint8Array {
  if (value.length >= 1 && value.length <= MAX_VALUE_BYTES) return value
  value.fill(0)
  throw new SecretFileError('ERR_LIBVIRT_FILE_VALUE', path)
}

function decrypted(bytes: Uint8Array, key: Uint8Array, path: string): Uint8Array {
  const pieces: Buffer[] = []
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, bytes.subarray(0, IV_BYTES))
    pieces.push(decipher.update(bytes.subarray(IV_BYTES)))
    pieces.push(decipher.final())
    return joined(pieces)
  } catch {
    // One error for a short file, a length that is no block's, and a wrong padding.
    throw new SecretFileError('ERR_LIBVIRT_FILE_DECRYPT', path)
  } finally {
    for (const piece of pieces) piece.fill(0)
  }
}

/** Not Buffer.concat, which may use memory that later buffers share. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
