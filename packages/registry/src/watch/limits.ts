/** Limits of watches and of the history that they resume from, in one table. */
export interface WatchLimits {
  /** Watches of all callers together. */
  readonly watches: number
  /** History that is kept is at most so old, milliseconds. */
  readonly historyMs: number
  /** History that is kept has at most so many events. */
  readonly historyEvents: number
  /** How often history is trimmed, milliseconds. */
  readonly trimEveryMs: number
  /** Change rows that one round of trimming reads at most. */
  readonly trimRows: number
  /** A watch of which its reader has not taken more than these bytes has overflowed. */
  readonly unreadBytes: number
  /** The same for everything that its reader has not taken, of whatever watch or answer. */
  readonly readerUnreadBytes: number
  /** A watch goes on reading history when its reader has not taken at most these bytes of it. */
  readonly catchUpUnreadBytes: number
  /** The same for everything that its reader has not taken. */
  readonly catchUpReaderUnreadBytes: number
  /** Events of a commit up to which it is told at once; those of a larger one are read back in pieces. */
  readonly liveEvents: number
  /** Bytes of a change row after which a piece ends: also what one message holds of a large commit. */
  readonly pieceBytes: number
  /** Change rows that are read from the store at once. */
  readonly readRows: number
  /** Bytes of their events that are read from the store at once. */
  readonly readBytes: number
  /** Events of history that are kept in memory, for all watches. */
  readonly cachedEvents: number
  /** Bytes of large change rows that are kept in memory while they are read, for all watches. */
  readonly cachedLargeBytes: number
  /** Least time between two messages that tell of progress only, milliseconds. */
  readonly progressMs: number
}

export const WATCH_LIMITS: WatchLimits = Object.freeze({
  watches: 65_536,
  historyMs: 86_400_000,
  historyEvents: 1_000_000,
  trimEveryMs: 60_000,
  trimRows: 10_000,
  unreadBytes: 1024 * 1024,
  readerUnreadBytes: 4 * 1024 * 1024,
  catchUpUnreadBytes: 128 * 1024,
  catchUpReaderUnreadBytes: 512 * 1024,
  liveEvents: 512,
  pieceBytes: 64 * 1024,
  readRows: 128,
  readBytes: 256 * 1024,
  cachedEvents: 16_384,
  cachedLargeBytes: 64 * 1024 * 1024,
  progressMs: 10_000,
})
