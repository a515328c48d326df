/** The file of a YAML provider: read whole, replaced whole, and only where nobody else can put one. */
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { YamlFileError } from './yaml-file-error.ts'

/** Largest file, bytes (specs: secrets-api §5.2). */
export const MAX_YAML_BYTES = 1_048_576

const OTHERS = 0o077

/**
 * Read the file.
 *
 * @returns its text, undefined where there is no file
 * @throws YamlFileError `UNSAFE` for a link, for what is not a regular file, is another user's, or open to others;
 *   `DIRECTORY_UNSAFE`, `TOO_LARGE`, `NOT_UTF8`, `UNREADABLE`
 */
export async function readYamlFile(path: string): Promise<string | undefined> {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let handle: FileHandle
  try {
    handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    // ENXIO: a socket.
    const fault = code === 'ELOOP' || code === 'ENXIO' ? 'UNSAFE' : 'UNREADABLE'
    throw new YamlFileError(fault, path, { cause })
  }
  try {
    assertOwn(path, await handle.stat())
    await assertDirectory(path)
    return decode(path, await readBounded(path, handle))
  } catch (cause) {
    if (cause instanceof YamlFileError) throw cause
    throw new YamlFileError('UNREADABLE', path, { cause })
  } finally {
    await handle.close()
  }
}

/**
 * Replace the file, durably: after a crash it is the old one or the new one. Only whoever holds the file's lock may.
 *
 * @throws YamlFileError `UNSAFE`, `DIRECTORY_UNSAFE`, `TOO_LARGE`, `UNWRITABLE`
 */
export async function replaceYamlFile(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > MAX_YAML_BYTES) throw new YamlFileError('TOO_LARGE', path)
  try {
    await assertDirectory(path)
    const present = await lstat(path).catch(undefinedIfAbsent)
    if (present !== undefined) assertOwn(path, present)
    await removeLeftovers(path)
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
    try {
      await writeDurably(temporary, bytes)
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(undefinedIfAbsent)
      throw error
    }
    const directory = await open(dirname(path), constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (cause) {
    if (cause instanceof YamlFileError) throw cause
    throw new YamlFileError('UNWRITABLE', path, { cause })
  } finally {
    bytes.fill(0)
  }
}

/** Refuse a directory where others could put another file, or another lock. @throws YamlFileError `DIRECTORY_UNSAFE` */
export async function assertDirectory(path: string): Promise<void> {
  const found = await stat(dirname(path)).catch((cause: unknown) => {
    throw new YamlFileError('UNREADABLE', path, { cause })
  })
  const foreign = found.uid !== 0 && found.uid !== process.geteuid?.()
  if (foreign || (found.mode & 0o022) !== 0) throw new YamlFileError('DIRECTORY_UNSAFE', path)
}

function assertOwn(path: string, found: Stats): void {
  const own = found.isFile() && found.uid === process.geteuid?.()
  if (!own || (found.mode & OTHERS) !== 0) throw new YamlFileError('UNSAFE', path)
}

async function readBounded(path: string, handle: FileHandle): Promise<Uint8Array> {
  // One more than may be there: what the file says of its length is not believed.
  const bytes = new Uint8Array(MAX_YAML_BYTES + 1)
  for (let length = 0; ; ) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
    length += bytesRead
    if (length > MAX_YAML_BYTES) throw new YamlFileError('TOO_LARGE', path)
    if (bytesRead === 0) return bytes.subarray(0, length)
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new YamlFileError('NOT_UTF8', path)
  } finally {
    bytes.fill(0)
  }
}

/** What writes left behind that were interrupted: it holds values too. */
async function removeLeftovers(path: string): Promise<void> {
  const directory = dirname(path)
  const start = `${basename(path)}.`
  for (const name of await readdir(directory)) {
    if (!name.startsWith(start) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length))) continue
    await unlink(join(directory, name)).catch(undefinedIfAbsent)
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
