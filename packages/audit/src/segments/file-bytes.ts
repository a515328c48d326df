import { openOwn, partPath } from '../directory.ts'
import type { LogFile, LogFiles } from '../log-files.ts'
import type { Slices } from '../slices.ts'

/** Bytes written at once, so that the main thread does not wait long. */
const WRITE_BYTES = 256 * 1024

/** All bytes of a file of the log; undefined if it is not there or is longer than `maxBytes`. */
export async function readWhole(
  files: LogFiles,
  path: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (files.facts(path) === undefined) return undefined
  const file = openOwn(files, path, 'read')
  try {
    const { size } = file.facts()
    if (size > maxBytes) return undefined
    const bytes = Buffer.allocUnsafe(size)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    file.close()
  }
}

/** How a file is made. */
export interface PartOptions {
  readonly files: LogFiles
  readonly slices: Slices
  /** Asked before each write; false ends the making. */
  readonly mayWrite: () => boolean
}

/** A file that is being made under the name of `path` with `.part`. */
export class PartFile {
  readonly path: string
  size = 0
  readonly #options: PartOptions
  readonly #file: LogFile
  #open = true

  constructor(path: string, options: PartOptions) {
    this.path = path
    this.#options = options
    const { files } = options
    const part = partPath(path)
    // Left by an attempt that could not clear up.
    if (files.facts(part) !== undefined) files.remove(part)
    this.#file = files.create(part)
  }

  /** Write `bytes` behind what is there. */
  async append(bytes: Uint8Array): Promise<void> {
    const { slices, mayWrite } = this.#options
    for (let from = 0; from < bytes.length; ) {
      if (!mayWrite()) throw new Error('the log needs what is free on the disk')
      const length = Math.min(WRITE_BYTES, bytes.length - from)
      const count = this.#file.write(bytes, from, length, this.size)
      if (count === 0) throw Object.assign(new Error('nothing written'), { code: 'ENOSPC' })
      from += count
      this.size += count
      if (slices.due) await slices.pause()
    }
  }

  /** Make the bytes durable and close; the name is still that of a part. */
  async finish(): Promise<void> {
    await this.#file.syncLater()
    this.#close()
  }

  /** Give the file its name, in place of one that has it. */
  publish(): void {
    this.#options.files.rename(partPath(this.path), this.path)
  }

  /** Close, and take the file away unless it has its name. */
  discard(): void {
    const { files } = this.#options
    this.#close()
    try {
      const part = partPath(this.path)
      if (files.facts(part) !== undefined) files.remove(part)
    } catch {
      // Removed when the log is opened, or before the next attempt.
    }
  }

  #close(): void {
    if (this.#open) this.#file.close()
    this.#open = false
  }
}
