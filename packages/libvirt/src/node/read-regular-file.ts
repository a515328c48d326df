/** Reading a file that others may have placed: no link is followed, no device or pipe is waited for, no length believed. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { SecretFileError } from '../secret/secret-file-error.ts'

const CHUNK_BYTES = 65_536

/**
 * Read a regular file.
 *
 * @param path - its last part must not be a symbolic link; the directories above are the caller's business
 * @param maxBytes - a longer file is refused
 * @returns its bytes in a fresh array, the caller's to wipe; `undefined` where there is no such file
 * @throws SecretFileError `ERR_LIBVIRT_FILE_UNSAFE`, `ERR_LIBVIRT_FILE_SIZE`, `ERR_LIBVIRT_FILE_UNREADABLE`
 */
export async function readRegularFile(
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const handle = await openFile(path)
  if (handle === undefined) return undefined
  try {
    if (!(await handle.stat()).isFile()) throw new SecretFileError('ERR_LIBVIRT_FILE_UNSAFE', path)
    return await readBounded(handle, path, maxBytes)
  } catch (cause) {
    if (SecretFileError.is(cause)) throw cause
    throw new SecretFileError('ERR_LIBVIRT_FILE_UNREADABLE', path, { cause })
  } finally {
    await handle.close()
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    // ENXIO: a socket.
    const unsafe = code === 'ELOOP' || code === 'ENXIO'
    throw new SecretFileError(
      unsafe ? 'ERR_LIBVIRT_FILE_UNSAFE' : 'ERR_LIBVIRT_FILE_UNREADABLE',
      path,
      { cause },
    )
  }
}

async function readBounded(
  handle: FileHandle,
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  try {
    for (let length = 0; ; ) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, maxBytes + 1 - length))
      chunks.push(chunk)
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, length)
      if (bytesRead === 0) return joined(chunks, length)
      chunks[chunks.length - 1] = chunk.subarray(0, bytesRead)
      length += bytesRead
      if (length > maxBytes) throw new SecretFileError('ERR_LIBVIRT_FILE_SIZE', path)
    }
  } finally {
    for (const chunk of chunks) chunk.fill(0)
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks.slice(0, -1)) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
