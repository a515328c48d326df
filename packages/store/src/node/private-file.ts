/** One file that only this user can read, replaced as a whole. */
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { SecretCache } from '../cache.ts'
import { StoreError } from '../errors.ts'
import { readBounded } from './read-bounded.ts'

/** More is no cache of this package. */
export const MAX_FILE_BYTES: number = 256 * 1024 * 1024

const OTHERS = 0o077

export class PrivateFile implements SecretCache {
  readonly #path: string
  #cleaned = false

  constructor(path: string) {
    if (typeof path !== 'string') throw new TypeError('path: expected a string')
    if (path === '' || path.includes('\0')) throw new RangeError('path: expected a file path')
    this.#path = resolve(path)
  }

  async read(): Promise<Uint8Array | undefined> {
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    let handle: FileHandle
    try {
      handle = await open(this.#path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      if (codeOf(error) === 'ELOOP') throw this.#unsafe('a symbolic link')
      throw error
    }
    try {
      this.#check(await handle.stat())
      return await readBounded(handle, MAX_FILE_BYTES, this.#path)
    } finally {
      await handle.close()
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const folder = dirname(this.#path)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const present = await lstat(this.#path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (present !== undefined) this.#check(present)
    await this.#clean(folder)
    const temporary = `${this.#path}.${randomBytes(8).toString('hex')}.tmp`
    try {
      await writeDurably(temporary, bytes)
      await rename(temporary, this.#path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    const directory = await open(folder, constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }

  #check(stat: Stats): void {
    if (stat.isSymbolicLink()) throw this.#unsafe('a symbolic link')
    if (!stat.isFile()) throw this.#unsafe('not a regular file')
    if (stat.uid !== process.geteuid?.()) throw this.#unsafe("somebody else's")
    if ((stat.mode & OTHERS) !== 0) throw this.#unsafe('open to others')
  }

  #unsafe(what: string): StoreError {
    return new StoreError('ERR_STORE_FILE_UNSAFE', `the cache file ${this.#path} is ${what}`)
  }

  /** Remove, once, what writes left behind that were interrupted: it holds values too. */
  async #clean(folder: string): Promise<void> {
    if (this.#cleaned) return
    this.#cleaned = true
    const start = `${basename(this.#path)}.`
    for (const name of await readdir(folder)) {
      if (!name.startsWith(start) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length))) continue
      await unlink(join(folder, name)).catch(() => {})
    }
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

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
