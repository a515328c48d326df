/** Key files and systemd credentials: read only if nobody else can have read or placed them. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { assertText } from '../assert.ts'
import { wipe } from '../bytes.ts'
import { CryptoError } from '../errors.ts'
import { KEY_FILE_MAX_BYTES, KEY_FILE_MIN_BYTES } from '../protector.ts'
import { assertCredentialName } from '../protector-header.ts'

const ROOT = 0
const GROUP_READ = 0o040
const ANYONE_ELSE = 0o077

/**
 * Read a key file: a regular file, not a symbolic link, owned by this user or root, without any permission for group
 * and others, 32 to 4096 bytes long. Directories above it are the operator's business.
 *
 * @returns its bytes, every one of them (a final newline counts), which the caller wipes
 * @throws CryptoError `ERR_CRYPTO_KEY_FILE_UNREADABLE`, `ERR_CRYPTO_KEY_FILE_UNSAFE`, `ERR_CRYPTO_KEY_FILE_SIZE`
 */
export async function readKeyFile(path: string): Promise<Uint8Array> {
  if (assertText(path, 'path').length === 0 || path.includes('\0')) {
    throw new RangeError('path must not be empty or hold a zero byte')
  }
  return readPrivateFile(path, false)
}

/**
 * Read a credential that systemd passed to this service (systemd.exec(5), "Credentials").
 *
 * @param name - a plain file name of letters, digits, `.`, `_` and `-`
 * @param env - environment with `CREDENTIALS_DIRECTORY`; default: that of this process
 * @throws CryptoError `ERR_CRYPTO_CREDENTIAL_NAME`, `ERR_CRYPTO_CREDENTIAL_DIRECTORY`, and as {@link readKeyFile}
 */
export async function readSystemdCredential(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Uint8Array> {
  assertCredentialName(name)
  const directory = env['CREDENTIALS_DIRECTORY']
  if (directory === undefined || !isAbsolute(directory) || directory.includes('\0')) {
    throw new CryptoError('ERR_CRYPTO_CREDENTIAL_DIRECTORY')
  }
  return readPrivateFile(join(directory, name), true)
}

async function readPrivateFile(path: string, credential: boolean): Promise<Uint8Array> {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: unknown) => {
    const symlink = (cause as NodeJS.ErrnoException).code === 'ELOOP'
    throw new CryptoError(
      symlink ? 'ERR_CRYPTO_KEY_FILE_UNSAFE' : 'ERR_CRYPTO_KEY_FILE_UNREADABLE',
      { cause },
    )
  })
  try {
    const { mode, uid } = await handle.stat().then((stat) => {
      if (!stat.isFile()) throw new CryptoError('ERR_CRYPTO_KEY_FILE_UNSAFE')
      return stat
    })
    // systemd gives the service's user access to root's file by an ACL, whose mask shows as the group's bits.
    const forbidden = credential && uid === ROOT ? ANYONE_ELSE & ~GROUP_READ : ANYONE_ELSE
    if ((uid !== process.geteuid?.() && uid !== ROOT) || (mode & forbidden) !== 0) {
      throw new CryptoError('ERR_CRYPTO_KEY_FILE_UNSAFE')
    }
    return await readBounded(handle)
  } finally {
    await handle.close()
  }
}

async function readBounded(handle: Awaited<ReturnType<typeof open>>): Promise<Uint8Array> {
  const buffer = new Uint8Array(KEY_FILE_MAX_BYTES + 1)
  try {
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle
        .read(buffer, length, buffer.length - length, length)
        .catch((cause: unknown) => {
          throw new CryptoError('ERR_CRYPTO_KEY_FILE_UNREADABLE', { cause })
        })
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length < KEY_FILE_MIN_BYTES || length > KEY_FILE_MAX_BYTES) {
      throw new CryptoError('ERR_CRYPTO_KEY_FILE_SIZE')
    }
    return buffer.slice(0, length)
  } finally {
    wipe(buffer)
  }
}
