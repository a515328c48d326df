/** Handles of secrets that are files, read once: for tests, and for moving to a store. */
import { open } from 'node:fs/promises'
import { wipe } from '@secreg/crypto'
import { decodeText, type Secret } from '../secret.ts'
import { staticSecret } from '../static-secret.ts'
import { readBounded } from './read-bounded.ts'

/** More is no secret: the longest value that a registry takes is 1 MiB. */
const MAX_SECRET_BYTES = 16 * 1024 * 1024

/** White space of Unicode, as Go's `bytes.TrimSpace` takes it; without the byte order mark, which JavaScript adds. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/**
 * The handle of a secret whose value is what the file holds now, exactly, up to 16 MiB. Its name is the path. Who may
 * read the file is the operator's business.
 *
 * @throws StoreError `ERR_STORE_FORMAT` when it is longer; the system's error when it cannot be read
 */
export async function staticFile(path: string): Promise<Secret> {
  const bytes = await readFile(path)
  const secret = staticSecret(bytes, { name: path })
  wipe(bytes)
  return secret
}

/**
 * The same, of a file of text, without white space at its beginning and end.
 *
 * @throws StoreError also `ERR_STORE_NOT_TEXT` when it is not UTF-8
 */
export async function staticTextFile(path: string): Promise<Secret> {
  const bytes = await readFile(path)
  try {
    return staticSecret(trim(decodeText(bytes, path)), { name: path })
  } finally {
    wipe(bytes)
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  if (typeof path !== 'string') throw new TypeError('path: expected a string')
  const handle = await open(path, 'r')
  try {
    return await readBounded(handle, MAX_SECRET_BYTES, path)
  } finally {
    await handle.close()
  }
}

function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && SPACE.test(text.charAt(start))) start++
  while (end > start && SPACE.test(text.charAt(end - 1))) end--
  return text.slice(start, end)
}
