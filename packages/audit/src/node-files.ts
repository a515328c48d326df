import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { FileFacts, LogFile, LogFiles } from './log-files.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants

/** The real file system. */
export const nodeFiles: LogFiles = Object.freeze({
  facts(path: string): FileFacts | undefined {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats && factsOf(stats)
  },
  makeDirectory(path: string): void {
    mkdirSync(path, { mode: 0o700 })
    nodeFiles.syncDirectory(dirname(path))
  },
  list: (directory: string): string[] => readdirSync(directory),
  create(path: string): LogFile {
    const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    // A umask such as 0277 would leave a file that the next start refuses.
    fchmodSync(fd, 0o600)
    return new NodeFile(fd)
  },
  // O_NONBLOCK: a FIFO put in place of a segment must not stop the start; it is refused by its facts.
  open: (path: string, access: 'read' | 'write'): LogFile =>
    new NodeFile(openSync(path, (access === 'read' ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK)),
  remove: (path: string): void => unlinkSync(path),
  rename: (from: string, to: string): void => renameSync(from, to),
  syncDirectory(path: string): void {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  },
})

class NodeFile implements LogFile {
  readonly #fd: number
  #closed = false

  constructor(fd: number) {
    this.#fd = fd
  }

  facts(): FileFacts {
    return factsOf(fstatSync(this.#fd))
  }

  write(bytes: Uint8Array, from: number, length: number, position: number): number {
    return writeSync(this.#fd, bytes, from, length, position)
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < into.length) {
      const count = await this.#readOnce(into, done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  truncate(length: number): void {
    ftruncateSync(this.#fd, length)
  }

  sync(): void {
    fdatasyncSync(this.#fd)
  }

  syncLater(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  close(): void {
    if (this.#closed) return
    // Never twice: the number may by then be another file's.
    this.#closed = true
    closeSync(this.#fd)
  }

  #readOnce(into: Uint8Array, from: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, into, from, into.length - from, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
  }
}

function factsOf(stats: Stats): FileFacts {
  return {
    kind: stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'directory'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other',
    mode: stats.mode & 0o7777,
    ours: stats.uid === process.geteuid?.(),
    links: stats.nlink,
    size: stats.size,
    allocated: stats.blocks * 512,
  }
}
