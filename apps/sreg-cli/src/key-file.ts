/** Key files, read only where nobody else can have read or placed them. */
import { CliError } from './errors.ts'

const TOLD = {
  ERR_CRYPTO_KEY_FILE_UNREADABLE: ['NOT_FOUND', 'cannot be read', 'check its path and its owner'],
  ERR_CRYPTO_KEY_FILE_UNSAFE: [
    'ACCESS_DENIED',
    'is not a private regular file of this user',
    'it must be yours or of root, no link, and of mode 0600 or less',
  ],
  ERR_CRYPTO_KEY_FILE_SIZE: [
    'INVALID_ARGUMENT',
    'is not 32 to 4096 bytes long',
    'make one with: head -c 32 /dev/urandom',
  ],
} as const

/**
 * Read a key file.
 *
 * @returns its bytes in base64
 * @throws CliError `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_ARGUMENT`
 */
export async function readKeyFileText(path: string): Promise<string> {
  const bytes = await readKeyFileBytes(path)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('base64')
  buffer.fill(0)
  return text
}

/**
 * Read a key file.
 *
 * @returns 32 to 4096 bytes, the caller's to wipe
 * @throws CliError `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_ARGUMENT`
 */
export async function readKeyFileBytes(path: string): Promise<Uint8Array> {
  const { readKeyFile } = await import('@secreg/crypto/node')
  try {
    return await readKeyFile(path)
  } catch (cause) {
    const code = (cause as { code?: unknown }).code as keyof typeof TOLD
    if (!Object.hasOwn(TOLD, code)) throw cause
    const [reason, what, hint] = TOLD[code]
    throw new CliError(reason, `${path} ${what}`, hint, { cause })
  }
}
