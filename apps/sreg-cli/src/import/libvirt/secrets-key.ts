/** The key of values that libvirt has encrypted (`secrets_encryption_key` of its secret.conf, since 12.1). */
import { CliError } from '../../errors.ts'
import { readKeyFileBytes } from '../../key-file.ts'

const KEY_BYTES = 32

/**
 * Read it, where nobody else can have read or placed it.
 *
 * @returns 32 bytes, the caller's to wipe
 * @throws CliError `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_ARGUMENT`
 */
export async function readSecretsKey(path: string): Promise<Uint8Array> {
  const key = await readKeyFileBytes(path).catch((cause: unknown) => {
    const isSize = cause instanceof CliError && cause.reason === 'INVALID_ARGUMENT'
    throw isSize ? wrongSize(path, cause) : cause
  })
  if (key.length === KEY_BYTES) return key
  key.fill(0)
  throw wrongSize(path)
}

function wrongSize(path: string, cause?: unknown): CliError {
  return new CliError(
    'INVALID_ARGUMENT',
    `${path} is not a key of ${KEY_BYTES} bytes`,
    'give the raw key; "systemd-creds decrypt" opens one that systemd has sealed',
    { cause },
  )
}
