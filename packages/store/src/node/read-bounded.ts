/** Files of a known largest size. */
import type { FileHandle } from 'node:fs/promises'
import { wipe } from '@secreg/crypto'
import { StoreError } from '../errors.ts'

/**
 * Read a file from its beginning.
 *
 * @returns a fresh copy
 * @throws StoreError `ERR_STORE_FORMAT` when it is longer
 */
export async function readBounded(
  handle: FileHandle,
  maxBytes: number,
  path: string,
): Promise<Uint8Array> {
  // One byte more than it says: a file that grows meanwhile is noticed.
  const { size } = await handle.stat()
  if (size > maxBytes) throw tooLong(path, maxBytes)
  const buffer = new Uint8Array(size + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > size) {
    wipe(buffer)
    throw new StoreError('ERR_STORE_FORMAT', `the file ${path} is being written`)
  }
  const bytes = buffer.slice(0, length)
  wipe(buffer)
  return bytes
}

function tooLong(path: string, maxBytes: number): StoreError {
  return new StoreError('ERR_STORE_FORMAT', `the file ${path} is longer than ${maxBytes} bytes`)
}
