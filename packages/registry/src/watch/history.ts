/** The events of past commits, read back from their change rows in pieces; what is read often is kept, within bounds. */
import type { ChangeEvent } from '@secreg/protocol'
import type { Engine, MaybePromise } from '@secreg/storage'
import { type ChangePiece, decodeChangePiece } from '../change.ts'
import type { WatchLimits } from './limits.ts'

/** A row as it was read: its first piece, and everything where there are more. */
interface ReadRow {
  readonly piece: ChangePiece
  readonly payload: Uint8Array | undefined
}

const NOTHING: ReadRow = Object.freeze({
  piece: Object.freeze({ events: Object.freeze([]), next: undefined }),
  payload: undefined,
})

export class History {
  readonly #engine: Pick<Engine, 'changes'>
  readonly #limits: WatchLimits
  /** By revision and byte; the oldest make room. */
  readonly #pieces = new Map<string, ChangePiece>()
  #cachedEvents = 0
  /** Rows of several pieces, by revision; the oldest make room. */
  readonly #large = new Map<number, { readonly payload: Uint8Array; used: boolean }>()
  #largeBytes = 0
  readonly #reading = new Map<number, Promise<ReadRow>>()

  constructor(engine: Pick<Engine, 'changes'>, limits: WatchLimits) {
    this.#engine = engine
    this.#limits = limits
  }

  /** Keep what a commit has just told, for those who are close behind. */
  remember(revision: number, events: readonly ChangeEvent[]): void {
    if (events.length > this.#limits.liveEvents) return
    this.#keep(revision, 0, { events, next: undefined })
  }

  /**
   * Read a piece of a commit.
   *
   * @param from - `next` of the piece before, 0 for the first
   * @param published - revision of the last commit that may be read
   * @throws StorageError `ERR_STORAGE_TRIMMED` when it is not kept any more, and others
   */
  read(revision: number, from: number, published: number): MaybePromise<ChangePiece> {
    const kept = this.#pieces.get(`${revision}:${from}`)
    if (kept !== undefined) return kept
    const large = this.#large.get(revision)
    if (large !== undefined) {
      large.used = true
      return this.#pieceOf(revision, from, large.payload)
    }
    return this.#readRows(revision, published).then(({ piece, payload }) =>
      from === 0 || payload === undefined ? piece : this.#pieceOf(revision, from, payload),
    )
  }

  /** Forget large rows that nobody reads; called now and then. */
  sweep(): void {
    for (const [revision, large] of this.#large) {
      if (!large.used) this.#dropLarge(revision, large)
      large.used = false
    }
  }

  /** Forget everything. */
  clear(): void {
    this.#pieces.clear()
    this.#cachedEvents = 0
    this.#large.clear()
    this.#largeBytes = 0
  }

  #pieceOf(revision: number, from: number, payload: Uint8Array): ChangePiece {
    const piece = decodeChangePiece(payload, from, this.#limits.pieceBytes)
    this.#keep(revision, from, piece)
    return piece
  }

  /** Read a commit and some that follow it, at once for all who ask for it. */
  #readRows(first: number, published: number): Promise<ReadRow> {
    let reading = this.#reading.get(first)
    if (reading === undefined) {
      reading = this.#rows(first, published).finally(() => this.#reading.delete(first))
      this.#reading.set(first, reading)
    }
    return reading
  }

  async #rows(first: number, published: number): Promise<ReadRow> {
    const { readRows, readBytes } = this.#limits
    const last = Math.min(published, first + readRows - 1)
    let found: ReadRow | undefined
    let bytes = 0
    for await (const { revision, payload } of this.#engine.changes(first - 1)) {
      const piece =
        payload === undefined
          ? NOTHING.piece
          : decodeChangePiece(payload, 0, this.#limits.pieceBytes)
      const isLarge = piece.next !== undefined
      if (payload !== undefined && isLarge) this.#keepLarge(revision, payload)
      this.#keep(revision, 0, piece)
      found ??= { piece, payload: isLarge ? payload : undefined }
      bytes += payload?.length ?? 0
      if (revision >= last || bytes >= readBytes) break
    }
    return found ?? NOTHING
  }

  #keep(revision: number, from: number, piece: ChangePiece): void {
    const key = `${revision}:${from}`
    if (this.#pieces.has(key)) return
    this.#pieces.set(key, piece)
    this.#cachedEvents += weightOf(piece)
    for (const [oldest, other] of this.#pieces) {
      if (this.#cachedEvents <= this.#limits.cachedEvents) return
      this.#pieces.delete(oldest)
      this.#cachedEvents -= weightOf(other)
    }
  }

  #keepLarge(revision: number, payload: Uint8Array): void {
    if (this.#large.has(revision)) return
    for (const [oldest, large] of this.#large) {
      if (this.#largeBytes + payload.length <= this.#limits.cachedLargeBytes) break
      this.#dropLarge(oldest, large)
    }
    if (payload.length > this.#limits.cachedLargeBytes) return
    this.#large.set(revision, { payload, used: true })
    this.#largeBytes += payload.length
  }

  #dropLarge(revision: number, { payload }: { readonly payload: Uint8Array }): void {
    this.#large.delete(revision)
    this.#largeBytes -= payload.length
  }
}

/** Commits without events take room too. */
function weightOf({ events }: ChangePiece): number {
  return 1 + events.length
}
