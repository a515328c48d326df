/** Files that the configuration of a sink names. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Stable codes of {@link SinkFileError}. */
export type SinkFileErrorCode =
  | 'ERR_SINK_FILE_UNREADABLE'
  /** Others than this user and root could have read or changed it. */
  | 'ERR_SINK_FILE_UNSAFE'
  /** Empty, too long, or not what it should be. */
  | 'ERR_SINK_FILE_CONTENT'

const MESSAGES: Readonly<Record<SinkFileErrorCode, string>> = {
  ERR_SINK_FILE_UNREADABLE: 'cannot be read',
  ERR_SINK_FILE_UNSAFE:
    'must be a regular file of this user or root, not a symbolic link, and closed to others',
  ERR_SINK_FILE_CONTENT: 'is empty, too long or not text',
}

/** A file that a sink needs cannot be used. */
export class SinkFileError extends Error {
  override readonly name = 'SinkFileError'
  readonly code: SinkFileErrorCode
  /** The message without the path. */
  readonly what: string

  constructor(code: SinkFileErrorCode, path: string) {
    super(`${path} ${MESSAGES[code]}`)
    this.code = code
    this.what = MESSAGES[code]
  }
}

const PASSWORD_BYTES = 1024
const CERTIFICATE_BYTES = 1024 * 1024
const ROOT = 0
const ANYONE_ELSE = 0o077
const CHANGEABLE_BY_OTHERS = 0o022

/**
 * Read a password: a file of this user or root, without any permission for group and others; one line end at its end
 * does not count.
 *
 * @param maxBytes - largest file that is read
 * @throws SinkFileError
 */
export async function readPasswordFile(
  path: string,
  maxBytes: number = PASSWORD_BYTES,
): Promise<string> {
  const text = (await readOwn(path, maxBytes, ANYONE_ELSE)).replace(/\r?\n$/, '')
  // Control characters cannot be in a password (RFC 4616 §2 forbids NUL; lines are a mistake).
  if (text === '' || /\p{Cc}/u.test(text)) throw new SinkFileError('ERR_SINK_FILE_CONTENT', path)
  return text
}

/**
 * Read certificates, PEM: a file of this user or root that nobody else can change.
 *
 * @throws SinkFileError
 */
export async function readCertificateFile(path: string): Promise<string> {
  const text = await readOwn(path, CERTIFICATE_BYTES, CHANGEABLE_BY_OTHERS)
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new SinkFileError('ERR_SINK_FILE_CONTENT', path)
  }
  return text
}

async function readOwn(path: string, maxBytes: number, forbidden: number): Promise<string> {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    const symlink = (error as NodeJS.ErrnoException).code === 'ELOOP'
    throw new SinkFileError(symlink ? 'ERR_SINK_FILE_UNSAFE' : 'ERR_SINK_FILE_UNREADABLE', path)
  })
  try {
    const stat = await handle.stat()
    const ours = stat.uid === process.geteuid?.() || stat.uid === ROOT
    if (!stat.isFile() || !ours || (stat.mode & forbidden) !== 0) {
      throw new SinkFileError('ERR_SINK_FILE_UNSAFE', path)
    }
    return await readText(handle, path, maxBytes)
  } finally {
    await handle.close()
  }
}

async function readText(handle: FileHandle, path: string, maxBytes: number): Promise<string> {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle
      .read(buffer, length, buffer.length - length, length)
      .catch(() => {
        throw new SinkFileError('ERR_SINK_FILE_UNREADABLE', path)
      })
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > maxBytes) throw new SinkFileError('ERR_SINK_FILE_CONTENT', path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length))
  } catch {
    throw new SinkFileError('ERR_SINK_FILE_CONTENT', path)
  } finally {
    buffer.fill(0)
  }
}
