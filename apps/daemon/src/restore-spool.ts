/**
 * Files to restore from, on the disk of the store while they are handed over. They have no name, so that nothing is left
 * of them when the process dies.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Spool } from '@secreg/registry'
import { diskFailure, requireRoom } from './backups/disk-room.ts'

/** How often the room on the disk is looked at, bytes. */
const ROOM_BYTES = 16 * 1024 * 1024
const READ_BYTES = 256 * 1024
const NAME = /^\.incoming-[0-9a-f]{32}$/

/** open(2): a file that never has a name. Node has no constant for it; the number is that of x86, ARM and POWER. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY
/** What file systems say that have no such files, and kernels that do not know the flag. */
const NO_TMPFILE: ReadonlySet<unknown> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'])

/**
 * Make a place in a data directory: a service may be able to write nowhere else. LevelDB leaves names alone that are not its.
 *
 * @param size - bytes of the whole file, where they are known
 * @throws SecregError `ERR_STORAGE_FULL`; errors of the file system
 */
export async function openDiskSpool(database: string, size = 0): Promise<Spool> {
  await requireRoom(database, size)
  return new DiskSpool(await openNameless(database), database)
}

async function openNameless(directory: string): Promise<FileHandle> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
  try {
    return await open(directory, O_TMPFILE | O_EXCL | O_RDWR, 0o600)
  } catch (error) {
    if (!NO_TMPFILE.has((error as NodeJS.ErrnoException).code)) throw error
  }
  const path = join(directory, `.incoming-${randomBytes(16).toString('hex')}`)
  const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await rm(path)
  } catch (error) {
    await file.close()
    throw error
  }
  return file
}

/**
 * Remove what a process that died in the wrong moment has left where a file has its name for that moment; only for the
 * owner of the data directory.
 */
export async function cleanDiskSpools(database: string): Promise<void> {
  for (const entry of await readdir(database)) {
    if (!NAME.test(entry)) continue
    const path = join(database, entry)
    if ((await lstat(path).catch(() => undefined))?.isFile() === true)
      await rm(path, { force: true })
  }
}

class DiskSpool implements Spool {
  readonly #file: FileHandle
  readonly #directory: string
  #bytes = 0
  #checkedAt = 0
  #closed: Promise<void> | undefined

  constructor(file: FileHandle, directory: string) {
    this.#file = file
    this.#directory = directory
  }

  get bytes(): number {
    return this.#bytes
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#bytes + bytes.length - this.#checkedAt >= ROOM_BYTES) {
      await requireRoom(this.#directory, bytes.length)
      this.#checkedAt = this.#bytes
    }
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, at, undefined, this.#bytes + at)
        at += bytesWritten
      }
    } catch (cause) {
      throw diskFailure(this.#directory, cause)
    }
    this.#bytes += bytes.length
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#bytes; ) {
      const length = Math.min(READ_BYTES, this.#bytes - at)
      const { bytesRead, buffer } = await this.#file.read(new Uint8Array(length), 0, length, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  remove(): Promise<void> {
    this.#closed ??= this.#file.close()
    return this.#closed
  }
}
