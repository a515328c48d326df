import { join } from 'node:path'
import { openOwn, RESERVE_NAME } from './directory.ts'
import type { LogFile, LogFiles } from './log-files.ts'

const BLOCK = new Uint8Array(256 * 1024)

/**
 * Space kept free on the log's disk (DESIGN §2): a file of written zeros that is given up when an
 * append finds the disk full, so that a commit that is already durable can still be logged.
 */
export class Reserve {
  readonly #files: LogFiles
  readonly #directory: string
  #file: LogFile | undefined
  #bytes = 0

  constructor(files: LogFiles, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** Bytes held, all allocated and synced; 0 while there is no reserve. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Take over the reserve of an earlier run.
   * @throws AuditError `ERR_AUDIT_DIRECTORY` if the file is not ours.
   */
  open(): void {
    const path = join(this.#directory, RESERVE_NAME)
    if (this.#files.facts(path) === undefined) return
    this.#file = openOwn(this.#files, path, 'write')
    const { size, allocated } = this.#file.facts()
    // A copy made by a backup tool may be sparse, and then holds nothing free.
    this.#bytes = allocated >= size ? size : 0
  }

  /** Notice that someone removed or cut the file. */
  check(): void {
    if (this.#file === undefined || this.#bytes === 0) return
    const { size, links } = this.#file.facts()
    if (links > 0 && size >= this.#bytes) return
    this.#bytes = 0
    if (links > 0) return
    this.#file.close()
    this.#file = undefined
  }

  /** Hold at least `bytes`. False if the disk does not have them; what was held stays held. */
  make(bytes: number): boolean {
    const held = this.#bytes
    if (held >= bytes) return true
    try {
      this.#file ??= this.#create()
      for (let at = held; at < bytes; ) {
        const count = this.#file.write(BLOCK, 0, Math.min(BLOCK.length, bytes - at), at)
        if (count === 0) throw new Error('nothing written')
        at += count
      }
      this.#file.sync()
      this.#bytes = bytes
      return true
    } catch {
      this.#shrink(held)
      return false
    }
  }

  /** Give the space back to the disk. False if there was none to give. */
  release(): boolean {
    if (this.#bytes === 0 || this.#file === undefined) return false
    this.#bytes = 0
    try {
      this.#file.truncate(0)
      // Freed blocks can be used by others only once the file system has committed that.
      this.#file.sync()
      return true
    } catch {
      return false
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #create(): LogFile {
    const file = this.#files.create(join(this.#directory, RESERVE_NAME))
    try {
      this.#files.syncDirectory(this.#directory)
    } catch {
      // Lost with the power, it is made again at the next start.
    }
    return file
  }

  #shrink(bytes: number): void {
    try {
      this.#file?.truncate(bytes)
    } catch {
      this.#bytes = 0
    }
  }
}
