/** A source of bytes of which the first line is read apart from the rest. */
import { type ByteSource, isBytes } from '@secreg/crypto'
import { BackupError } from './errors.ts'
import { BACKUP_PREFIX, HEADER_MAX_BYTES } from './header.ts'

const LINE_FEED = 0x0a

/** What a backup is read from. */
export class ByteInput {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  /** What was read and not used yet; a view of a piece of the source. */
  #held: Uint8Array = new Uint8Array(0)
  #ended = false

  constructor(source: ByteSource) {
    if (typeof source !== 'object' || source === null) throw notIterable()
    if (Symbol.asyncIterator in source) this.#iterator = source[Symbol.asyncIterator]()
    else if (Symbol.iterator in source) this.#iterator = source[Symbol.iterator]()
    else throw notIterable()
  }

  /**
   * Read the first line of a backup.
   *
   * @returns a fresh copy without the line feed
   * @throws BackupError `ERR_BACKUP_FORMAT`, `ERR_BACKUP_TRUNCATED`, `ERR_BACKUP_HEADER` when it is too long
   */
  async readFirstLine(): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let length = 0
    for (;;) {
      const piece = await this.#next()
      if (piece === undefined) throw new BackupError('ERR_BACKUP_TRUNCATED')
      const end = piece.indexOf(LINE_FEED)
      const part = end < 0 ? piece : piece.subarray(0, end)
      assertPrefix(part, length)
      length += part.length
      if (length >= HEADER_MAX_BYTES) throw new BackupError('ERR_BACKUP_HEADER')
      // A copy, because a piece is valid until the next one only.
      parts.push(Uint8Array.from(part))
      if (end < 0) continue
      if (length < BACKUP_PREFIX.length) throw new BackupError('ERR_BACKUP_FORMAT')
      this.#held = piece.subarray(end + 1)
      return join(parts, length)
    }
  }

  /** What follows, in pieces. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.#held.length > 0) yield this.#held
      for (;;) {
        const piece = await this.#next()
        if (piece === undefined) return
        yield piece
      }
    } finally {
      await this.close()
    }
  }

  /** Let go of the source. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#iterator.return?.()
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined
    const result = await this.#iterator.next()
    if (result.done === true) {
      this.#ended = true
      return undefined
    }
    if (!isBytes(result.value)) {
      throw new TypeError('a piece of the source must be a Uint8Array')
    }
    return result.value
  }
}

/** Refuse what does not begin as every backup does; `at` is where in the line this part stands. */
function assertPrefix(part: Uint8Array, at: number): void {
  for (let i = at; i < BACKUP_PREFIX.length && i < at + part.length; i++) {
    if (part[i - at] !== BACKUP_PREFIX[i]) throw new BackupError('ERR_BACKUP_FORMAT')
  }
}

function notIterable(): TypeError {
  return new TypeError('source must be an iterable of Uint8Arrays')
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const line = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    line.set(part, at)
    at += part.length
  }
  return line
}
