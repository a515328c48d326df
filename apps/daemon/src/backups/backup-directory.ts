/** The directory of scheduled backups: private, and with nothing half in it that looks whole. */
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SecregError } from '@secreg/protocol'
import { backupName, isPartOf, type NamedBackup, partName, timeOfBackup } from './backup-name.ts'
import { diskFailure, requireRoom } from './disk-room.ts'

/** After so many bytes the room on the disk is looked at, and they are synced: a sync of all at once takes long. */
const SYNC_BYTES = 32 * 1024 * 1024
const READ_BYTES = 256 * 1024

/** A backup that is there. */
export interface BackupFile {
  readonly name: string
  /** By its name, milliseconds since the epoch. */
  readonly timeMs: number
  /** Changes whenever the file does. */
  readonly mark: string
}

/** Gives the bytes of a backup in order; `undefined` at its end. */
export type NextPiece = () => Promise<Uint8Array | undefined>

export class BackupDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /**
   * Make it, or make sure that nobody else can reach into it.
   *
   * @throws SecregError `ERR_ACCESS_DENIED`; errors of the file system
   */
  async prepare(): Promise<void> {
    const { path } = this
    await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const found = await lstat(path)
    if (!found.isDirectory()) throw refused(`${path} is not a directory`)
    if (found.uid !== process.geteuid?.()) throw refused(`${path} has another owner`)
    if ((found.mode & 0o077) !== 0) {
      throw refused(`${path} is open to group or others; expected mode 0700`)
    }
  }

  /** Everything that has the name of a backup, oldest first. */
  async list(): Promise<BackupFile[]> {
    const files: BackupFile[] = []
    for (const name of await readdir(this.path)) {
      const timeMs = timeOfBackup(name)
      if (timeMs === undefined) continue
      const found = await lstat(join(this.path, name)).catch(() => undefined)
      if (found?.isFile() !== true) continue
      files.push({ name, timeMs, mark: `${found.ino} ${found.size} ${found.mtimeMs}` })
    }
    return files.sort((a, b) => a.timeMs - b.timeMs || (a.name < b.name ? -1 : 1))
  }

  /** Remove what a process that was killed has left of a store. @returns how many */
  async clean(generation: string): Promise<number> {
    const left = (await readdir(this.path)).filter((name) => isPartOf(generation, name))
    for (const name of left) await rm(join(this.path, name), { force: true })
    return left.length
  }

  /**
   * Write a backup under a name that no other has; it is synced then.
   *
   * @returns its name, for {@link read} and {@link place}
   * @throws SecregError `ERR_STORAGE_FULL`; errors of `next` and the file system; nothing is left then
   */
  async write(backup: NamedBackup, next: NextPiece): Promise<string> {
    const name = partName(backup)
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
    const file = await open(join(this.path, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      // The umask can take rights from its owner too.
      await file.chmod(0o600)
      await this.#fill(file, next)
      await file.sync()
    } catch (cause) {
      await this.remove(name)
      throw diskFailure(this.path, cause)
    } finally {
      await file.close()
    }
    return name
  }

  async #fill(file: FileHandle, next: NextPiece): Promise<void> {
    let unsynced = 0
    await requireRoom(this.path, 0)
    for (let piece = await next(); piece !== undefined; piece = await next()) {
      await file.writeFile(piece)
      unsynced += piece.length
      if (unsynced < SYNC_BYTES) continue
      await file.datasync()
      await requireRoom(this.path, 0)
      unsynced = 0
    }
  }

  /** The bytes of a file. */
  read(name: string): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.path, name), { highWaterMark: READ_BYTES })
  }

  /** Give what was written its name. @returns the name */
  async place(written: string, backup: NamedBackup): Promise<string> {
    const name = backupName(backup)
    const path = join(this.path, name)
    const there = await lstat(path).catch(() => undefined)
    if (there !== undefined) throw new SecregError('ALREADY_EXISTS', `${path} exists already`)
    await rename(join(this.path, written), path)
    await this.#sync()
    return name
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true })
    await this.#sync()
  }

  async #sync(): Promise<void> {
    const directory = await open(this.path, constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }
}

function refused(message: string): SecregError {
  return new SecregError('ACCESS_DENIED', message)
}
