/** Bytes of the content, taken from the chunks of its stream with bounded memory. */
import { isCryptoError, STREAM_CHUNK_BYTES, wipe } from '@secreg/crypto'
import { BackupError } from './errors.ts'

/** Reads what `openStream` gives. Every chunk is overwritten once it has been read. */
export class ContentReader {
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0

  constructor(chunks: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#chunks = chunks
  }

  /** Bytes at hand. */
  get held(): number {
    return this.#bytes.length - this.#at
  }

  /** Have at least `size` bytes at hand. */
  async fill(size: number): Promise<void> {
    while (this.held < size) {
      const chunk = await this.#next()
      if (chunk === undefined) throw new BackupError('ERR_BACKUP_DAMAGED')
      const joined = new Uint8Array(this.held + chunk.length)
      joined.set(this.#bytes.subarray(this.#at))
      joined.set(chunk, this.held)
      wipe(this.#bytes, chunk)
      this.#bytes = joined
      this.#at = 0
    }
  }

  /** Take `size` bytes that are at hand: a view, valid until more are filled. */
  take(size: number): Uint8Array {
    const at = this.#at
    this.#at += size
    return this.#bytes.subarray(at, this.#at)
  }

  /** Take `size` bytes as a fresh copy. */
  async read(size: number): Promise<Uint8Array> {
    const out = new Uint8Array(size)
    for (let at = 0; at < size; ) {
      if (this.held === 0) await this.fill(1)
      const part = this.take(Math.min(size - at, this.held))
      out.set(part, at)
      at += part.length
    }
    return out
  }

  /** Require that nothing but zero bytes follows, in the chunk at hand only. */
  async finish(): Promise<void> {
    const padding = this.take(this.held)
    if (padding.some((byte) => byte !== 0) || (await this.#next()) !== undefined) {
      throw new BackupError('ERR_BACKUP_DAMAGED')
    }
  }

  /** Overwrite what is at hand, and let go of the source. */
  async close(): Promise<void> {
    wipe(this.#bytes)
    await this.#chunks.return()
  }

  async #next(): Promise<Uint8Array | undefined> {
    const result = await this.#chunks.next().catch((cause: unknown) => {
      throw backupErrorOf(cause)
    })
    if (result.done === true) return undefined
    if (result.value.length !== STREAM_CHUNK_BYTES) throw new BackupError('ERR_BACKUP_DAMAGED')
    return result.value
  }
}

function backupErrorOf(cause: unknown): unknown {
  if (isCryptoError(cause, 'ERR_CRYPTO_DAMAGED')) {
    return new BackupError('ERR_BACKUP_DAMAGED', { cause })
  }
  if (isCryptoError(cause, 'ERR_CRYPTO_TRUNCATED')) {
    return new BackupError('ERR_BACKUP_TRUNCATED', { cause })
  }
  if (isCryptoError(cause, 'ERR_CRYPTO_TRAILING')) {
    return new BackupError('ERR_BACKUP_TRAILING', { cause })
  }
  return cause
}
